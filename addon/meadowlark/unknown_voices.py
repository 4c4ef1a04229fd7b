"""What is said to those who ask for a voice that is not here: what they may have meant, and how to get it. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence

from .errors import MOST_ECHOED, echoed

PUBLISHED = {
    "espeak": "espeak",
    "fish_speech": "fish_speech",
    "fish_speech_15": "fish_speech",
    "fish_speech_s2": "fish_speech",
    "kokoro": "kokoro",
    "piper": "piper",
}
"""Engine → plugin, which pip knows as meadowlark-PLUGIN. Somebody who asks for one by its name alone means it."""

PLAIN = re.compile(r"\w[\w.+-]{0,79}")
"""A voice's name that can stand in a command."""

MOST_LISTED = 16
"""Languages in an error."""


def unknown_voice(name: str, voices: Mapping[str, str], engines: Collection[str], lists: str) -> str:
    """voices: id → "engine/voice" of those that may be meant. engines: the installed ones. lists: of `more_voices`."""
    engine, slash, rest = name.partition("/")
    near = difflib.get_close_matches((rest or name)[:MOST_ECHOED], voices, 3)
    near = near or difflib.get_close_matches(name[:MOST_ECHOED], voices.values(), 3)
    hint = f" Did you mean {' or '.join(voices.get(each, each) for each in near)}?" if near else ""
    is_engine = (slash and PLAIN.fullmatch(engine)) or engine.lower() in PUBLISHED
    if is_engine and (engine := engine.lower()) not in engines:
        if engine not in PUBLISHED and (misspelt := difflib.get_close_matches(engine, engines, 1)):
            meant = hint or (f" Did you mean {misspelt[0]}/{rest}?" if PLAIN.fullmatch(rest) else "")
            return f"No voice {echoed(name)} is installed.{meant} `meadowlark voices` lists all."
        plugin = PUBLISHED.get(engine, engine)
        return (
            f"No voice {echoed(name)} is installed, nor an engine {engine!r}.{hint} Install that with "
            f"`pip install meadowlark-{plugin}`, or `script/setup {plugin}` in a clone of Meadowlark."
        )
    return f"No voice {echoed(name)} is installed.{hint}{lists} `meadowlark voices` lists all."


def more_voices(awaited: Iterable[str], voice: str = "", engines: Collection[str] = ()) -> str:
    """The commands to get lists of voices that are not here, to look for this voice in them, or for any; else empty."""
    voice = f"/{voice}" if PLAIN.fullmatch(voice) and voice.lower() not in engines else ""
    lists = ", ".join(f"`meadowlark pull {each}{voice}`" for each in awaited)
    return f" A list of more voices is not downloaded yet: {lists} looks there." if lists else ""


def unspoken_language(language: str, spoken: Sequence[str], *, could_be_had: str, elsewhere: str, widest: bool) -> str:
    """That nobody here speaks it. spoken: what is. could_be_had, elsewhere: voices that do speak it, if there are any:
    one to be downloaded, one of an engine that was not asked for. widest: whether espeak is here."""
    which = f"No installed voice speaks {echoed(language)}"
    if could_be_had:
        return f"{which}; one could be had: `meadowlark pull {could_be_had}`."
    if elsewhere:
        return f"{which} in the engine asked for; {elsewhere} does."
    listed = ", ".join(spoken[:MOST_LISTED]) + (" and more" if len(spoken) > MOST_LISTED else "")
    advice = "" if widest else " The engine espeak (package meadowlark-espeak) speaks more than a hundred languages."
    return f"{which}. Install an engine or a voice that does.{advice} Spoken here: {listed}."


def unknown_speaker(voice: str, speaker: str, speakers: Sequence[str]) -> str:
    """That a voice does not have this one among its speakers."""
    known = f"It has: {', '.join(speakers[:10])}." if speakers else "It has only one: leave `speaker` out."
    return f"Voice {voice!r} has no speaker {echoed(speaker)}. {known}"
