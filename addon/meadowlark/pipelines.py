"""Whether an engine's pipeline is there. Its module is looked at and not imported: it may bring torch, or hang."""

from __future__ import annotations

import ast
import difflib
import pkgutil
import re
import sys
from collections.abc import Iterable
from importlib.machinery import ModuleSpec

_REMEDY = "correct `pipeline` in its manifest, or install the plugin anew"

_UNSEEN = frozenset({"*", "__getattr__", "exec", "globals", "setattr"})
"""A module in whose code one of these occurs may have names that cannot be seen in it."""


def fault(pipeline: str) -> str:
    """What is wrong with "package.module:Class" and what to do; empty when it is there, as far as one can see."""
    module, _, name = pipeline.partition(":")
    try:
        wrong = _fault(module, name)
    except (ImportError, SyntaxError, ValueError) as error:
        wrong = f"{module} cannot be read: {error}; mend it, or install the plugin anew"
    return f"pipeline {pipeline!r}: {wrong}" if wrong else ""


def _fault(module: str, name: str) -> str:
    if module in sys.modules:
        loaded = sys.modules[module]
        return "" if hasattr(loaded, name) else _no_class(module, name, vars(loaded))
    package = ""
    at: list[str] | None = None
    spec: ModuleSpec | None = None
    for part in module.split("."):
        spec = _find(package + part, at)
        if spec is None:
            siblings = pkgutil.iter_modules(at) if at is not None else ()
            return f"there is no module {package + part!r}; {_remedy(part, (each.name for each in siblings), package)}"
        package, at = f"{spec.name}.", _inside(spec)
    source = _source(spec) if spec else None
    if source is None or re.search(rf"^class {name}\b", source, re.MULTILINE):
        return ""
    names, classes = _names(ast.parse(source, f"{module}.py"))
    return "" if name in names or names & _UNSEEN else _no_class(module, name, classes)


def _find(module: str, at: Iterable[str] | None) -> ModuleSpec | None:
    """As importlib.util.find_spec, which imports the packages around a module. at: the folders of the one around it."""
    if "." in module and at is None:
        return None  # what is around it is no package
    finders = (getattr(each, "find_spec", None) for each in sys.meta_path)
    return next((spec for find in finders if find and (spec := find(module, at, None))), None)


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
            case ast.FunctionDef(name=name) | ast.Name(id=name):
                names.add(name)
            case ast.alias(name=name, asname=other):
                names.add(other or name)
    return names.union(classes), classes


def _no_class(module: str, name: str, others: Iterable[str]) -> str:
    return f"{module} has no class {name!r}; {_remedy(name, others)}"


def _remedy(name: str, others: Iterable[str], package: str = "") -> str:
    near = difflib.get_close_matches(name, list(others), 1)
    return f"did you mean {package + near[0]!r}?" if near else _REMEDY
