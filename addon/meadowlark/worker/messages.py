"""What the core, a worker and a nursery say to each other: one frozen dataclass per message, framed as Wyoming events.

A JSON line with the audio behind it as payload, checked against the dataclass on both sides; no pickle, so the two ends
may be different virtualenvs. Knows nothing of sockets or processes.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, TypeAlias, get_args

import msgspec
from wyoming.event import Event

from ..api import Utterance, Value

PROTOCOL: Final = 3
"""Raised when a message changes its meaning, or the worker has a new one: core and worker may be different
installations of meadowlark."""


class Failure(StrEnum):
    """Why a load or a job came to nothing."""

    ERROR = "error"
    """The engine raised."""

    OUT_OF_MEMORY = "out-of-memory"
    """Of the device or of the machine; evicting somebody may help."""

    NO_AUDIO = "no-audio"
    """Nothing, or nothing but zeros, for a text that has something to say."""

    BAD_AUDIO = "bad-audio"
    """NaN, several channels, or something that is not audio."""

    CANCELLED = "cancelled"
    """As the core wished."""


# Core → worker


@dataclass(frozen=True, slots=True)
class Load:
    """Become this engine; the first message, sent once."""

    engine: str
    pipeline: str
    """"package.module:Class"."""

    sample_rate: int
    """Hz, of what the pipeline yields."""

    device: str
    data_dir: str
    voice_dir: str
    options: Mapping[str, Value]
    files: Mapping[str, str]
    """Absolute paths of the engine's assets."""

    log_level: int
    """The core's own, for the engine's log lines."""

    visible: str | None = None
    """CUDA_VISIBLE_DEVICES of the worker: the UUID of its GPU, which it then sees as "cuda:0"; empty = none;
    None = as inherited."""

    max_batch: int = 1
    """The manifest's: the most sentences that this engine can speak at a time."""

    alternates: bool = False
    """The manifest's: of several sentences only the most urgent is asked for its next chunk."""

    spare_bytes: int = 0
    """Of that device, what the engine may hold beyond what it needs."""


@dataclass(frozen=True, slots=True)
class Speak:
    """One sentence. Jobs count upwards; as many as the worker has places are done at a time, the others wait there."""

    job: int
    utterance: Utterance
    rate: int | None = None
    """Hz wanted; None = as the engine yields."""

    gain: float = 1.0
    """Factor on the samples: a fallback is as loud as the voice that it speaks for."""

    dry_at: float | None = None
    """When the listener runs dry, by the system's monotonic clock, which all processes share; None = a newcomer."""

    ahead: bool = False
    """Only open what the utterance needs; nobody listens, and everybody who does goes first."""


@dataclass(frozen=True, slots=True)
class Cancel:
    """Stop this job at the next chunk, and say so with `Failed`."""

    job: int


@dataclass(frozen=True, slots=True)
class Unload:
    """End."""


# Worker → core


@dataclass(frozen=True, slots=True)
class Loaded:
    """Ready to speak."""

    load_seconds: float
    """With the import of the pipeline's module."""

    warm_up_seconds: float
    memory_bytes: int
    """Of the machine's memory, pages shared with others counted in proportion (PSS)."""

    peak_bytes: int = 0
    """The most of it until now; 0 = not measured."""

    device_bytes: int = 0
    """Of its GPU's memory, held by torch's allocator, without the CUDA context; 0 = torch is not used there."""

    device_peak_bytes: int = 0
    places: int = 1
    """How many sentences it speaks at a time on this device."""


@dataclass(frozen=True, slots=True)
class LoadFailed:
    """Never will be."""

    kind: Failure
    message: str


@dataclass(frozen=True, slots=True)
class Opening:
    """The worker opens what a job needs, and is silent to all meanwhile."""

    job: int
    over: bool = False
    """It has done so."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Audio of a job, s16le."""

    job: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Done:
    """All of a job has been sent."""

    job: int
    audio_seconds: float
    seconds: float
    """From taking up the job to its last chunk, whoever else was spoken meanwhile; on an engine that alternates only
    what this one took."""

    first_audio_seconds: float
    """From taking up the job to its first chunk; 0 when it had none."""

    memory_bytes: int = 0
    """As in `Loaded`, after the job; 0 = not measured."""

    peak_bytes: int = 0
    """The most of it during the job."""

    device_bytes: int = 0
    device_peak_bytes: int = 0

    level: float = 0.0
    """Mean square of the audio before any gain, 0 to 1."""

    together: float = 1.0
    """How many were spoken at a time, this one among them, on average over its rounds: 1 = alone. What `seconds` says
    of the engine's speed depends on it."""

    kept_bytes: int = 0
    """Of its memory on the device, what it holds beyond what it needs."""


@dataclass(frozen=True, slots=True)
class Failed:
    """A job has ended before its time; the worker takes the next one."""

    job: int
    kind: Failure
    message: str


# Nursery → core


@dataclass(frozen=True, slots=True)
class Hello:
    """The interpreter runs and has meadowlark."""

    protocol: int
    version: str
    """Of meadowlark over there."""


@dataclass(frozen=True, slots=True)
class Importing:
    """About to import this; the one to name if nothing more is heard."""

    module: str


@dataclass(frozen=True, slots=True)
class Ready:
    """Forks from now on."""

    failed: Mapping[str, str] = field(default_factory=dict)
    """Preload module → why it could not be imported."""

    threads: tuple[str, ...] = ()
    """Python threads that the preloads started; they do not exist in a forked worker."""


@dataclass(frozen=True, slots=True)
class Born:
    """The worker ordered; its pidfd comes along."""

    pid: int


@dataclass(frozen=True, slots=True)
class ForkFailed:
    """No worker: the machine is out of processes or memory."""

    message: str


@dataclass(frozen=True, slots=True)
class Exited:
    """A worker is gone and has been reaped."""

    pid: int
    how: str
    """"killed by SIGSEGV", "exit code 3"."""


# Core → nursery


@dataclass(frozen=True, slots=True)
class Fork:
    """Fork a worker around the socket that comes along."""

    engine: str


Message: TypeAlias = (
    Load | Speak | Cancel | Unload | Loaded | LoadFailed | Opening | Chunk | Done | Failed
    | Hello | Importing | Ready | Born | ForkFailed | Exited | Fork
)  # fmt: skip


def _event_type(kind: type) -> str:
    """LoadFailed → load-failed."""
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in kind.__name__).removeprefix("-")


_NAMES: Final[dict[type[Message], str]] = {kind: _event_type(kind) for kind in get_args(Message)}
_TYPES: Final[dict[str, type[Message]]] = {name: kind for kind, name in _NAMES.items()}
_JSON: Final = json.JSONEncoder(ensure_ascii=False)


def to_event(message: Message) -> Event:
    """A message as a Wyoming event."""
    name = _NAMES[type(message)]
    if isinstance(message, Chunk):
        return Event(name, {"job": message.job}, message.payload)
    return Event(name, msgspec.to_builtins(message))


def from_event(event: Event) -> Message:
    """The message of an event; ValueError when it is none or does not fit its dataclass."""
    kind = _TYPES.get(event.type)
    if kind is None:
        raise ValueError(f"{event.type!r} is not a message")
    data: dict[str, Any] = event.data
    if kind is Chunk:
        data = {**data, "payload": event.payload or b""}
    try:
        return msgspec.convert(data, kind, builtin_types=(bytes,))
    except msgspec.ValidationError as error:
        raise ValueError(f"{event.type!r}: {error}") from error


def encode(message: Message) -> bytes:
    """A message as it goes over a stream, its data in the header line: one read and one parse fewer for each chunk.

    UnicodeEncodeError for half a surrogate pair in its text.
    """
    event = to_event(message)
    head: dict[str, Any] = {"type": event.type, "data": event.data}
    if not event.payload:
        return _JSON.encode(head).encode() + b"\n"
    return _JSON.encode(head | {"payload_length": len(event.payload)}).encode() + b"\n" + event.payload


def to_packet(message: Message) -> bytes:
    """A message as one packet of a nursery's control socket, which keeps boundaries by itself."""
    return json.dumps(to_event(message).to_dict()).encode()


def from_packet(packet: bytes) -> Message:
    """The message of one packet; ValueError when it is none."""
    return from_event(Event.from_dict(json.loads(packet)))


def describe_exit(code: int) -> str:
    """A return code in words: "exit code 3", "killed by SIGSEGV"."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:  # a real-time signal has no name
        return f"killed by signal {-code}"
