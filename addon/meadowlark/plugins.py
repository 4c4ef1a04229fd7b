"""Entry points → engines, voices, markers; a broken plugin is a row, never a crash.

Runs as a process of its own (`python -m meadowlark.plugins`, started by discovery.py, perhaps by the interpreter of
another virtualenv) and reports as JSON lines, so that no plugin code ever runs inside the server: one that hangs,
crashes or prints at import costs its own row only. The only module that knows pluggy's manager.
"""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

import msgspec
import pluggy

from . import hookspecs
from .api import EngineManifest, Marker, Value, Voice
from .manifest import marker_problems, problems, typed, voice_problems
from .models.shelves import Shelves
from .pipelines import fault
from .plugin_faults import describe, one_line


@dataclass(frozen=True, slots=True)
class PluginRow:
    """One installed plugin, as `meadowlark plugins` shows it."""

    name: str
    """Of its entry point."""

    distribution: str = ""
    version: str = ""
    engines: tuple[str, ...] = ()
    error: str = ""
    """What is wrong with it and what to do; empty when it works."""

    environment: str = ""
    """The interpreter it was found by; empty = the server's own."""

    disabled: bool = False
    """Left out because the user wishes so: `error` says it, but nothing is wrong."""

    voices_failed: bool = False
    """Its register_voices has raised: its engines may have more voices than were found."""


@dataclass(frozen=True, slots=True)
class Registry:
    """All that was found."""

    engines: tuple[EngineManifest, ...] = ()
    rows: tuple[PluginRow, ...] = ()
    interpreters: Mapping[str, str] = field(default_factory=dict)
    """Engine id → interpreter, for engines of other virtualenvs."""

    option_errors: Mapping[str, str] = field(default_factory=dict)
    """Engine id → what is wrong with the user's options for it; other engines are not in it."""

    @property
    def errors(self) -> tuple[PluginRow, ...]:
        """The plugins that do not work, or not wholly."""
        return tuple(row for row in self.rows if row.error and not row.disabled)


@dataclass(frozen=True, slots=True)
class Progress:
    """Reported before each step that runs plugin code: a probe that goes quiet has stuck there."""

    plugin: str
    step: str


Report = Callable[[Progress], None]


class Loader:
    """Loads plugins one by one into a Registry; every call into a plugin is in its own try."""

    def __init__(
        self,
        shelves: Shelves,
        report: Report = lambda _: None,
        options: Mapping[str, Mapping[str, Value]] | None = None,
    ) -> None:
        """shelves: where the user's voices and model files lie. options: the user's, by engine id."""
        self._shelves = shelves
        self._report = report
        self._options = options or {}
        self._option_errors: dict[str, str] = {}
        self._manager = pluggy.PluginManager(hookspecs.PROJECT)
        self._manager.add_hookspecs(hookspecs)
        self._rows: dict[str, PluginRow] = {}
        self._engines: dict[str, EngineManifest] = {}
        self._owners: dict[str, str] = {}

    def load_all(
        self, points: Iterable[EntryPoint], skip: Mapping[str, str] | None = None, disabled: Iterable[str] = ()
    ) -> Registry:
        """Everything the entry points offer; `skip` maps a plugin's name to the reason why it is left out."""
        skipped = skip or {}
        off = frozenset(disabled)
        for point in sorted(points, key=lambda p: p.name):
            if point.name in self._rows:
                self._fail(point.name, f"two plugins are called {point.name!r}; the one in {point.value} is left out")
                continue
            self._rows[point.name] = replace(_row(point), disabled=point.name in off)
            if point.name in off:
                self._fail(point.name, "switched off in the settings (disabled_plugins)")
            elif point.name in skipped:
                self._fail(point.name, skipped[point.name])
            else:
                self._guard(point.name, "import", partial(self._import, point))
        for name in list(self._rows):
            self._call(name, "register_engines", register=self._engine_of(name))
            self._require_engine(name)
            for engine in self._rows[name].engines:
                self._guard(name, "pipeline", partial(self._require_pipeline, name, engine))
        for name in list(self._rows):
            whole = self._call(
                name,
                "register_voices",
                register=self._voice_of(name),
                voice_dir=self._shelves.voices,
                model_dir=self._shelves.models,
                files=self._files_of(name),
            )
            self._rows[name] = replace(self._rows[name], voices_failed=not whole)
            self._call(name, "register_markers", register=self._marker_of(name))
        for engine in self._options.keys() & self._engines.keys():
            self._check_options(engine)
        return Registry(tuple(self._engines.values()), tuple(self._rows.values()), option_errors=self._option_errors)

    def _import(self, point: EntryPoint) -> None:
        plugin = point.load()
        _require_marked(plugin)
        try:
            self._manager.register(plugin, name=point.name)
            _require_known(self._manager, plugin)
        except Exception:
            self._manager.unregister(name=point.name)
            raise

    def _call(self, plugin: str, hook: str, **given: object) -> bool:
        """Call one plugin's implementation of a hook, if it has one; False = it has raised."""
        whole = True
        for implementation in getattr(self._manager.hook, hook).get_hookimpls():
            if implementation.plugin_name == plugin:
                wanted = {name: given[name] for name in implementation.argnames}
                whole &= self._guard(plugin, hook, partial(implementation.function, **wanted))
        return whole

    def _require_engine(self, plugin: str) -> None:
        """A manifest that is made and handed to nobody leaves no other trace."""
        row, named = self._rows[plugin], self._manager.hook.register_engines.get_hookimpls()
        if any(each.plugin_name == plugin for each in named) and not (row.engines or row.error):
            self._fail(plugin, "register_engines registered nothing; call register(EngineManifest(…)) in it")

    def _require_pipeline(self, plugin: str, engine: str) -> None:
        """The engine stays all the same: who asks for it is told why it cannot be loaded."""
        if wrong := fault(self._engines[engine].pipeline):
            self._fail(plugin, f"engine {engine!r}: {wrong}")

    def _files_of(self, plugin: str) -> dict[str, dict[str, str]]:
        """The engines' own files that are there; voices' files are not looked for, there may be thousands."""
        return {
            engine: {
                each.key: str(path)
                for each in self._engines[engine].assets
                if (path := self._shelves.find(engine, each))
            }
            for engine in self._rows[plugin].engines
        }

    def _check_options(self, engine: str) -> None:
        """Have the engine's plugin look at the user's options; what it finds wrong is no fault of the plugin."""
        for implementation in self._manager.hook.check_options.get_hookimpls():
            if implementation.plugin_name == self._owners[engine]:
                given = {"engine": engine, "options": self._options[engine]}
                wanted = {name: given[name] for name in implementation.argnames}
                self._guard(self._owners[engine], "check_options", partial(self._ask, implementation, engine, wanted))

    def _ask(self, implementation: pluggy.HookImpl, engine: str, wanted: Mapping[str, object]) -> None:
        try:
            implementation.function(**wanted)
        except ValueError as error:  # OptionError, and what else a check may raise
            self._option_errors[engine] = one_line(error)

    def _guard(self, plugin: str, step: str, action: Callable[[], object]) -> bool:
        self._report(Progress(plugin, step))
        try:
            action()
        except BaseException as error:  # SystemExit and worse: this process is there to run whatever plugins do
            self._fail(plugin, f"{step} failed: {describe(error)}")
            return False
        return True

    def _fail(self, plugin: str, message: str) -> None:
        row = self._rows[plugin]
        self._rows[plugin] = replace(row, error="; ".join(filter(None, (row.error, message))))

    def _engine_of(self, plugin: str) -> Callable[[EngineManifest], None]:
        def register(manifest: EngineManifest) -> None:
            checked = typed(manifest, EngineManifest)
            wrong = "; ".join(problems(checked))
            if wrong:
                raise ValueError(f"engine {checked.id!r}: {wrong}")
            if checked.id in self._engines:
                raise ValueError(
                    f"engine {checked.id!r} is already registered by plugin {self._owners[checked.id]!r}; "
                    "uninstall or switch off (disabled_plugins) one of the two"
                )
            self._engines[checked.id] = checked
            self._owners[checked.id] = plugin
            self._rows[plugin] = replace(self._rows[plugin], engines=(*self._rows[plugin].engines, checked.id))

        return self._tolerant(plugin, "register_engines", register)

    def _voice_of(self, plugin: str) -> Callable[[str, Voice], None]:
        seen: dict[str, set[str]] = {}
        found: dict[str, list[Voice]] = {}

        def register(engine: str, voice: Voice) -> None:
            manifest = self._known(plugin, engine)
            if engine not in seen:
                seen[engine] = {each.id for each in manifest.voices}
                found[engine] = list(manifest.voices)
            checked = typed(voice, Voice)
            wrong = "; ".join(voice_problems(checked))
            if wrong or checked.id in seen[engine]:
                raise ValueError(wrong or f"voice {checked.id!r} of {engine!r} is registered twice")
            seen[engine].add(checked.id)
            found[engine].append(checked)
            self._engines[engine] = replace(manifest, voices=tuple(found[engine]))

        return self._tolerant(plugin, "register_voices", register)

    def _marker_of(self, plugin: str) -> Callable[[str, Marker], None]:
        def register(engine: str, marker: Marker) -> None:
            manifest = self._known(plugin, engine)
            checked = typed(marker, Marker)
            wrong = "; ".join(marker_problems(checked))
            if wrong or any(each.name == checked.name for each in manifest.markers):
                raise ValueError(wrong or f"marker {checked.name!r} of {engine!r} is registered twice")
            self._engines[engine] = replace(manifest, markers=(*manifest.markers, checked))

        return self._tolerant(plugin, "register_markers", register)

    def _tolerant(self, plugin: str, hook: str, register: Callable[..., None]) -> Callable[..., None]:
        """`register`, but what is refused is noted in the plugin's row and the rest of its registrations count."""

        def attempt(*what: Any) -> None:
            try:
                register(*what)
            except (ValueError, TypeError) as error:
                self._fail(plugin, f"{hook}: {one_line(error)}")

        return attempt

    def _known(self, plugin: str, engine: str) -> EngineManifest:
        if engine not in self._engines:
            near = difflib.get_close_matches(str(engine), self._engines, 1)
            hint = f"; did you mean {near[0]!r}?" if near else "; install the plugin that has it"
            raise ValueError(f"engine {engine!r} is not registered by any plugin{hint}")
        return self._engines[engine]


def _require_marked(plugin: object) -> None:
    """pluggy passes over functions without @hookimpl in silence; their author would look for the reason for long."""
    written = [name for name in hookspecs.HOOKS if callable(getattr(plugin, name, None))]
    unmarked = [name for name in written if not hasattr(getattr(plugin, name), f"{hookspecs.PROJECT}_impl")]
    if unmarked:
        raise ValueError(f"{', '.join(unmarked)} is not marked; put @hookimpl (from meadowlark.api) above it")


def _require_known(manager: pluggy.PluginManager, plugin: object) -> None:
    """Raises ValueError where a hook's name is misspelt, or there is none at all."""
    callers = manager.get_hookcallers(plugin) or []
    for caller in callers:
        if not caller.has_spec():
            near = difflib.get_close_matches(caller.name, hookspecs.HOOKS, 1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(hookspecs.HOOKS)}"
            raise ValueError(f"there is no hook {caller.name}; {hint}")
    if not callers:
        raise ValueError(f"it has no hook; write at least one of {', '.join(hookspecs.HOOKS)}, with @hookimpl above it")


def installed() -> list[EntryPoint]:
    """The entry points of every plugin in this environment."""
    return list(entry_points(group=hookspecs.PROJECT))


def _row(point: EntryPoint) -> PluginRow:
    distribution = point.dist
    return PluginRow(
        name=point.name,
        distribution=distribution.name if distribution else "",
        version=distribution.version if distribution else "",
    )


@dataclass(frozen=True, slots=True)
class Order:
    """What the core asks of a probe, on its stdin."""

    voice_dir: str
    model_dir: str
    hub: str = ""
    """The cache of huggingface_hub; empty = none is looked into."""

    skip: dict[str, str] = field(default_factory=dict)
    disabled: tuple[str, ...] = ()
    options: dict[str, dict[str, Value]] = field(default_factory=dict)
    """The user's, by engine id."""

    @property
    def shelves(self) -> Shelves:
        """Where files lie."""
        return Shelves(Path(self.voice_dir), Path(self.model_dir), hub=Path(self.hub) if self.hub else None)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a probe's report: progress, then in the end the registry."""

    progress: Progress | None = None
    registry: Registry | None = None


def main() -> None:
    """Load everything and report on what was fd 1; plugins that print do so to stderr."""
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    out = os.fdopen(os.dup(1), "wb")  # buffered: what a stop or a suspend of the machine interrupts is written on
    os.dup2(2, 1)
    sys.stdout = sys.stderr

    def tell(line: Any) -> None:
        out.write(msgspec.json.encode(line) + b"\n")
        out.flush()

    # Under its own name, not __main__, so that what plugins import and what we decode is one class.
    from meadowlark import plugins

    loader = plugins.Loader(order.shelves, lambda progress: tell(plugins.Line(progress=progress)), order.options)
    tell(plugins.Line(registry=loader.load_all(plugins.installed(), order.skip, order.disabled)))
    out.close()
    os._exit(0)  # a plugin's threads and atexit handlers have no say


if __name__ == "__main__":
    main()
