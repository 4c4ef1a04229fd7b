"""The alphabet of the published models: symbol → number. Files of v1.1 carry it themselves, under `kokoro_config`."""

from __future__ import annotations

import json
from collections.abc import Mapping

from .errors import ModelFileError

_RUNS: tuple[tuple[int, str], ...] = (
    (1, ";:,.!?"),
    (9, '—…"()“” \u0303ʣʥʦʨᵝꭧAI'),
    (31, "O"),
    (33, "Q"),
    (35, "ST"),
    (39, "W"),
    (41, "Yᵊabcdef"),
    (50, "hijklmnopqrstuvwxyzɑɐɒæ"),
    (75, "βɔɕç"),
    (80, "ɖðʤə"),
    (85, "ɚɛɜ"),
    (90, "ɟ"),
    (92, "ɡ"),
    (99, "ɥ"),
    (101, "ɨɪʝ"),
    (110, "ɯɰŋɳɲɴø"),
    (118, "ɸθœ"),
    (123, "ɹ"),
    (125, "ɾɻ"),
    (128, "ʁɽʂʃʈʧ"),
    (135, "ʊʋ"),
    (138, "ʌɣɤ"),
    (142, "χʎ"),
    (147, "ʒʔ"),
    (156, "ˈˌː"),
    (162, "ʰ"),
    (164, "ʲ"),
    (169, "↓"),
    (171, "→↗↘"),
    (177, "ᵻ"),
)

SYMBOLS: Mapping[str, int] = {symbol: first + offset for first, run in _RUNS for offset, symbol in enumerate(run)}
"""114 of the 178 numbers; 0 pads both ends."""


def pairs(text: str) -> dict[str, str]:
    """A table written in few lines: "b=p p=pʰ"."""
    return dict(each.split("=") for each in text.split())


def from_config(text: str) -> Mapping[str, int]:
    """The alphabet that a model's `kokoro_config` holds. Raises ModelFileError."""
    try:
        vocabulary = {str(symbol): int(number) for symbol, number in json.loads(text)["vocab"].items()}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelFileError(f"the kokoro_config in the model has no usable vocab ({error!r})") from error
    if not vocabulary:
        raise ModelFileError("the kokoro_config in the model has an empty vocab")
    return vocabulary
