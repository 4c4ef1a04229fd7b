"""Which voices and variants espeak-ng has, read from its data without loading it: 141 voices in a few milliseconds.

The fields follow what `espeak_ListVoices` reports of the same files (a test compares all of them).
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from .data import find_data
from .errors import UnknownVoiceError

VARIANTS = Path("voices", "!v")

USUAL_PITCH = (82, 118)

_FIELD = re.compile(
    r"^[ \t]*(name|language|gender|dictionary|pitch|phonemes)[ \t]+((?:(?!//)[^\r\n])*[^\s/])", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class BaseVoice:
    """A language or dialect."""

    identifier: str
    """What selects it without ambiguity: "gmw/en-US"."""

    name: str
    """English: "English (America)"."""

    languages: tuple[str, ...]
    """espeak-ng's own tags, lower case mostly and not always BCP 47: "en-us", "en"."""

    has_dictionary: bool
    """Whether the data holds its dictionary; without one it is silent (1.52: Faroese, Karakalpak, Xextan)."""


@dataclass(frozen=True, slots=True)
class Variant:
    """Another timbre for any voice, put behind its identifier: "gmw/en-US+f2"."""

    name: str
    """File name, which is how it is selected: "f2", "Mr serious"."""

    gender: str
    """"female", "male" or "" (not said; they sound male)."""


def base_voices(data: Path | None = None) -> tuple[BaseVoice, ...]:
    """All voices, by identifier. Raises InstallationError where there is no espeak-ng."""
    root = data or find_data()
    files = sorted(Path(folder, name) for folder, _, names in os.walk(root / "lang") for name in names)
    dictionaries = frozenset(os.listdir(root))  # noqa: PTH208  names are wanted, not paths
    return tuple(_base_voice(path, root, dictionaries) for path in files)


def variant_names(data: Path | None = None) -> tuple[str, ...]:
    """The names of all variants, sorted; reads no file."""
    return tuple(sorted(path.name for path in ((data or find_data()) / VARIANTS).iterdir() if path.is_file()))


def variants(data: Path | None = None) -> tuple[Variant, ...]:
    """All variants, by name."""
    root = data or find_data()
    return tuple(Variant(name, _gender(root / VARIANTS / name)) for name in variant_names(root))


def pitch(identifier: str, variant: str = "", data: Path | None = None) -> tuple[int, int]:
    """The lower and upper end of a voice's intonation in Hz, at normal pitch and range. Raises UnknownVoiceError."""
    root = data or find_data()
    files = [root / "lang" / identifier, *([root / VARIANTS / variant] if variant else [])]
    try:
        found = [value.split() for path in files for key, value in _fields(path) if key == "pitch"]
    except OSError as error:
        raise UnknownVoiceError(f"espeak-ng has no voice {identifier!r} with variant {variant!r}") from error
    return (int(found[-1][0]), int(found[-1][1])) if found else USUAL_PITCH


def phoneme_tables(identifier: str, data: Path | None = None) -> tuple[str, ...]:
    """Names of the phoneme tables that may be a voice's, the likeliest first. Raises UnknownVoiceError."""
    try:
        fields = _fields((data or find_data()) / "lang" / identifier)
    except OSError as error:
        raise UnknownVoiceError(f"espeak-ng has no voice {identifier!r}") from error
    named = [value for wanted in ("phonemes", "language") for key, value in fields if key == wanted]
    tags = [value.split()[0] for value in named]
    return tuple(dict.fromkeys([*tags, *(tag.partition("-")[0] for tag in tags)]))


def _base_voice(path: Path, root: Path, dictionaries: frozenset[str]) -> BaseVoice:
    fields = _fields(path)
    names = [value for key, value in fields if key == "name"]
    languages = tuple(value.split()[0] for key, value in fields if key == "language") or (path.name,)  # + priority
    own = [value for key, value in fields if key == "dictionary"] or [languages[0].partition("-")[0]]
    return BaseVoice(
        identifier=path.relative_to(root / "lang").as_posix(),
        name=names[-1] if names else path.name,
        languages=languages,
        has_dictionary=f"{own[-1]}_dict" in dictionaries,
    )


def _gender(path: Path) -> str:
    genders = [value.split()[0].lower() for key, value in _fields(path) if key == "gender"]  # an age may follow
    return genders[-1] if genders else ""


def _fields(path: Path) -> list[tuple[str, str]]:
    """The fields that say who speaks, without comments."""
    return [(key, value.strip()) for key, value in _FIELD.findall(path.read_text("utf-8", "replace"))]
