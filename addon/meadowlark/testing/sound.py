"""What can be said of s16le audio without ears."""

from __future__ import annotations

from dataclasses import dataclass

FULL_SCALE = 32768.0


@dataclass(frozen=True, slots=True)
class Sound:
    """Facts about a piece of audio; levels as fractions of full scale."""

    seconds: float
    peak: float
    rms: float
    clipped: float
    """Share of the samples that lie at either end of the range."""

    offset: float
    """Mean of the samples: a microphone's or a bug's constant."""


def listen(pcm: bytes, rate: int) -> Sound:
    """The facts about s16le mono."""
    import numpy as np  # not at import: collecting tests needs no numpy

    samples = np.frombuffer(pcm, dtype="<i2").astype(np.float64)
    if not len(samples):
        return Sound(0.0, 0.0, 0.0, 0.0, 0.0)
    sizes = np.abs(samples)
    return Sound(
        seconds=len(samples) / rate,
        peak=float(sizes.max()) / FULL_SCALE,
        rms=float(np.sqrt(np.mean(samples**2))) / FULL_SCALE,
        clipped=float(np.mean(sizes >= 32766)),
        offset=float(samples.mean()) / FULL_SCALE,
    )


def difference(pcm: bytes, other: bytes) -> float:
    """How loud the difference of two sounds is, as a share of the first; what one of them lacks is silence."""
    import numpy as np

    length = max(len(pcm), len(other)) // 2
    one, two = (np.frombuffer(each.ljust(2 * length, b"\0"), "<i2") for each in (pcm, other))
    loudness = float(np.sqrt(np.mean(one.astype(np.float64) ** 2))) if length else 0.0
    apart = float(np.sqrt(np.mean((one.astype(np.float64) - two) ** 2))) if length else 0.0
    return apart / loudness if loudness else float(apart > 0)


def complaint(sound: Sound, letters: int) -> tuple[str, str] | None:
    """What is surely wrong with the sound of a plain sentence, and what to look for; None when nothing is."""
    if not sound.seconds or sound.peak < 0.01:
        return (
            f"is not to be heard: its peak is {sound.peak:.2%} of full scale",
            "yield float32 in [-1, 1]: samples of the range ±1 must not be cast to int16 without × 32767",
        )
    if sound.clipped > 0.05:
        return (
            f"is clipped: {sound.clipped:.0%} of its samples are at the end of the range",
            "yield float32 in [-1, 1]: divide int16-like floats by 32768, or lower the gain",
        )
    if abs(sound.offset) > 0.1:
        return f"has a constant offset of {sound.offset:+.0%}", "subtract the mean, or look for unsigned samples"
    pace = sound.seconds / max(1, letters)
    if not 0.01 <= pace <= 1.5:
        return (
            f"lasts {sound.seconds:.2f} s for {letters} letters, {pace:.3f} s each; speech takes 0.01 to 1.5 s",
            "check `sample_rate`, mono, and that samples, not bytes of float32, are yielded",
        )
    return None
