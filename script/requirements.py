"""Print what projects of this repository need from elsewhere, one a line: the Dockerfile installs it in its own layer.

    python script/requirements.py [--extras "gpu …"] FOLDER…

A folder holds a pyproject.toml. Needs on other projects of this repository are left out. Standard library only.
"""

from __future__ import annotations

import argparse
import re
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--extras", default="", help="names of optional dependencies, of any of the projects")
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    given = parser.parse_args()
    projects = [tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8")) for folder in given.folders]
    try:
        print(*requirements([project["project"] for project in projects], given.extras.split()), sep="\n")
    except LookupError as error:
        sys.exit(f"{parser.prog}: {error.args[0]}")


def requirements(projects: Iterable[dict[str, Any]], extras: Iterable[str]) -> list[str]:
    """Sorted, without the projects themselves. Raises LookupError for an extra that none of them has."""
    projects = list(projects)
    needs = {need for project in projects for need in project.get("dependencies", ())}
    for extra in extras:
        having = [each for each in (project.get("optional-dependencies", {}) for project in projects) if extra in each]
        if not having:
            raise LookupError(f"none of the projects has an extra {extra!r}")
        needs.update(need for optional in having for need in optional[extra])
    return sorted(need for need in needs if not re.match(r"meadowlark\b", need))


if __name__ == "__main__":
    main()
