"""The conformance suite lets good engines pass and says of bad ones what is wrong, what is due and what to do."""

from __future__ import annotations

import os
import re
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from meadowlark.testing import conformance
from meadowlark.testing.conformance import EngineConformance
from meadowlark.testing.subject import Leaves

pytest_plugins = ["pytester"]

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder of plugins on the path of every interpreter that is started."""
    folder = tmp_path_factory.mktemp("site")
    shutil.copy(HERE / "broken_engines.py", folder)
    install(folder, "broken", "broken_engines")
    (folder / "heavy_plugin.py").write_text(
        "try:\n    import scipy\nexcept ImportError:\n    pass\nimport broken_engines, numpy\n"
        "from meadowlark.api import Voice, hookimpl\n"
        "@hookimpl\ndef register_engines(register):\n    register(broken_engines.manifest('heavy'))\n"
        "@hookimpl\ndef register_voices(register):\n    register('heavy', Voice('', ('en',)))\n"
    )
    install(folder, "heavy", "heavy_plugin")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(folder))
        yield folder


def install(site: Path, name: str, module: str) -> None:
    info = site / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[meadowlark]\n{name} = {module}\n")


@pytest.fixture
def suite_of(site: Path) -> Iterator[Callable[..., EngineConformance]]:
    """A suite as pytest would hold it; its processes end with the test."""
    made: list[type[EngineConformance]] = []

    def make(engine: str, **settings: Any) -> EngineConformance:
        kind = conformance.suite(engine, **settings)
        kind.setup_class()
        made.append(kind)
        return kind()

    yield make
    for each in made:
        each.teardown_class()


def first_case(suite: EngineConformance) -> Any:
    return next(iter(suite._cases()))


def marker(suite: EngineConformance, name: str) -> Any:
    return next(each for each in suite._manifest_markers() if each.name == name)


CASES: list[tuple[str, Callable[[EngineConformance], None], tuple[str, ...]]] = [
    (
        "nobody",
        lambda suite: suite.test_is_found_without_errors(),
        ("No installed plugin registers an engine 'nobody'", "broken 1.0: ok", "pip install -e ."),
    ),
    (
        "heavy",
        lambda suite: suite.test_is_found_without_errors(),
        ("Plugin 'heavy': register_voices: voice id '': not empty", "`meadowlark plugins` shows the same"),
    ),
    ("mute", lambda suite: suite.test_manifest_is_valid(), ("no voices: register at least one",)),
    (
        "does-not-load",
        lambda suite: suite.test_loads(),
        ("cannot be loaded", "FileNotFoundError: weights.safetensors", "captured stderr"),
    ),
    (
        "quiet",
        lambda suite: suite.test_voice_speaks(first_case(suite)),
        ("quiet/sine in en-US saying 'The sun", "is not to be heard: its peak is 0.01%", "× 32767"),
    ),
    (
        "int16-in-floats",
        lambda suite: suite.test_voice_speaks(first_case(suite)),
        ("is clipped: ", "of its samples are at the end of the range", "divide int16-like floats by 32768"),
    ),
    ("offset", lambda suite: suite.test_voice_speaks(first_case(suite)), ("has a constant offset of +30%",)),
    (
        "drawling",
        lambda suite: suite.test_voice_speaks(first_case(suite)),
        ("s for 31 letters, 2.", "check `sample_rate`", "set `sentences`"),
    ),
    (
        "raises",
        lambda suite: suite.test_voice_speaks(first_case(suite)),
        ("raises/sine in en-US saying", "ValueError: no phonemes for this", "yields finite mono audio"),
    ),
    (
        "only-the-start",
        lambda suite: suite.test_longer_text_is_longer(),
        ("three times the same in one utterance 1.20 s", "all of `utterance.text` is spoken"),
    ),
    (
        "dice",
        lambda suite: suite.test_same_text_has_the_same_length(),
        ("s, then ", "set samples=True if the engine draws random numbers"),
    ),
    (
        "in-one-piece",
        lambda suite: suite.test_streams_if_it_says_so(),
        ("399 characters came as one chunk of", "streaming=True"),
    ),
    (
        "deaf",
        lambda suite: suite.test_cancel(Leaves.AFTER),
        ("a cancelled sentence", "within 0.05 s", "yield more often"),  # ends late, or on a busy machine by force
    ),
    (
        "stubborn",
        lambda suite: suite.test_cancel(Leaves.WITH),
        ("it did not stop speaking and was killed", "do not wait in `finally`"),
    ),
    (
        "says-its-markers",
        lambda suite: suite.test_marker(marker(suite, "excited")),
        ("Marker 'excited' adds 0.", "a marker is never spoken"),
    ),
    (
        "drops-marked-words",
        lambda suite: suite.test_marker(marker(suite, "excited")),
        ("with marker 'excited' 0.", "all words are still said"),
    ),
    (
        "never-calms-down",
        lambda suite: suite.test_marker(marker(suite, "excited")),
        ("after marker 'excited' it lasts", "reset style, speed and buffers"),
    ),
    (
        "needs-words",
        lambda suite: suite.test_marker(marker(suite, "laughing")),
        ("The event 'laughing' without words", "IndexError", "treat an empty text apart"),
    ),
    (
        "odd-marker",
        lambda suite: suite.test_marker(marker(suite, "ha) ha")),
        ("reaches the pipeline as", "a marker never reaches the pipeline as text"),
    ),
    (
        "stolen-name",
        lambda suite: suite.test_marker(marker(suite, "wild")),
        ("gives the styles ['excited']", "'excited' means the engine's own marker 'wild'"),
    ),
    (
        "dies-of-null",
        lambda suite: suite.test_survives("null"),
        ("The worker did not survive null ('before\\x00after')", "SIGABRT", "clean the text before native code"),
    ),
    (
        "leaves-a-child",
        lambda suite: suite.test_leaves_nothing_behind(),
        ("still alive: sleep (", "PR_SET_PDEATHSIG"),
    ),
    (
        "leaves-shared-memory",
        lambda suite: suite.test_leaves_nothing_behind(),
        ("left in shared memory: /dev/shm/meadowlark-test-", "unlink shared memory as soon as it is mapped"),
    ),
    (
        "alone",
        lambda suite: suite.test_two_workers_at_once(),
        ("Two workers at once", "FileExistsError", "look for lock files"),
    ),
    (
        "muddled",
        lambda suite: suite.test_speaks_to_several_at_a_time(),
        ("the sounds differ by ", "does not depend on who else is being spoken", "look for state that sentences share"),
    ),
    (
        "one-for-all",
        lambda suite: suite.test_leaves_the_others_alone(),
        ("While a listener left, another sentence came to", "a sentence ends, fails and is cancelled by itself"),
    ),
]


@pytest.mark.parametrize(("engine", "test", "parts"), CASES, ids=[f"{engine}" for engine, _, _ in CASES])
def test_a_broken_engine_fails_and_is_told_why(
    suite_of: Callable[..., EngineConformance],
    engine: str,
    test: Callable[[EngineConformance], None],
    parts: tuple[str, ...],
) -> None:
    suite = suite_of(engine, cancel_seconds=0.05, end_seconds=0.3)
    with pytest.raises(pytest.fail.Exception) as failure:
        test(suite)
    message = str(failure.value)
    for part in (*parts, "\n  contract: ", "\n  remedy:   "):
        assert part in message
    for pid in re.findall(r"sleep \((\d+)\)", message):
        os.kill(int(pid), signal.SIGKILL)
    for path in re.findall(r"/dev/shm/\S+\d", message):
        Path(path).unlink()


def test_heavy_imports_are_told_with_their_place(
    suite_of: Callable[..., EngineConformance], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(pytest.fail.Exception) as failure:
        suite_of("heavy").test_import_is_light(capsys)
    assert "heavy_plugin.py:5)" in str(failure.value)
    assert "scipy (" in str(failure.value), "asked for in a try counts: it is heavy where it is installed"


def test_an_engine_that_says_that_it_samples_may(suite_of: Callable[..., EngineConformance]) -> None:
    suite = suite_of("dice-that-say-so")
    with pytest.raises(pytest.skip.Exception, match="samples=True"):
        suite.test_same_text_has_the_same_length()
    suite.test_survives("null")
    suite.test_two_workers_at_once()


def test_an_engine_may_speak_to_several_at_a_time(suite_of: Callable[..., EngineConformance]) -> None:
    suite = suite_of("chorus")
    suite.test_speaks_to_several_at_a_time()
    suite.test_leaves_the_others_alone()
    with pytest.raises(pytest.skip.Exception, match="one sentence at a time"):
        suite_of("fine").test_speaks_to_several_at_a_time()


def test_what_needs_an_engine_is_skipped_once_it_does_not_load(suite_of: Callable[..., EngineConformance]) -> None:
    suite = suite_of("does-not-load")
    with pytest.raises(pytest.fail.Exception):
        suite.test_loads()
    with pytest.raises(pytest.skip.Exception, match=r"see test_loads: .*weights\.safetensors"):
        suite.test_longer_text_is_longer()


def test_the_same_worker_serves_the_whole_suite(suite_of: Callable[..., EngineConformance]) -> None:
    suite = suite_of("fine")
    suite.test_loads()
    before = suite._subject_now().load().pid
    suite.test_voice_speaks(first_case(suite))
    suite.test_marker(marker(suite, "laughing"))
    suite.test_survives("2,000 characters")
    suite.test_cancel(Leaves.BEFORE)
    assert suite._subject_now().load().pid == before


def test_a_wrong_setting_is_named() -> None:
    with pytest.raises(TypeError, match="no setting voices; there are cancel_seconds, device, end_seconds"):
        conformance.suite("fine", voices=3)


@pytest.mark.timeout(60)
def test_as_a_third_party_runs_it(site: Path, pytester: pytest.Pytester) -> None:
    """Plain pytest with nothing configured, warnings as errors; a good engine passes, a wrong one fails by name."""
    pytester.makepyfile(
        """
        from meadowlark.testing import conformance
        from meadowlark.testing.conformance import EngineConformance

        TestFine = conformance.suite("fine")

        class TestQuiet(EngineConformance):
            engine = "quiet"
            max_markers = 1

            def test_of_its_own(self):
                assert self.engine == "quiet"
        """
    )
    result = pytester.run(
        sys.executable, "-m", "pytest", "-q", "-rA", "-W", "error", "-p", "no:asyncio", "-p", "no:timeout",
        "-k", "found or manifest or voice or marker or own or behind",
    )  # fmt: skip
    result.assert_outcomes(passed=12, failed=2)
    result.stdout.fnmatch_lines(["quiet/sine in en-US saying*is not to be heard*", "  contract: *", "  remedy: *"])
    result.stdout.fnmatch_lines(["PASSED *::TestFine::test_marker[[]excited[]]"])
    assert "conformance.py" not in result.stdout.str(), "no traceback of the suite"
