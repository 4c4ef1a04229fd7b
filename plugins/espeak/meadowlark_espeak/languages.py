"""espeak-ng's voices as Home Assistant should see them: ids, display names and BCP 47 tags.

espeak-ng's own tags are mostly right but for their case. Where they are not (the "cl" of classic Russian is Chile),
where a region is meant and not said, or where people ask by another name ("zh-CN" for "cmn"), the tables below are.
"""

from __future__ import annotations

from meadowlark_espeakng.voices import BaseVoice

LANGUAGES: dict[str, tuple[str, ...]] = {
    "art/piqd": ("tlh",),  # "piqd" is the script; Klingon is "tlh"
    "art/py": ("art-x-pyash",),  # not registered: "art" is any artificial language
    "gmq/nb": ("nb", "no"),
    "gmw/en": ("en-GB",),
    "gmw/en-029": ("en-029",),
    "gmw/en-US": ("en-US",),
    "gmw/en-US-nyc": ("en-US-x-nyc", "en-US"),
    "gmw/en-GB-scotland": ("en-GB-scotland", "en-GB"),
    "gmw/en-GB-x-gbclan": ("en-GB-x-gbclan", "en-GB"),
    "gmw/en-GB-x-gbcwmd": ("en-GB-x-gbcwmd", "en-GB"),
    "gmw/en-GB-x-rp": ("en-GB-x-rp", "en-GB"),
    "ine/hy": ("hy",),
    "ine/hyw": ("hyw",),
    "iro/chr": ("chr",),
    "roa/ca-ba": ("ca-ES-x-balear",),  # "BA" is Bosnia
    "roa/ca-nw": ("ca-ES-x-nwest",),
    "roa/ca-va": ("ca-ES-valencia",),
    "roa/es": ("es-ES",),
    "roa/es-419": ("es-419", "es-MX"),
    "roa/fr": ("fr-FR",),
    "roa/fr-BE": ("fr-BE",),
    "roa/fr-CH": ("fr-CH",),
    "roa/pt": ("pt-PT", "pt"),  # Home Assistant's "pt" is Portugal's
    "roa/pt-BR": ("pt-BR",),
    "sit/cmn": ("zh-CN", "zh-TW", "cmn"),
    "sit/cmn-Latn-pinyin": ("zh-Latn-pinyin",),
    "sit/yue": ("zh-HK", "yue"),
    "sit/yue-Latn-jyutping": ("yue-Latn-jyutping",),
    "zle/ru-cl": ("ru-x-classic",),
    "zls/hr": ("hr",),
}
"""Identifier → BCP 47, preferred first; the others keep espeak-ng's, in the right case."""

NAMES: dict[str, str] = {
    "gmw/en-GB-x-gbclan": "English (Great Britain, Lancaster)",
    "gmw/en-GB-x-gbcwmd": "English (Great Britain, West Midlands)",
    "gmw/en-GB-x-rp": "English (Great Britain, Received Pronunciation)",
    "gmw/en-GB-scotland": "English (Great Britain, Scotland)",
    "sit/cmn": "Chinese (Mandarin)",
    "sit/cmn-Latn-pinyin": "Chinese (Mandarin, written in Pinyin)",
    "sit/my": "Burmese",
    "sit/yue-Latn-jyutping": "Chinese (Cantonese, written in Jyutping)",
}
"""Identifier → display name, where espeak-ng's would stand in the wrong place of a sorted list or mislead."""

IDS = {"gmw/en": "en-gb"}
"""Identifier → voice id, where the file name alone would mean more than the voice is: "en" is every English."""


def voice_id(voice: BaseVoice) -> str:
    """Stable for ever: "de", "en-us", "en-gb-scotland"; what `espeak-ng -v` takes, too."""
    return IDS.get(voice.identifier) or voice.identifier.rpartition("/")[2].lower()


def display_name(voice: BaseVoice) -> str:
    """English, with the region in parentheses."""
    return NAMES.get(voice.identifier, voice.name)


def languages(voice: BaseVoice) -> tuple[str, ...]:
    """BCP 47 tags, preferred first."""
    return LANGUAGES.get(voice.identifier) or tuple(map(bcp47, voice.languages))


def bcp47(tag: str) -> str:
    """The conventional case of a language tag: "fa-latn" → "fa-Latn", "en-us" → "en-US", what follows "x" lower."""
    language, *rest = tag.lower().split("-")
    private = rest.index("x") if "x" in rest else len(rest)
    return "-".join((language, *map(_cased, rest[:private]), *rest[private:]))


def _cased(subtag: str) -> str:
    if subtag.isalpha() and len(subtag) in (2, 4):
        return subtag.upper() if len(subtag) == 2 else subtag.title()
    return subtag
