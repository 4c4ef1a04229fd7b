"""What a client may use up before it is told to stop."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)  # without slots: the settings take their defaults from the class
class Limits:
    """Bounds on everything that a client can make the server hold or wait for."""

    connections: int = 256
    """Open at once. When all are speaking, a few more may still ask `describe`."""

    text_chars: int = 100_000
    """Characters of one request, over all its chunks."""

    event_bytes: int = 1_048_576
    """Bytes of one event: data block and payload together."""

    request_seconds: float = 600.0
    """From the arrival of a request to its last audio."""

    idle_seconds: float = 300.0
    """How long a client may keep the server waiting for its next event."""

    stall_seconds: float = 30.0
    """For an event that has begun to arrive in full, and for a client to accept one more byte of audio."""
