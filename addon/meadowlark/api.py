"""All that a plugin may import from the core: frozen data, one base class, the hook marker.

Knows nothing of Wyoming, processes or devices. Importing it costs a few milliseconds and pulls in neither numpy nor an
engine; pluggy, a few hundred lines, is here for `hookimpl` alone.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import pluggy

if TYPE_CHECKING:  # numpy is for the worker; a manifest must not pay for it
    import numpy as np
    from numpy.typing import NDArray

    AudioChunk: TypeAlias = NDArray[np.float32] | bytes

hookimpl = pluggy.HookimplMarker("meadowlark")
"""Marks a plugin's function as the implementation of the hook of the same name (see hookspecs.py)."""

Value: TypeAlias = str | int | float | bool
"""What an option or a marker's native form may hold: whatever JSON can carry without nesting."""

Native: TypeAlias = str | Mapping[str, Value]
"""What a marker is to an engine: a word for its prompt ("(excited)") or knobs ({"rate": 1.2})."""


class OptionError(ValueError):
    """An option of the user's for an engine is wrong: the text names it and says what is allowed."""


class MarkerKind(StrEnum):
    """How long a marker holds."""

    STYLE = "style"
    """Until the next style or the end of the reply."""

    EVENT = "event"
    """Once, where it stands."""


@dataclass(frozen=True, slots=True)
class Marker:
    """A way of speaking or a sound that an engine can make."""

    name: str
    """Canonical name, lower case: one of the portable vocabulary, or the engine's own."""

    kind: MarkerKind

    native: Native
    """Handed to the pipeline as it is."""

    aliases: tuple[str, ...] = ()
    """Other names accepted in text, for markers beyond the portable vocabulary."""


@dataclass(frozen=True, slots=True)
class Attribution:
    """Whom to thank for a voice or an engine."""

    name: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Asset:
    """A file that an engine or a voice needs and that is not shipped with it."""

    repository: str
    """"owner/name" on the Hugging Face hub. Empty for a file that has a `url` of its own."""

    path: str
    """Within the repository, "/" between folders."""

    revision: str = "main"
    """A branch, a tag or, better, a commit: what a branch holds may change."""

    sha256: str = ""
    bytes: int = 0
    """Size; 0 = not known."""

    md5: str = ""
    """For files whose catalogue gives only that. Neither: the hub's own checksum is trusted."""

    url: str = ""
    """https address of a file that is on no hub."""

    name: str = ""
    """Where it is kept below the engine's folder, and its key in `files`; `path` where empty."""

    license: str = ""
    """SPDX, where it is not the manifest's."""

    option: str = ""
    """Name of the engine option that chooses between files: "model"."""

    value: str = ""
    """The file is needed when that option has this value. Not said by the user: the value whose files are all there,
    else the one that is named first."""

    optional: bool = False
    """Fetched with the others; the voice speaks without it too."""

    @property
    def key(self) -> str:
        """Its name in `PipelineContext.files` and `Utterance.files`."""
        return self.name or self.path


@dataclass(frozen=True, slots=True)
class Voice:
    """Something an engine can speak as."""

    id: str
    """Unique within its engine and stable for ever: it stands in people's automations. No "/"."""

    languages: tuple[str, ...]
    """BCP 47 tags, preferred first."""

    name: str = ""
    """For people; the id where empty."""

    speakers: tuple[str, ...] = ()
    """Accepted as `speaker` of a request. Home Assistant never shows them: prefer a voice per speaker."""

    options: Mapping[str, Value] = field(default_factory=dict)
    """Opaque to the core; handed to the pipeline under `Utterance.options`."""

    attribution: Attribution | None = None

    advertised: bool = True
    """False: accepted by name, not listed to clients."""

    assets: tuple[Asset, ...] = ()
    """Files that this voice needs besides the engine's own. Voices may share them."""


@dataclass(frozen=True, slots=True)
class EngineManifest:
    """What the core knows of an engine without loading it."""

    id: str
    """Lower-case letters, digits, "_" and "-": the part before the slash in "kokoro/af_heart"."""

    title: str

    license: str
    """SPDX expression of the plugin's code and of the weights that it loads."""

    pipeline: str
    """"package.module:Class", a `Pipeline`; imported only in the worker."""

    sample_rate: int
    """Hz, of all that the pipeline yields; mono."""

    voices: tuple[Voice, ...] = ()

    variants: tuple[str, ...] = ()
    """Accepted behind any voice as "voice+variant"; arrives as `Utterance.variant`."""

    markers: tuple[Marker, ...] = ()

    memory: Mapping[str, int] = field(default_factory=dict)
    """Bytes at rest per device kind ("cpu", "cuda"): an estimate until measured."""

    preload: tuple[str, ...] = ()
    """Modules worth importing once in the parked process from which workers are forked.

    They must not start threads or touch a GPU when imported."""

    assets: tuple[Asset, ...] = ()
    """Files that every voice needs."""

    streaming: bool = False
    """True: the pipeline yields before the whole sentence is computed."""

    cloning: bool = False

    max_batch: int = 1
    """The most sentences that the pipeline speaks at a time: see `Pipeline.synthesize`."""

    alternates: bool = False
    """With `max_batch` > 1: sentences gain nothing from each other's company, so only the most urgent is asked for its
    next chunk. A newcomer is heard between two chunks of somebody who has audio in hand."""

    samples: bool = False
    """True: the same text comes out with another length each time (a sampling engine)."""

    last_resort: bool = False
    """True: speaks a language only when no other engine does (the embedded default)."""

    attribution: Attribution | None = None

    description: str = ""


@dataclass(frozen=True, slots=True)
class PlacedEvent:
    """An event marker and its place in a sentence."""

    position: int
    """Index into `Utterance.text` (characters) before which it happens; len(text) = at the end."""

    name: str
    native: Native


@dataclass(frozen=True, slots=True)
class Pronunciation:
    """How a stretch of a sentence is said."""

    start: int
    """Index into the sentence's text (characters)."""

    end: int
    """Index behind the last character."""

    ipa: str
    """In the International Phonetic Alphabet, without slashes."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """One sentence for a pipeline: clean text, no markers, no markup."""

    text: str
    """May be empty when there is only an event to make."""

    voice: Voice

    language: str
    """BCP 47: the language asked for, else the voice's first."""

    variant: str = ""
    speaker: str = ""

    style: Native | None = None
    """The engine's own form of the style in force; None = neutral."""

    style_name: str = ""
    """Its canonical name, for logs."""

    events: tuple[PlacedEvent, ...] = ()

    options: Mapping[str, Value] = field(default_factory=dict)
    """The user's settings for this engine, then the voice's own options on top."""

    files: Mapping[str, str] = field(default_factory=dict)
    """Absolute paths of the engine's and the voice's assets, by `Asset.key`: found or downloaded, all there."""

    pronunciations: tuple[Pronunciation, ...] = ()
    """From the text itself or the user's lexicon, in order, not overlapping.

    An engine that takes no IPA says the word as it is spelt."""


@dataclass(frozen=True, slots=True)
class PipelineContext:
    """What a pipeline is told about the machine when it is made."""

    engine: str
    device: str = "cpu"
    """"cpu", "cuda:0", …"""

    data_dir: Path = Path("data")
    """May be written: caches, warm-up products."""

    voice_dir: Path = Path("data/voices")
    """The user's own voices and references."""

    options: Mapping[str, Value] = field(default_factory=dict)
    """The user's settings for this engine."""

    files: Mapping[str, str] = field(default_factory=dict)
    """Absolute paths of the engine's assets, by `Asset.key`. A voice's own come with each utterance."""

    spare_bytes: int = 0
    """Of the device's memory: what may be held beyond what is needed, such as voices that others spoke with."""


class Pipeline(ABC):
    """An engine at work. Lives in a worker process of its own and is used by one thread at a time."""

    places: int | None = None
    """How many sentences it speaks at a time on this device, known after `load`; None = the manifest's `max_batch`,
    which is also the most."""

    kept_bytes: int = 0
    """Of `PipelineContext.spare_bytes`, what it holds now. A reload would not need it, and nobody is refused for it."""

    def __init__(self, context: PipelineContext) -> None:
        """Cheap; the work belongs into `load`."""
        self.context = context

    def load(self) -> None:  # noqa: B027  an engine without anything to load is fine
        """Make ready to speak. Raise anything: the listener is told, the server lives on."""

    def warm_up(self) -> None:  # noqa: B027
        """Do what makes the first sentence as fast as the second; runs once, after `load`."""

    def prepare(self, utterance: Utterance) -> None:  # noqa: B027
        """Open what this utterance needs and others before it may not have needed: its voice's files.

        Runs before `synthesize`, and does not count when the engine's speed is measured, nor, for a minute, as a hang.
        Nobody else is spoken meanwhile. Raise anything, as there.
        """

    @abstractmethod
    def synthesize(self, utterance: Utterance) -> Iterator[AudioChunk]:
        """Yield mono audio at the manifest's rate: float32 arrays in [-1, 1], shape (samples,), or s16le bytes.

        Yield early and often: between chunks the core closes the generator when the listener has left.
        Nothing at all for a text that is not empty is an error.

        With `max_batch` > 1 several of these generators are open at a time, each begun when its sentence comes and
        asked for one chunk in turn. An engine that computes all open sentences in one step does so when one of them
        asks, and hands the others their part when they do. Yield `b""` when a step has brought nothing to be heard:
        it is the others' turn then. Each ends, fails and is cancelled by itself, as it is alone: generators say all of
        that already, for which one call with many sentences would need words of its own.
        """


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory was short, of the machine or of a GPU. By name and text: torch and ONNX Runtime must not be
    imported to ask them."""
    names = {kind.__name__ for kind in type(error).__mro__}
    if not names.isdisjoint({"MemoryError", "OutOfMemoryError"}):
        return True
    text = str(error).lower().replace("cannot allocate memory in static tls", "")  # a library loaded too late
    return any(each in text for each in _SHORT_OF_MEMORY)


_SHORT_OF_MEMORY = (
    "out of memory",
    "failed to allocate memory",  # onnxruntime's arena, a RuntimeException
    "cannot allocate memory",  # the system's ENOMEM; torch and onnxruntime cite it
    "bad_alloc",  # C++ under onnxruntime, as it opens a model
    "alloc_failed",  # CUBLAS_STATUS_ALLOC_FAILED and its like
)
