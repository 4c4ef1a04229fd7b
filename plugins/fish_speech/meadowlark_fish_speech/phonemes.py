"""Words whose sounds are given: IPA → the CMU's Arpabet, which the model reads between two tokens of its own.

English only. S1 and S2 were trained on `<|phoneme_start|>EH1 N JH …<|phoneme_end|>`; Chinese would be pinyin.
In a text these tokens are two private characters until the prompt is written: a text's own special tokens are taken out
of it, and these must not be.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from meadowlark.api import Utterance

OPEN, CLOSE, GAP = "\ue000", "\ue001", "\ue002"
"""GAP: between sounds, where a space would be a place to cut a long text."""
START, END = "<|phoneme_start|>", "<|phoneme_end|>"
_BETWEEN = re.compile(f"{OPEN}([A-Z0-9{GAP}]*){CLOSE}")
_PRIVATE = re.compile(f"[{OPEN}{CLOSE}{GAP}]")

_VOWELS: Final = {
    "aɪ": "AY", "aʊ": "AW", "eɪ": "EY", "oʊ": "OW", "əʊ": "OW", "ɔɪ": "OY", "ɑː": "AA", "ɔː": "AO", "ɜː": "ER",
    "iː": "IY", "uː": "UW", "ɜɹ": "ER", "ɜːɹ": "ER", "ɜ˞": "ER", "ə˞": "ER", "ɝ": "ER", "ɚ": "ER", "ɚɹ": "ER",
    "i": "IY", "ɪ": "IH", "ᵻ": "IH", "ɨ": "IH", "e": "EH", "ɛ": "EH", "æ": "AE", "a": "AE", "ɐ": "AH", "ʌ": "AH",
    "ə": "AH", "ᵊ": "AH", "ɑ": "AA", "ɒ": "AA", "ɔ": "AO", "o": "OW", "ʊ": "UH", "u": "UW", "ʏ": "UW", "y": "UW",
    "yː": "UW", "ø": "ER", "øː": "ER", "œ": "ER", "ɯ": "UH", "ɤ": "AH", "ɜ": "ER",
    "A": "EY", "I": "AY", "O": "OW", "Q": "OW", "W": "AW", "Y": "OY",  # Kokoro's notation
}  # fmt: skip
_TWO: Final = {"eə": "EH{} R", "ɛə": "EH{} R", "ɪə": "IH{} R", "iə": "IY{} AH0", "ʊə": "UH{} R"}
"""A vowel and what follows it: British "hair", "here", "tour"."""
_CONSONANTS: Final = {
    "tʃ": "CH", "dʒ": "JH", "ʧ": "CH", "ʤ": "JH", "p": "P", "b": "B", "t": "T", "d": "D", "k": "K", "ɡ": "G", "g": "G",
    "f": "F", "v": "V", "θ": "TH", "ð": "DH", "s": "S", "z": "Z", "ʃ": "SH", "ʒ": "ZH", "h": "HH", "ɦ": "HH", "m": "M",
    "n": "N", "ŋ": "NG", "l": "L", "ɫ": "L", "ɹ": "R", "r": "R", "ɾ": "T", "ʔ": "T", "T": "T", "j": "Y", "w": "W",
    "ʍ": "W", "x": "K", "χ": "K", "q": "K", "c": "K", "ç": "HH", "ɲ": "N Y", "ʎ": "L Y", "ʁ": "R", "ʀ": "R", "ɻ": "R",
    "ɣ": "G", "ɟ": "G", "β": "V", "ʋ": "V", "ɸ": "F", "ɬ": "L", "ʂ": "SH", "ɕ": "SH", "ʐ": "ZH", "ʑ": "ZH", "ɥ": "W",
    "ɱ": "M", "ɳ": "N", "ɭ": "L", "ʈ": "T", "ɖ": "D",
    "n̩": "AH0 N", "l̩": "AH0 L", "m̩": "AH0 M", "ɹ̩": "ER0", "r̩": "ER0",
}  # fmt: skip
_NASAL: Final = "\u0303"
_LONGEST: Final = 3
_STRESS: Final = {"ˈ": "1", "'": "1", "ˌ": "2"}
_DIGIT = re.compile(r"[012]")


def arpabet(ipa: str) -> str:
    """English IPA as Arpabet, "M EH1 D OW0": a stress on each vowel. What is no English sound is left out."""
    signs = unicodedata.normalize("NFD", ipa).replace("\u0361", "").replace(":", "ː")
    said: list[str] = []
    stress, at = "0", 0
    while at < len(signs):
        if signs[at] in _STRESS:
            stress, at = _STRESS[signs[at]], at + 1
            continue
        for length in range(min(_LONGEST, len(signs) - at), 0, -1):
            sound = signs[at : at + length]
            vowel = _TWO.get(sound) or (f"{_VOWELS[sound]}{{}}" if sound in _VOWELS else "")
            if vowel and not (sound.endswith("ɹ") and signs[at + length : at + length + 1] in _VOWELS):
                said += vowel.format(stress).split()
                stress, at = "0", at + length
                break
            if sound in _CONSONANTS:
                said += _CONSONANTS[sound].split()
                at += length
                break
        else:
            if signs[at] == _NASAL and said:  # French "pain" is said with an n in English
                said.append("N")
            at += 1
    return " ".join(_with_stress(said))


def written(utterance: Utterance) -> Utterance:
    """The utterance with Arpabet between OPEN and CLOSE in the places of the words that have IPA, where it is English.

    Its own private characters are taken out first; events keep their places.
    """
    text = _PRIVATE.sub(" ", utterance.text)
    if not utterance.language.lower().startswith("en"):
        return replace(utterance, text=text)
    events = list(utterance.events)
    for each in reversed(utterance.pronunciations):
        if not (sounds := arpabet(each.ipa)):
            continue
        spelt = f"{OPEN}{sounds.replace(' ', GAP)}{CLOSE}"
        longer = len(spelt) - (each.end - each.start)
        text = text[: each.start] + spelt + text[each.end :]
        for place, event in enumerate(events):
            if event.position >= each.end:
                events[place] = replace(event, position=event.position + longer)
            elif event.position > each.start:
                events[place] = replace(event, position=each.start)
    return replace(utterance, text=text, events=tuple(events))


def parts(text: str) -> Iterator[tuple[str, bool]]:
    """The text in order, and of each part whether it is the plugin's own and may hold special tokens."""
    end = 0
    for found in _BETWEEN.finditer(text):
        if found.start() > end:
            yield _PRIVATE.sub(" ", text[end : found.start()]), False
        yield f"{START}{found[1].replace(GAP, ' ')}{END}", True
        end = found.end()
    if end < len(text):
        yield _PRIVATE.sub(" ", text[end:]), False


def _with_stress(said: list[str]) -> list[str]:
    """A word of which no vowel is stressed has its stress on the first."""
    vowels = [place for place, sound in enumerate(said) if _DIGIT.search(sound)]
    if vowels and not any(said[place].endswith(("1", "2")) for place in vowels):
        said[vowels[0]] = said[vowels[0]][:-1] + "1"
    return said
