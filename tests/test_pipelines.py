"""A pipeline is looked for without running a line of its module, or of the packages around it."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from meadowlark.pipelines import fault

RAISES = "raise AssertionError('this module must not be imported')\n"

FILES = {
    "birdhouse/__init__.py": RAISES,
    "birdhouse/nest/__init__.py": RAISES,
    "birdhouse/nest/pipeline.py": RAISES + "class Wren:\n    'Not a Robin.'\n",
    "birdhouse/imported.py": RAISES + "from birdhouse.nest.pipeline import Wren\nfrom x import y as Robin\n",
    "birdhouse/assigned.py": RAISES + "if True:\n    Wren = type('Wren', (), {})\n",
    "birdhouse/star.py": RAISES + "from birdhouse.nest.pipeline import *\n",
    "birdhouse/lazy.py": RAISES + "def __getattr__(name): ...\n",
    "birdhouse/filled.py": "class Robin: ...\nvars()['Wren'] = Robin\n",
    "birdhouse/replaced.py": "import sys, other\nsys.modules[__name__] = other.Lazy(__name__, {'nest': ['Wren']})\n",
    "birdhouse/tree/branch/wren.py": "class Wren: ...\n",
    "wood/branch.py": "class Wren: ...\n",
    "birdhouse/broken.py": "class\n",
    "birdhouse/compiled.so": "",
    "aviaries/__init__.py": "__path__ = __import__('pkgutil').extend_path(__path__, __name__)\n",
    "lazy_birds/__init__.py": RAISES.replace("raise", "def __getattr__(name): raise"),
}


@pytest.fixture(scope="module", autouse=True)
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder: Path = tmp_path_factory.mktemp("site")
    for name, code in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(code)
    sys.path.insert(0, str(folder))
    yield
    sys.path.remove(str(folder))


@pytest.mark.parametrize(
    "pipeline",
    [
        "birdhouse.nest.pipeline:Wren",
        "birdhouse.imported:Wren",
        "birdhouse.imported:Robin",
        "birdhouse.assigned:Wren",
        "birdhouse.star:Wren",
        "birdhouse.lazy:Wren",
        "birdhouse.filled:Wren",
        "birdhouse.replaced:Wren",
        "birdhouse.tree.branch.wren:Wren",
        "birdhouse.compiled:Wren",
        "birdhouse.compiled.nest:Wren",
        "aviaries.elsewhere.pipeline:Wren",
        "meadowlark.testing.engines:ToneEngine",
        "pathlib:Path",
    ],
)
def test_what_is_there_or_may_be(pipeline: str) -> None:
    assert fault(pipeline) == ""


def test_a_loaded_package_is_not_asked_for_what_it_makes_when_asked() -> None:
    """It may import torch for that, in a process that has five seconds."""
    importlib.import_module("lazy_birds")
    try:
        assert fault("lazy_birds:Wren") == ""
        assert fault("lazy_birds.nest:Wren").startswith("pipeline 'lazy_birds.nest:Wren': there is no module")
    finally:
        del sys.modules["lazy_birds"]


@pytest.mark.parametrize(
    ("pipeline", "wrong"),
    [
        ("aviary:Wren", "there is no module 'aviary'; correct `pipeline` in its manifest, or install"),
        ("birdhouse.nets.pipeline:Wren", "there is no module 'birdhouse.nets'; did you mean 'birdhouse.nest'?"),
        ("birdhouse.nest.pipelin:Wren", "no module 'birdhouse.nest.pipelin'; did you mean 'birdhouse.nest.pipeline'?"),
        ("wood.brunch:Wren", "there is no module 'wood.brunch'; did you mean 'wood.branch'?"),
        ("birdhouse.lazy.json:Wren", "there is no module 'birdhouse.lazy.json'; correct"),
        ("birdhouse.nest.pipeline:Robin", "birdhouse.nest.pipeline has no class 'Robin'; correct"),
        ("birdhouse.nest.pipeline:Wrem", "birdhouse.nest.pipeline has no class 'Wrem'; did you mean 'Wren'?"),
        (
            "birdhouse.broken:Wren",
            "birdhouse.broken cannot be read: invalid syntax (birdhouse.broken.py, line 1); mend it",
        ),
        ("pathlib:Pat", "pathlib has no class 'Pat'; did you mean 'Path'?"),
    ],
)
def test_what_is_not_there(pipeline: str, wrong: str) -> None:
    assert fault(pipeline).startswith(f"pipeline {pipeline!r}: ")
    assert wrong in fault(pipeline)


def test_nothing_has_been_imported() -> None:
    for pipeline in ("birdhouse.nest.pipeline:Wren", "birdhouse.nest.pipeline:Robin", "birdhouse.nest.nobody:Wren"):
        fault(pipeline)
    assert not [name for name in sys.modules if name.startswith("birdhouse")]
