"""The few words that stand for symbols, by language. Where a language is missing, the symbol stays."""

from __future__ import annotations

from types import MappingProxyType

AND = MappingProxyType(
    {
        "en": "and", "de": "und", "fr": "et", "es": "y", "it": "e", "nl": "en", "pl": "i", "pt": "e", "cs": "a",
        "sk": "a", "da": "og", "nb": "og", "no": "og", "sv": "och", "fi": "ja", "hu": "és", "ro": "și", "ca": "i",
        "hr": "i", "sl": "in", "tr": "ve", "ru": "и", "uk": "і", "el": "και", "id": "dan", "vi": "và", "hi": "और",
        "ar": "و", "ko": "그리고", "ja": "と", "zh": "和",
    }
)  # fmt: skip
"""For "&"."""

AT = MappingProxyType(
    {
        "en": "at", "de": "ät", "fr": "arobase", "es": "arroba", "it": "chiocciola", "nl": "apenstaartje",
        "pl": "małpa", "pt": "arroba", "cs": "zavináč", "sk": "zavináč", "da": "snabel-a", "nb": "krøllalfa",
        "no": "krøllalfa", "sv": "snabel-a", "fi": "ät", "hu": "kukac", "ro": "arond", "ca": "arrova", "tr": "et",
        "ru": "собака", "uk": "собака", "el": "παπάκι",
    }
)  # fmt: skip
"""For "@" in an e-mail address."""

ABOUT = MappingProxyType(
    {
        "en": "about", "de": "etwa", "fr": "environ", "es": "unos", "it": "circa", "nl": "ongeveer", "pl": "około",
        "pt": "cerca de", "cs": "asi", "sk": "asi", "da": "cirka", "nb": "cirka", "no": "cirka", "sv": "cirka",
        "fi": "noin", "hu": "körülbelül", "ro": "circa", "ru": "около", "uk": "близько",
    }
)  # fmt: skip
"""For "~" before a number."""


def primary(language: str) -> str:
    """The language of a BCP 47 tag without region or script: "pt" of "pt-BR"."""
    return language.replace("_", "-").split("-", 1)[0].strip().lower()
