"""Whether styles are heard: measured in the audio, not in the table."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from meadowlark.api import MarkerKind
from meadowlark.text.vocabulary import EFFECTS, EMOTIONS, TONES
from meadowlark_espeak.markers import MARKERS, PROSODY
from meadowlark_espeak.settings import manner

TEXT = "The lights in the living room are on, and nobody is at home this evening."
STYLES = {marker.name: marker.native for marker in MARKERS}


@pytest.fixture(scope="module")
def heard(say: Callable, listen: Callable) -> dict:
    """Every style and "neutral" as measured."""
    return {name: listen(say(TEXT, style=native)) for name, native in {"neutral": None, **STYLES}.items()}


def test_all_emotions_and_tones_and_no_effects() -> None:
    assert set(STYLES) == {*EMOTIONS, *TONES}
    assert len(STYLES) == 56
    assert {marker.kind for marker in MARKERS} == {MarkerKind.STYLE}
    assert not set(STYLES) & set(EFFECTS)


@pytest.mark.parametrize("name", PROSODY)
def test_a_style_sounds_as_its_row_says(heard: dict, name: str) -> None:
    rate, pitch, range_, volume, gap = PROSODY[name]
    styled, plain = heard[name], heard["neutral"]
    if abs(rate - 1) > 0.05 and not gap:
        assert (styled.seconds < plain.seconds) == (rate > 1)
    if gap:
        assert styled.seconds > plain.seconds
    if abs(pitch) > 9:  # a wider range raises the median a little, too
        assert (styled.pitch > plain.pitch) == (pitch > 0)
    if abs(range_) > 12:
        assert (styled.spread > plain.spread) == (range_ > 0)
    if abs(volume - 1) > 0.15:
        assert (styled.loudness > plain.loudness) == (volume > 1)
    assert styled.peak < 32767, "clipped"


def test_no_two_styles_sound_alike(heard: dict) -> None:
    """At least one measure differs by what an attentive ear tells apart."""
    for (one, a), (other, b) in itertools.combinations(heard.items(), 2):
        differs = (
            abs(a.seconds / b.seconds - 1) > 0.03
            or abs(a.pitch / b.pitch - 1) > 0.03
            or abs(a.spread - b.spread) > 8
            or abs(a.loudness / b.loudness - 1) > 0.1
        )
        assert differs, (one, other)


def test_sad_is_slower_lower_flatter_and_softer_than_excited(heard: dict) -> None:
    sad, excited = heard["sad"], heard["excited"]
    assert sad.seconds > 1.3 * excited.seconds
    assert sad.pitch < 0.75 * excited.pitch
    assert sad.spread < 0.6 * excited.spread
    assert sad.loudness < 0.75 * excited.loudness


def test_louder_and_louder(heard: dict) -> None:
    order = ("soft tone", "sad", "neutral", "angry", "furious", "shouting", "screaming")
    loudness = [heard[name].loudness for name in order]
    assert loudness == sorted(loudness)


@pytest.mark.parametrize(("voice", "variant"), [("en-us", ""), ("en-us+m3", ""), ("en-us+f2", ""), ("en-us", "Annie")])
def test_a_whisper_has_no_voice(say: Callable, listen: Callable, voice: str, variant: str) -> None:
    assert listen(say(TEXT, voice, variant=variant)).voiced > 0.5
    assert listen(say(TEXT, voice, variant=variant, style=STYLES["whispering"])).voiced < 0.1


def test_women_and_men_whisper_each_in_their_own_way() -> None:
    whisper = STYLES["whispering"]
    female = frozenset({"f2", "whisperf"})
    for variant, expected in (("f2", "whisperf"), ("m3", "whisper"), ("", "whisper")):
        assert manner({}, whisper, variant, female).variant == expected
        assert manner({"variant": variant}, whisper, "", female).variant == expected


def test_a_style_is_put_on_top_of_the_users_options(say: Callable, listen: Callable) -> None:
    fast, fast_and_sad = say(TEXT, rate=300), say(TEXT, rate=300, style=STYLES["sad"])
    assert len(fast) < len(fast_and_sad) < len(say(TEXT, style=STYLES["sad"]))
    high = listen(say(TEXT, pitch=80)).pitch
    assert listen(say(TEXT)).pitch < listen(say(TEXT, pitch=80, style=STYLES["sad"])).pitch < high


def test_beyond_the_range_a_style_stops_at_its_end(say: Callable) -> None:
    most = say(TEXT, rate=450, pitch=99, range=99, volume=200, style=STYLES["hysterical"])
    assert len(most) == pytest.approx(len(say(TEXT, rate=450, pitch=99, range=99, volume=200)), rel=0.02)
