"""Who speaks when the engine asked for is not ready."""

from __future__ import annotations

import pytest

from meadowlark.residency.fallback import (
    LONGEST_UNTRIED_SECONDS,
    TRY_AGAIN_SECONDS,
    Bridge,
    Instead,
    Prospect,
    Speak,
    Tried,
    Voiced,
    Voicing,
    chain,
    impossible,
    next_silence,
    who_speaks,
)

READY = Prospect("asked", 0.0, first=0.2)
COLD = Prospect("asked", 4.0, first=0.2)
SLOW = Prospect("asked", 0.0, queue=3.0, first=0.2)
QUICK = Prospect("quick", 0.0, first=0.1)
LATE = Prospect("late", 1.8, first=0.1)
HOPELESS = Prospect("hopeless", 9.0, first=0.1)
UNKNOWN = Prospect("asked", None)


@pytest.mark.parametrize(
    ("asked", "fallbacks", "expected"),
    [
        (READY, [QUICK], Speak("asked", "quick", 1.5)),
        (READY, [], Speak("asked", None, 1.5)),
        (UNKNOWN, [HOPELESS, QUICK], Speak("asked", "quick", 1.5)),
        (COLD, [QUICK], Instead("quick")),
        (SLOW, [QUICK], Instead("quick")),
        (COLD, [HOPELESS, QUICK], Instead("quick")),
        (COLD, [LATE, QUICK], Instead("quick")),
        (COLD, [LATE], Instead("late")),  # too late, but heard in half the time
        (COLD, [HOPELESS], Speak("asked", None, 1.5)),
        (COLD, [], Speak("asked", None, 1.5)),
        (COLD, [Prospect("new", None), QUICK], Instead("quick")),
    ],
)
def test_who_speaks(asked: Prospect, fallbacks: list[Prospect], expected: Voicing) -> None:
    assert who_speaks(asked, fallbacks) == expected


def test_two_voices_only_when_the_user_allows_it() -> None:
    assert who_speaks(COLD, [QUICK], may_change=True) == Bridge("quick", "asked")
    assert who_speaks(READY, [QUICK], may_change=True) == Speak("asked", "quick", 1.5)


def test_the_budget_is_the_users() -> None:
    assert who_speaks(COLD, [QUICK], 5.0) == Speak("asked", "quick", 5.0)


def test_what_is_doubted_is_tried() -> None:
    slow = Prospect("asked", 0.0, first=6.0)
    assert who_speaks(slow, [QUICK]) == Instead("quick")
    assert who_speaks(slow, [QUICK], doubted=True) == Speak("asked", "quick", 1.5)


def test_who_is_late_whenever_it_is_tried_is_tried_ever_more_seldom() -> None:
    tried, now, pauses = Tried(100.0, 60), 100.0, []
    for _ in range(40):
        pause = 1.0
        while not tried.may_be_again(now + pause):
            pause += TRY_AGAIN_SECONDS / 10
        pauses.append(pause)
        now += pause
        tried = tried.again(now, 60)
    assert TRY_AGAIN_SECONDS <= pauses[0] < 1.2 * TRY_AGAIN_SECONDS
    assert 2 * TRY_AGAIN_SECONDS <= pauses[1] < 2.2 * TRY_AGAIN_SECONDS
    assert pauses == sorted(pauses)
    assert LONGEST_UNTRIED_SECONDS <= pauses[-1] < LONGEST_UNTRIED_SECONDS + TRY_AGAIN_SECONDS


GERMAN = Voiced("german", ("de-DE",), 500, resident=True)
LIGHT = Voiced("light", ("en-GB", "de-AT"), 100, resident=True)
COLD_GERMAN = Voiced("cold", ("de",), 50)
ENGLISH = Voiced("english", ("en-US",), 10, resident=True)
ESPEAK = Voiced("espeak", ("en", "de", "fr"), 5, resident=True, last_resort=True)
ALL = (GERMAN, LIGHT, COLD_GERMAN, ENGLISH, ESPEAK)


@pytest.mark.parametrize(
    ("asked", "language", "configured", "expected"),
    [
        ("x", "de", {}, ("light", "german", "espeak")),
        ("light", "de-DE", {}, ("german", "espeak")),
        ("x", "de-CH", {"de": "cold"}, ("cold", "light", "german", "espeak")),
        ("x", "de-CH", {"de-CH": "german", "de": "cold"}, ("german", "cold", "light", "espeak")),
        ("x", "fr-FR", {"": "english"}, ("espeak",)),  # it does not speak French
        ("x", "en", {"": "english"}, ("english", "light", "espeak")),
        ("x", "ja", {}, ()),
        ("espeak", "fr", {}, ()),
    ],
)
def test_chain(asked: str, language: str, configured: dict[str, str], expected: tuple[str, ...]) -> None:
    assert chain(asked, language, configured, ALL) == expected


def test_who_is_in_quarantine_helps_nobody() -> None:
    ill = Voiced("ill", ("de",), 1, resident=True, usable=False)
    assert chain("x", "de", {"de": "ill"}, (ill, ESPEAK)) == ("espeak",)


def test_an_impossible_fallback_is_said_at_once() -> None:
    wrong = impossible({"de": "english", "fr": "gone", "en": "english"}, ALL)
    assert len(wrong) == 2
    assert "'english' does not speak 'de', only en-US" in wrong[0]
    assert "'gone' is not installed" in wrong[1]
    [strange] = impossible({"de": "gone\0" * 100_000}, ALL)
    assert strange.isprintable()
    assert len(strange) < 500


def test_silence_reaches_nobody_who_does_not_need_it_and_leaves_no_gap_of_three_seconds() -> None:
    when, seconds = next_silence(10.0, bridging=False)
    assert 10.0 < when < 12.0
    dry, sent = when + seconds, 1
    while sent < 20:
        when, seconds = next_silence(dry, bridging=True)
        assert when == dry
        dry, sent = when + seconds, sent + 1
