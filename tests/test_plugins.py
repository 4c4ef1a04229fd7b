"""Discovery with real plugins: a folder with modules and metadata, as pip leaves it, put on PYTHONPATH."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path
from textwrap import dedent

import msgspec
import pytest

from meadowlark.api import EngineManifest, Value
from meadowlark.discovery import discover, remembered
from meadowlark.plugins import Line, Order, PluginRow, Registry, installed

STEP_SECONDS = 3.0
"""The price of the one plugin here that hangs. On a busy machine an interpreter may need as long to start."""

OTHERS = [each.name for each in installed()]
"""Plugins that are installed where the tests run."""

HEAD = """
from meadowlark.api import EngineManifest, Marker, MarkerKind, Voice, hookimpl

def engine(id="{name}", **fields):
    given = dict(
        id=id, title="Test", license="MIT", pipeline="meadowlark.testing.engines:ToneEngine", sample_rate=24000,
        voices=(Voice("one", ("en-US",)),),
    )
    return EngineManifest(**{{**given, **fields}})
"""

REGISTERS = """
@hookimpl
def register_engines(register):
    register({})
"""

PLUGINS = {
    "good": REGISTERS.format("engine()"),
    "raises": "import torch_that_is_not_installed",
    "leaves": "raise SystemExit('I need a newer Python')",
    "interrupts": "raise KeyboardInterrupt",
    "hangs": "import time; time.sleep(600)",
    "exits": "import os; os._exit(0)",
    "crashes": "import ctypes; ctypes.string_at(0)",
    "prints": """
        import os

        print('{"registry": {}}', flush=True)
        os.write(1, b"noise" * 100)

        @hookimpl
        def register_engines(register):
            print("more noise")
            register(engine())
    """,
    "wrong_type": REGISTERS.format("engine(sample_rate='24 kHz')"),
    "wrong_value": REGISTERS.format("engine('Wrong Value', license='', pipeline='nowhere')"),
    "half_wrong": """
        @hookimpl
        def register_engines(register):
            register(engine("half_wrong", sample_rate=1))
            register(engine("half_right"))
    """,
    "misspelt": """
        @hookimpl
        def register_engnies(register):
            register(engine())
    """,
    "wrong_argument": """
        @hookimpl
        def register_engines(registry):
            registry(engine())
    """,
    "unmarked": """
        def register_engines(register):
            register(engine())
    """,
    "empty": "",
    "keeps_it": """
        @hookimpl
        def register_engines(register):
            engine()
    """,
    "second_good": """
        @hookimpl
        def register_engines(register):
            register(engine("good", title="Impostor"))
            register(engine("second_good"))
    """,
    "voices": """
        @hookimpl
        def register_engines(register):
            register(engine())

        @hookimpl
        def register_voices(register, voice_dir):
            register("voices", Voice("two", ("de-DE",), name=voice_dir.name))
            register("voices", Voice("one", ("fr-FR",)))
            register("voices", Voice("a/b", ()))
            register("voices", Voice(3, ("fr-FR",)))
            register("voices", Voice("three", ("fr-FR",)))

        @hookimpl
        def register_markers(register):
            register("good", Marker("yodelling", MarkerKind.EVENT, "<yodel>"))
            register("voices", Marker("Bad Name", MarkerKind.STYLE, ""))
    """,
    "lost": """
        @hookimpl
        def register_voices(register):
            register("goood", Voice("one", ("en-US",)))
    """,
    "hook_raises": """
        @hookimpl
        def register_engines(register):
            register(engine())

        @hookimpl
        def register_voices(register):
            raise OSError("the voice library is missing")
    """,
    "late_crash": """
        @hookimpl
        def register_engines(register):
            register(engine())

        @hookimpl
        def register_markers(register):
            import os
            os.kill(os.getpid(), 9)
    """,
    "no_pipeline": REGISTERS.format("engine(pipeline='plugin_no_pipeline.pipeline:Nothing')"),
    "no_class": REGISTERS.format("engine(pipeline='meadowlark.testing.engines:ToneEngin')"),
    "unwanted": "raise AssertionError('a plugin that is switched off must not be imported')",
}


def install(site: Path, name: str, code: str) -> None:
    """A distribution with one module and one entry point, both called `name`."""
    (site / f"plugin_{name}.py").write_text(HEAD.format(name=name) + dedent(code))
    info = site / f"meadowlark_{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: meadowlark-{name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[meadowlark]\n{name} = plugin_{name}\n")


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    """What is found with all of PLUGINS installed at once."""
    site = tmp_path_factory.mktemp("site")
    for name, code in PLUGINS.items():
        if name != "hangs":
            install(site, name, code)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(site))
        return asyncio.run(discover(site / "my-voices", disabled=["unwanted"]))


def row(registry: Registry, name: str) -> PluginRow:
    [only] = [each for each in registry.rows if each.name == name]
    return only


def test_a_good_plugin_works_whatever_stands_beside_it(found: Registry) -> None:
    good = row(found, "good")
    assert (good.distribution, good.version, good.engines, good.error) == ("meadowlark-good", "1.0", ("good",), "")
    [manifest] = [each for each in found.engines if each.id == "good"]
    assert manifest.title == "Test"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (
            "raises",
            "import failed: ModuleNotFoundError: No module named 'torch_that_is_not_installed' (plugin_raises.py",
        ),
        ("leaves", "import failed: SystemExit: I need a newer Python"),
        ("interrupts", "import failed: KeyboardInterrupt"),
        ("exits", "import ended the process (exit status 0); it is left out until restart"),
        ("crashes", "import ended the process (signal 11)"),
        ("wrong_type", "EngineManifest 'wrong_type': Expected `int`, got `str` - at `$.sample_rate`"),
        ("wrong_value", "engine id 'Wrong Value': use lower-case letters"),
        ("wrong_value", "write 'package.module:Class'"),
        ("wrong_value", "license is empty: give an SPDX expression"),
        ("misspelt", "there is no hook register_engnies; did you mean register_engines?"),
        ("wrong_argument", "registry"),
        ("unmarked", "register_engines is not marked; put @hookimpl (from meadowlark.api) above it"),
        ("empty", "it has no hook; write at least one of register_engines, register_voices, register_markers"),
        ("keeps_it", "register_engines registered nothing; call register(EngineManifest(…)) in it"),
        ("lost", "engine 'goood' is not registered by any plugin; did you mean 'good'?"),
        ("late_crash", "register_markers ended the process (signal 9)"),
    ],
)
def test_a_broken_plugin_is_a_row_with_owner_and_reason(found: Registry, name: str, reason: str) -> None:
    broken = row(found, name)
    assert broken.distribution == f"meadowlark-{name}"
    assert reason in broken.error
    assert "\n" not in broken.error
    assert broken in found.errors
    assert not broken.engines
    assert name not in {each.id for each in found.engines}


def test_a_plugin_that_hangs_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("good", "hangs"):
        install(tmp_path, name, PLUGINS[name])
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    registry = asyncio.run(discover(tmp_path, disabled=OTHERS, step_seconds=STEP_SECONDS))
    reason = "import did not finish within 3 s; it is left out until restart; update it, uninstall it"
    assert reason in row(registry, "hangs").error
    assert row(registry, "good").engines == ("good",)


def test_a_probe_that_is_stopped_in_mid_report_goes_on(tmp_path: Path) -> None:
    """As by Ctrl-Z, a paused container or a suspended machine: the system call has written a part."""
    voices = "[Voice(f'voice-{number}', ('en-US',)) for number in range(5000)]"
    install(tmp_path, "many", REGISTERS.format(f"engine(voices=tuple({voices}))"))
    order = Order(str(tmp_path / "voices"), str(tmp_path / "models"), disabled=tuple(OTHERS))
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "meadowlark.plugins"],
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as probe:
        assert probe.stdin
        assert probe.stdout
        probe.stdin.write(msgspec.json.encode(order))
        probe.stdin.close()
        size = fcntl.fcntl(probe.stdout, fcntl.F_GETPIPE_SZ)
        while waiting(probe.stdout.fileno()) < size // 2:  # only the registry is so large; it does not fit
            assert probe.poll() is None
            time.sleep(0.01)
        probe.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, probe.pid, os.WSTOPPED)
        probe.send_signal(signal.SIGCONT)
        os.waitid(os.P_PID, probe.pid, os.WCONTINUED)
        *_, last = probe.stdout.read().splitlines()
    registry = msgspec.json.decode(last, type=Line).registry
    assert registry
    assert len(registry.engines[0].voices) == 5000


def waiting(descriptor: int) -> int:
    """Bytes in a pipe."""
    return int.from_bytes(fcntl.ioctl(descriptor, termios.FIONREAD, bytes(4)), sys.byteorder)


def test_noise_on_stdout_harms_nobody(found: Registry) -> None:
    assert row(found, "prints").engines == ("prints",)
    assert row(found, "prints").error == ""


def test_the_right_engine_of_a_half_wrong_plugin_works(found: Registry) -> None:
    assert row(found, "half_wrong").engines == ("half_right",)
    assert "engine 'half_wrong': sample_rate 1: expected" in row(found, "half_wrong").error


def test_the_second_of_two_engines_with_one_id_is_refused(found: Registry) -> None:
    second = row(found, "second_good")
    assert "engine 'good' is already registered by plugin 'good'; uninstall or switch off" in second.error
    assert second.engines == ("second_good",)


def test_right_voices_are_kept_and_wrong_ones_reported(found: Registry) -> None:
    [manifest] = [each for each in found.engines if each.id == "voices"]
    assert [voice.id for voice in manifest.voices] == ["one", "two", "three"]
    assert manifest.voices[1].name == "my-voices"
    error = row(found, "voices").error
    assert "voice 'one' of 'voices' is registered twice" in error
    assert "voice id 'a/b': not empty, no '/'" in error
    assert "Voice 3: Expected `str`, got `int` - at `$.id`" in error


def test_a_plugin_may_add_markers_to_an_engine_of_another(found: Registry) -> None:
    [good] = [each for each in found.engines if each.id == "good"]
    assert [marker.name for marker in good.markers] == ["yodelling"]
    assert "marker 'Bad Name': lower case, single spaces" in row(found, "voices").error


def test_an_engine_stays_when_a_later_hook_of_its_plugin_fails(found: Registry) -> None:
    raises = row(found, "hook_raises")
    assert raises.engines == ("hook_raises",)
    assert "register_voices failed: OSError: the voice library is missing (plugin_hook_raises.py" in raises.error
    assert raises.voices_failed
    assert not row(found, "voices").voices_failed  # some of its voices are wrong, but it has named them all


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("no_pipeline", "there is no module 'plugin_no_pipeline.pipeline'; correct `pipeline` in its manifest"),
        ("no_class", "meadowlark.testing.engines has no class 'ToneEngin'; did you mean 'ToneEngine'?"),
    ],
)
def test_an_engine_whose_pipeline_is_not_there_is_named(found: Registry, name: str, reason: str) -> None:
    assert row(found, name).error.startswith(f"engine {name!r}: pipeline '")
    assert reason in row(found, name).error
    assert row(found, name).engines == (name,)


def test_a_plugin_that_is_switched_off_is_no_error(found: Registry) -> None:
    unwanted = row(found, "unwanted")
    assert unwanted.disabled
    assert unwanted.error == "switched off in the settings (disabled_plugins)"
    assert unwanted not in found.errors


def test_every_broken_plugin_is_told_to_the_log_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("raises", "good"):
        install(tmp_path, name, PLUGINS[name])
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    caplog.set_level(logging.WARNING)
    asyncio.run(discover(tmp_path, disabled=["good", "goood"]))
    told = [each.getMessage() for each in caplog.records if "goood" in each.message or "raises" in each.message]
    assert [line[:24] for line in sorted(told)] == ["Plugin raises: import fa", "disabled_plugins names '"]
    assert not any("Plugin good" in each.message for each in caplog.records)


def test_what_was_wrong_at_the_last_look_is_not_told_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    install(tmp_path, "raises", PLUGINS["raises"])
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    before = asyncio.run(discover(tmp_path, disabled=OTHERS))
    caplog.clear()
    assert asyncio.run(discover(tmp_path, disabled=OTHERS, before=before)).errors == before.errors
    assert not caplog.records
    healed = Registry(rows=tuple(PluginRow(each.name) for each in before.rows))
    asyncio.run(discover(tmp_path, disabled=OTHERS, before=healed))
    assert "Plugin raises: import failed" in caplog.text


def test_an_engine_of_another_interpreter_is_found_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = interpreter_with(tmp_path, "good", "voices")
    install(tmp_path, "good", PLUGINS["good"])
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    registry = asyncio.run(discover(tmp_path, environments=[str(other)]))
    theirs = {each.name: each for each in registry.rows if each.environment}
    assert {"good", "voices"} <= theirs.keys()
    assert theirs["voices"].environment == str(other)
    assert registry.interpreters == {"voices": str(other)}
    assert "engine good is already registered by another environment; uninstall it" in theirs["good"].error


def interpreter_with(folder: Path, *plugins: str) -> Path:
    """Stands in for the Python of another virtualenv: it sees other plugins than ours."""
    site = folder / "other-site"
    site.mkdir()
    for name in plugins:
        install(site, name, PLUGINS[name])
    python = folder / "other-python"
    python.write_text(f'#!/bin/sh\nPYTHONPATH="{site}" exec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    return python


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (None, "cannot run"),
        ("#!/bin/sh\nexit 3\n", "has no working meadowlark (exit status 3); install it there"),
        ("#!/bin/sh\necho no Python here\n", "reports what cannot be read"),
    ],
    ids=["missing", "fails", "another program"],
)
def test_a_broken_interpreter_is_a_row(tmp_path: Path, script: str | None, reason: str) -> None:
    python = tmp_path / "python"
    if script:
        python.write_text(script)
        python.chmod(0o755)
    registry = asyncio.run(discover(tmp_path, environments=[str(python)]))
    [broken] = [each for each in registry.errors if each.environment]
    assert broken.name == str(python)
    assert reason in broken.error
    assert os.fspath(python) in broken.error


def manifest(name: str) -> EngineManifest:
    return EngineManifest(name, name, "MIT", "x:Y", 16000)


def test_what_a_look_failed_on_is_as_before_and_what_is_gone_is_gone() -> None:
    rows = tuple(PluginRow(name, engines=(name,)) for name in ("a", "b", "gone"))
    other = PluginRow("c", engines=("c",), environment="/other/python")
    engines = tuple(map(manifest, ("a", "b", "gone", "c")))
    before = Registry(engines, (*rows, other), {"c": "/other/python"})
    hung = PluginRow("a", error="import did not finish within 5 s")
    dead = PluginRow("/other/python", error="cannot run", environment="/other/python")
    new = PluginRow("new", engines=("new",))
    found = Registry((manifest("b"), manifest("new")), (hung, rows[1], dead, new))
    after = remembered(before, found)
    assert [each.id for each in after.engines] == ["a", "b", "c", "new"]
    assert after.interpreters == {"c": "/other/python"}
    assert remembered(after, found).engines == after.engines
    assert remembered(before, Registry(engines[:1], rows[:1])).engines == engines[:1]


def test_a_plugin_that_has_always_failed_to_list_its_voices_is_not_looked_at_again_for_that() -> None:
    found = Registry((manifest("a"),), (PluginRow("a", engines=("a",), error="failed", voices_failed=True),))
    assert remembered(found, found) is found


def test_one_that_is_switched_off_is_gone() -> None:
    before = Registry((manifest("a"),), (PluginRow("a", engines=("a",)),))
    off = Registry((), (PluginRow("a", error="switched off", disabled=True),))
    assert remembered(before, off) == off


READER = """
    from meadowlark.api import Asset, OptionError, Voice

    @hookimpl
    def register_engines(register):
        assets = (Asset("x/y", "list.txt", optional=True), Asset("x/y", "gone.txt", optional=True))
        register(engine("reader", assets=assets, voices=()))

    @hookimpl
    def register_voices(register, files, model_dir):
        for name in open(files["reader"]["list.txt"]).read().split():
            register("reader", Voice(name, ("en",)))
        register("reader", Voice(f"keys-{len(files['reader'])}", ("en",)))
        register("reader", Voice(model_dir.name, ("en",)))

    @hookimpl
    def check_options(engine, options):
        with open("/proc/self/cmdline") as arguments:
            if "secret" in arguments.read():
                raise OptionError("anybody can read the options by `ps`")
        if "speed" in options and not isinstance(options["speed"], int):
            raise OptionError(f"{engine} option speed = {options['speed']!r}: use a whole number.")
        if "crash" in options:
            raise KeyError("crash")
"""


@pytest.mark.parametrize("place", ["somewhere/reader", "models-here/reader"])
def test_a_plugin_is_given_its_files_wherever_they_lie(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    install(tmp_path, "reader", READER)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / place).mkdir(parents=True)
    (tmp_path / place / "list.txt").write_text("anna emma")
    registry = asyncio.run(discover(tmp_path / "somewhere", model_dir=tmp_path / "models-here"))
    [engine] = [each for each in registry.engines if each.id == "reader"]
    assert [each.id for each in engine.voices] == ["anna", "emma", "keys-1", "models-here"]


def test_wrong_options_are_said_at_start_and_are_no_fault_of_the_plugin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    install(tmp_path, "reader", READER)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "models" / "reader").mkdir(parents=True)
    (tmp_path / "models" / "reader" / "list.txt").write_text("anna")
    options: dict[str, dict[str, Value]] = {"reader": {"speed": "fast", "key": "secret"}, "not-installed": {"a": 1}}
    registry = asyncio.run(discover(tmp_path / "voices", options=options))
    assert registry.option_errors == {"reader": "reader option speed = 'fast': use a whole number."}
    assert row(registry, "reader").error == ""
    assert "Options of reader: reader option speed = 'fast'" in caplog.text
    crashed = asyncio.run(discover(tmp_path / "voices", options={"reader": {"crash": True}}))
    assert crashed.option_errors == {}
    assert "check_options failed: KeyError" in row(crashed, "reader").error
    assert any(each.id == "reader" for each in crashed.engines)
