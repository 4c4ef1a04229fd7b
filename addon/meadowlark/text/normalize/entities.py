"""Entity ids and other names with underscores, which are read as words in every language."""

from __future__ import annotations

from typing import Final

import regex

from meadowlark.text.edits import Edit

_DOMAINS: Final = (
    "air_quality alarm_control_panel assist_satellite automation binary_sensor button calendar camera climate "
    "conversation counter cover date datetime device_tracker event fan geo_location group humidifier image "
    "input_boolean input_button input_datetime input_number input_select input_text lawn_mower light lock media_player "
    "notify number person plant proximity remote scene schedule script select sensor siren stt sun switch tag text "
    "time timer todo tts update vacuum valve wake_word water_heater weather zone"
)
DOMAINS: Final = frozenset(_DOMAINS.split())
"""Home Assistant's: what may stand before the full stop of an entity id."""
# The cleaner has put spaces for the underscores.
_SPOKEN_DOMAINS: Final = "|".join(sorted((domain.replace("_", "[_ ]") for domain in DOMAINS), key=len, reverse=True))

_NOT_A_SITE: Final = r"(?!(?:com|org|net|io|info|app|dev|eu|de|uk|co|us|fr|es|it|nl|pl|pt|cz|at|ch)(?![\p{L}\p{N}_]))"
_ENTITY_RE = regex.compile(
    rf"(?<![\p{{L}}\p{{N}}\p{{M}}_.@/\\-])(?:(?:{_SPOKEN_DOMAINS})\.{_NOT_A_SITE}[a-z][a-z0-9]*+(?:_[a-z0-9]+)*+"
    r"|\p{L}[\p{L}0-9]*+(?:_[\p{L}0-9]+)++)(?![\p{L}\p{N}\p{M}_@/\\(]|[.]\p{L})"
)
"""An entity id, or a word with underscores in it."""
_SIGN_RE = regex.compile(r"_|\.[a-z]")
_BETWEEN_RE = regex.compile(r"[_.]+")


def entity_edits(text: str) -> list[Edit]:
    """Each name with spaces for its underscores and for the full stop behind its domain."""
    if not _SIGN_RE.search(text):
        return []
    return [Edit(*found.span(), _BETWEEN_RE.sub(" ", found[0])) for found in _ENTITY_RE.finditer(text)]
