"""Runs the probes that load the plugins, one process per interpreter, and joins what they find into one Registry."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import msgspec

from .api import Value, Voice
from .plugins import Line, Order, PluginRow, Progress, Registry

_LOGGER = logging.getLogger(__name__)

STEP_SECONDS = 5.0
"""How long one plugin may take for its import or one hook. Light manifests take milliseconds; a cold disk, a second."""

START_SECONDS = 30.0
"""For the probe's interpreter itself, on a cold SD card."""

END_SECONDS = 2.0
"""For a probe that has reported; it has nothing left to do."""

REMEDY = "it is left out until restart; update it, uninstall it, or name it in disabled_plugins"

LINE_BYTES = 64 * 1024 * 1024
"""Longest line of a probe: a registry with 100,000 voices takes about 20 MB."""


async def discover(
    voice_dir: Path,
    *,
    model_dir: Path | None = None,
    hub: Path | None = None,
    options: Mapping[str, Mapping[str, Value]] | None = None,
    environments: Sequence[str] = (),
    disabled: Sequence[str] = (),
    step_seconds: float = STEP_SECONDS,
    before: Registry | None = None,
) -> Registry:
    """All engines of this interpreter's plugins and of the named others; never raises for a plugin's sake.

    model_dir: where downloads are kept; not said: `models` beside voice_dir. hub: the cache of huggingface_hub.
    options: the user's, by engine id. disabled: names of plugins that are left out.
    environments: interpreters of other virtualenvs, in which meadowlark and plugins are installed.
    before: what the last look has found; what was wrong then has been told to the log.
    """
    order = Order(
        str(voice_dir),
        str(model_dir or voice_dir.parent / "models"),
        str(hub or ""),
        disabled=tuple(disabled),
        options={engine: dict(given) for engine, given in (options or {}).items()},
    )
    found = await asyncio.gather(*(_probe(interpreter, order, step_seconds) for interpreter in ("", *environments)))
    registry = _join(found)
    _tell(registry, before or Registry())
    for name in set(disabled).difference(row.name for row in registry.rows) if before is None else ():
        _LOGGER.warning("disabled_plugins names %r, which is not installed; `meadowlark plugins` lists the names", name)
    return registry


def remembered(before: Registry, found: Registry) -> Registry:
    """What was found; what this look failed on stays as the one before has found it: the machine may be busy."""
    now = {(row.name, row.environment): row for row in found.rows}
    broken = {row.environment: row.error for row in found.errors if row.name == (row.environment or sys.executable)}
    stays: dict[tuple[str, str], PluginRow] = {}
    news: set[str] = set()
    for row in before.rows:
        key = row.name, row.environment
        again = now.get(key)
        if row.engines and (row.environment in broken or (again in found.errors and again and not again.engines)):
            stays[key] = replace(row, error=again.error if again else broken[row.environment])
            news.update(row.engines if stays[key].error != row.error else ())
    kept = {engine for row in stays.values() for engine in row.engines}.difference(each.id for each in found.engines)
    if kept & news:
        _LOGGER.warning("Left as before, since this look for plugins failed: %s", ", ".join(sorted(kept & news)))
    found = _with_voices(before, found)
    if not kept:
        return found
    order = {each.id: place for place, each in enumerate(before.engines)}
    engines = [*found.engines, *(each for each in before.engines if each.id in kept)]
    return replace(
        found,
        engines=tuple(sorted(engines, key=lambda each: order.get(each.id, len(order)))),
        rows=tuple({**now, **stays}.values()),
        interpreters={**found.interpreters, **{k: v for k, v in before.interpreters.items() if k in kept}},
    )


def _with_voices(before: Registry, found: Registry) -> Registry:
    """What was found; engines whose plugin has failed while it listed their voices have those of before as well."""
    known = {each.id: each.voices for each in before.engines}
    failed = {engine for row in found.rows if row.voices_failed for engine in row.engines}
    lost: dict[str, tuple[Voice, ...]] = {}
    for each in found.engines:
        here = {voice.id for voice in each.voices}
        if each.id in failed and (more := tuple(voice for voice in known.get(each.id, ()) if voice.id not in here)):
            lost[each.id] = more
    told = {engine for row in before.rows if row.voices_failed for engine in row.engines}
    for engine in sorted(lost.keys() - told):
        _LOGGER.warning("%s keeps %d voices: its plugin has failed to list them", engine, len(lost[engine]))
    if not lost:
        return found
    return replace(
        found, engines=tuple(replace(each, voices=each.voices + lost.get(each.id, ())) for each in found.engines)
    )


async def _probe(interpreter: str, order: Order, step_seconds: float) -> Registry:
    """One interpreter's plugins. A plugin that sticks or crashes its probe is skipped and the probe run again."""
    skip: dict[str, str] = {}
    while True:
        result = await _run(interpreter or sys.executable, replace(order, skip=skip), step_seconds)
        if isinstance(result, Registry):
            break
        if not result.plugin or result.plugin in skip:  # not a plugin's fault: the interpreter itself does not work
            row = PluginRow(name=interpreter or sys.executable, error=result.step, environment=interpreter)
            return Registry(rows=(row,))
        skip[result.plugin] = result.step
    rows = tuple(replace(row, environment=interpreter) for row in result.rows)
    elsewhere = {each.id: interpreter for each in result.engines} if interpreter else {}
    return replace(result, rows=rows, interpreters=elsewhere)


async def _run(interpreter: str, order: Order, step_seconds: float) -> Registry | Progress:
    """One probe: its registry, or the plugin that it failed on, with the reason as `step`."""
    try:
        process = await asyncio.create_subprocess_exec(
            interpreter,
            "-P",  # no module out of the working folder, as in the workers
            "-m",
            "meadowlark.plugins",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=LINE_BYTES,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
    except OSError as error:
        return Progress(
            "", f"cannot run {interpreter}: {error.strerror}; name the Python of a virtualenv under `environments`"
        )
    assert process.stdin
    assert process.stdout
    process.stdin.write(msgspec.json.encode(order))  # not as an argument: options may hold a key, and `ps` shows those
    process.stdin.close()
    at = Progress("", "start")
    try:
        while True:
            async with asyncio.timeout(step_seconds if at.plugin else START_SECONDS):
                raw = await process.stdout.readline()
            if not raw:
                break
            line = msgspec.json.decode(raw, type=Line)
            if line.registry:
                with suppress(TimeoutError):  # killing what ends by itself, asyncio may lose sight of it and says so
                    async with asyncio.timeout(END_SECONDS):
                        await process.wait()
                return line.registry
            at = line.progress or at
        status = await process.wait()
    except TimeoutError:
        if not at.plugin:
            return Progress("", f"{interpreter} did not start meadowlark within {START_SECONDS:g} s; is it a Python?")
        return Progress(at.plugin, f"{at.step} did not finish within {step_seconds:g} s; {REMEDY}")
    except (ValueError, msgspec.MsgspecError) as error:
        return Progress(
            "", f"{interpreter} reports what cannot be read ({error}); install the same meadowlark there as here"
        )
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    how = f"signal {-status}" if status < 0 else f"exit status {status}"
    if not at.plugin:
        return Progress(
            "",
            f"{interpreter} has no working meadowlark ({how}); "
            f"install it there: {interpreter} -m pip install meadowlark",
        )
    return Progress(at.plugin, f"{at.step} ended the process ({how}); {REMEDY}")


def _join(found: Sequence[Registry]) -> Registry:
    """One registry of several; an engine id that came earlier wins, and the later plugin's row says so."""
    engines = {}
    rows: list[PluginRow] = []
    interpreters: dict[str, str] = {}
    wrong: dict[str, str] = {}
    for registry in found:
        double = {each.id for each in registry.engines if each.id in engines}
        for row in registry.rows:
            taken = ", ".join(sorted(double.intersection(row.engines)))
            why = f"engine {taken} is already registered by another environment; uninstall it in one of the two"
            rows.append(replace(row, error="; ".join(filter(None, (row.error, why)))) if taken else row)
        engines.update({each.id: each for each in registry.engines if each.id not in double})
        interpreters.update({id_: path for id_, path in registry.interpreters.items() if id_ not in double})
        wrong.update({id_: text for id_, text in registry.option_errors.items() if id_ not in double})
    return Registry(tuple(engines.values()), tuple(rows), interpreters, wrong)


def _tell(registry: Registry, before: Registry) -> None:
    """What is wrong now and was not before, or otherwise."""
    told = {(row.name, row.environment, row.error) for row in before.rows}
    for row in registry.errors:
        if (row.name, row.environment, row.error) not in told:
            _LOGGER.error("Plugin %s%s: %s", row.name, f" in {row.environment}" if row.environment else "", row.error)
    for engine, text in registry.option_errors.items():
        if before.option_errors.get(engine) != text:
            _LOGGER.error("Options of %s: %s", engine, text)
