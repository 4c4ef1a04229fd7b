"""What becomes of an engine's samples: s16le mono, at the rate of the reply.

Pure. numpy and soxr are imported inside the functions that need them, in the worker: the server process uses `silence`,
`split` and `seconds` and must never load numpy.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from .api import AudioChunk

SAMPLE_BYTES: Final = 2
"""One sample, s16le mono."""

_LEVEL_STRIDE: Final = 16

_KNEE: Final = 0.7
"""Of full scale, from which on a voice that is made louder is limited softly."""


def to_s16le(chunk: AudioChunk) -> bytes:
    """One chunk of a pipeline as s16le; TypeError for anything but mono audio, ValueError for NaN or infinity."""
    if isinstance(chunk, (bytes, bytearray, memoryview)):
        if len(data := bytes(chunk)) % SAMPLE_BYTES:
            raise ValueError(f"{len(data)} bytes of s16le: half a sample is missing; yield whole samples")
        return data
    import numpy as np  # in the worker, where the engine has loaded it already

    if not isinstance(chunk, np.ndarray):
        raise TypeError(f"{_type_name(chunk)} is not audio; yield a float32 numpy array or s16le bytes")
    samples = _flatten(chunk)
    if np.issubdtype(samples.dtype, np.int16):  # of either byte order
        return _little_endian(samples)
    if not np.issubdtype(samples.dtype, np.floating):
        raise TypeError(
            f"a numpy array of {samples.dtype} is not audio; yield float32 in [-1, 1], int16 or s16le bytes"
        )
    if not np.isfinite(samples).all():
        raise ValueError("the audio holds NaN or infinity")
    scaled = np.clip(samples, -1.0, 1.0) * np.float32(32767.0)
    return _little_endian(np.rint(scaled))


class Resampler:
    """A stream of s16le brought to another rate; what comes out lasts as long as what went in."""

    def __init__(self, rate_in: int, rate_out: int) -> None:
        import soxr  # only for a reply at another rate than the engine's

        # float32: for int16 soxr dithers at random, and the same sentence would never come out the same twice
        self._stream = soxr.ResampleStream(rate_in, rate_out, 1, dtype="float32", quality="HQ")

    def push(self, data: bytes) -> bytes:
        """What is ready so far; may be empty, for the filter looks ahead."""
        return self._resample(data, last=False)

    def finish(self) -> bytes:
        """The rest."""
        return self._resample(b"", last=True)

    def _resample(self, data: bytes, *, last: bool) -> bytes:
        import numpy as np  # already loaded by soxr

        samples = np.frombuffer(data, dtype="<i2").astype(np.float32)
        resampled = np.rint(self._stream.resample_chunk(samples, last))
        return _little_endian(np.clip(resampled, -32768, 32767))


def silence(seconds: float, rate: int) -> bytes:
    """So much nothing, rounded to whole samples."""
    return bytes(SAMPLE_BYTES * round(seconds * rate))


def level(data: bytes) -> float:
    """Mean square of s16le, 0 to 1; of every 16th sample, which costs 20 µs for a second of sound."""
    samples = array("h", data)[::_LEVEL_STRIDE]
    return sum(each * each for each in samples) / len(samples) / 32767.0**2 if samples else 0.0


def amplified(data: bytes, gain: float) -> bytes:
    """s16le times `gain`; what would go beyond _KNEE of full scale is bent, not cut off."""
    import numpy as np  # in the worker, for a fallback voice only

    samples = np.frombuffer(data, "<i2") * np.float32(gain / 32767.0)
    loud = np.abs(samples)
    bent = _KNEE + (1 - _KNEE) * np.tanh((loud - _KNEE) / (1 - _KNEE))
    return _little_endian(np.rint(np.where(loud > _KNEE, np.copysign(bent, samples), samples) * 32767.0))


def split(data: bytes, size: int) -> Iterator[bytes]:
    """Pieces of at most `size` bytes, none of which cuts a sample."""
    step = size - size % SAMPLE_BYTES
    if step < SAMPLE_BYTES:
        raise ValueError(f"{size} bytes do not hold a sample")
    for start in range(0, len(data), step):
        yield data[start : start + step]


def seconds(nbytes: int, rate: int) -> float:
    """How long so many bytes of s16le mono last."""
    return nbytes / (SAMPLE_BYTES * rate)


def _flatten(array: Any) -> Any:
    """(n,), (1, n) and (n, 1) → (n,); a shape with more channels is refused."""
    if sum(length > 1 for length in array.shape) > 1:
        raise TypeError(f"a numpy array of shape {array.shape} is not mono; yield (samples,)")
    return array.reshape(-1)


def _little_endian(samples: Any) -> bytes:
    data: bytes = samples.astype("<i2").tobytes()
    return data


def _type_name(value: object) -> str:
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
