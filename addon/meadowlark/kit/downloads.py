"""What lies where a model's file should be when a download went wrong: a pointer, a web page, a message."""

from __future__ import annotations

import re
from pathlib import Path

_LOOKED_AT = 512
_LFS = b"version https://git-lfs.github.com/spec/"
_PAGE = re.compile(rb"\s*(<!doctype html|<html|<\?xml|<head|<script)", re.IGNORECASE)
_REFUSED = re.compile(
    rb"\s*(access to |invalid (username|credentials)|entry not found|repository not found|not found)", re.I
)


def mistaken(path: Path) -> str | None:
    """What a file is instead of a model's, and what to do; None: nothing is known against it. Raises OSError."""
    with path.open("rb") as file:
        head = file.read(_LOOKED_AT)
    if not head:
        return f"{path.name} is empty: the download did not begin; download it again"
    if head.startswith(_LFS):
        found = re.search(rb"^size (\d+)", head, re.MULTILINE)
        size = f" of {int(found[1]):,} bytes" if found else ""
        return (
            f"{path.name} is a Git LFS pointer, not the file{size} that it stands for: run `git lfs pull` in its "
            "repository, or download the file itself"
        )
    if _PAGE.match(head):
        return (
            f"{path.name} is a web page, not a model's file: a page to log in or to accept a licence, perhaps; "
            "download it with a token, or in the browser where you are logged in"
        )
    if _REFUSED.match(head):
        message = head.decode("utf-8", "replace").strip().splitlines()[0][:120]
        return f"{path.name} is a message of the server ({message}), not a model's file: download it again with a token"
    return None
