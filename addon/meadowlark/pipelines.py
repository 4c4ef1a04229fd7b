"""Whether an engine's pipeline is there. Its module is looked at and not imported: it may bring torch, or hang."""

from __future__ import annotations

import ast
import difflib
import pkgutil
import re
import sys
from collections.abc import Iterable
from importlib.machinery import ModuleSpec
from types import ModuleType

_REMEDY = "correct `pipeline` in its manifest, or install the plugin anew"

_UNSEEN = frozenset(
    {"*", "__dict__", "__getattr__", "__pyarmor__", "exec", "globals", "locals", "modules", "setattr", "vars"}
)
"""A module in whose code one of these occurs may have names that cannot be seen in it."""

_ELSEWHERE = re.compile(r"\b(__path__|modules|meta_path|path_hooks)\b")
"""A package in whose code one of these occurs may have modules that lie elsewhere, once it is imported."""


def fault(pipeline: str) -> str:
    """What is wrong with "package.module:Class" and what to do; empty when it is there, as far as one can see."""
    module, _, name = pipeline.partition(":")
    try:
        wrong = _fault(module, name)
    except (ImportError, SyntaxError, ValueError) as error:
        wrong = f"{module} cannot be read: {error}; mend it, or install the plugin anew"
    except KeyError:  # of a folder without __init__.py importlib asks for the package around it, which is not imported
        wrong = ""
    return f"pipeline {pipeline!r}: {wrong}" if wrong else ""


def _fault(module: str, name: str) -> str:
    if module in sys.modules:
        return _fault_of_loaded(sys.modules[module], name)
    package = ""
    at: list[str] | None = None
    spec: ModuleSpec | None = None
    around: list[ModuleSpec] = []
    for part in module.split("."):
        spec = _find(package + part, at)
        if spec is None:
            if any(map(_has_more, around)):
                return ""
            siblings = pkgutil.iter_modules(at) if at is not None else ()
            return f"there is no module {package + part!r}; {_remedy(part, (each.name for each in siblings), package)}"
        package, at = f"{spec.name}.", _inside(spec)
        around.append(spec)
    source = _source(spec) if spec else None
    if source is None or re.search(rf"^class {name}\b", source, re.MULTILINE):
        return ""
    names, classes = _names(ast.parse(source, f"{module}.py"))
    return "" if name in names or names & _UNSEEN else _no_class(module, name, classes)


def _fault_of_loaded(module: ModuleType, name: str) -> str:
    """Nobody asks it for the name: one that makes its names when they are wanted would import what it is made for."""
    known = vars(module) if type(module) is ModuleType else {"__getattr__": module}
    return "" if name in known or "__getattr__" in known else _no_class(module.__name__, name, known)


def _find(module: str, at: Iterable[str] | None) -> ModuleSpec | None:
    """As importlib.util.find_spec, which imports the packages around a module. at: the folders of the one around it."""
    if "." in module and at is None:
        return None  # what is around it is no package
    finders = (getattr(each, "find_spec", None) for each in sys.meta_path)
    return next((spec for find in finders if find and (spec := find(module, at, None))), None)


def _has_more(package: ModuleSpec) -> bool:
    """Whether, once it is imported, it may have modules that are not in its folders: compiled ones bring their own."""
    if package.loader is None:
        return False  # a folder, no more
    source = _source(package)
    return source is None or bool(_ELSEWHERE.search(source))


def _inside(spec: ModuleSpec) -> list[str] | None:
    """The folders of a package; one that is imported may have added some."""
    found = getattr(sys.modules.get(spec.name), "__path__", spec.submodule_search_locations)
    return None if found is None else list(found)


def _source(spec: ModuleSpec) -> str | None:
    """None where there is only a compiled module."""
    read = getattr(spec.loader, "get_source", None)
    return read(spec.name) if read else None


def _names(code: ast.Module) -> tuple[set[str], list[str]]:
    """(every name that occurs in it, so that none is missed however it is bound; its classes)."""
    names: set[str] = set()
    classes: list[str] = []
    for node in ast.walk(code):
        match node:
            case ast.ClassDef(name=name):
                classes.append(name)
            case ast.FunctionDef(name=name) | ast.Name(id=name) | ast.Attribute(attr=name):
                names.add(name)
            case ast.alias(name=name, asname=other):
                names.add(other or name)
    return names.union(classes), classes


def _no_class(module: str, name: str, others: Iterable[str]) -> str:
    return f"{module} has no class {name!r}; {_remedy(name, others)}"


def _remedy(name: str, others: Iterable[str], package: str = "") -> str:
    near = difflib.get_close_matches(name, list(others), 1)
    return f"did you mean {package + near[0]!r}?" if near else _REMEDY
