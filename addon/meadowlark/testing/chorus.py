"""An engine for tests that speaks several sentences at a time, as token engines do: one step makes a chunk of each.

`ChorusEngine` is a `FaultyEngine` whose sentences share their steps. A step takes `rtf` times the length of a chunk,
and `share` (0.15) of that more for each further sentence. Its other option is `places`, what it says of itself after
`load`; without it the manifest's `max_batch` counts. What a sentence sounds like does not depend on the others. A fault
of one sentence is that sentence's, unless it is one that no process survives, or stands still for.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ..api import EngineManifest, Utterance, Value
from .engines import FaultyEngine, tone_manifest

if TYPE_CHECKING:
    from ..api import AudioChunk


def chorus_manifest(id: str = "chorus", max_batch: int = 4, **options: Value) -> EngineManifest:  # noqa: A002
    """A complete manifest; `options` are given to each of its voices."""
    manifest = tone_manifest(id)
    return replace(
        manifest,
        pipeline="meadowlark.testing.chorus:ChorusEngine",
        max_batch=max_batch,
        voices=tuple(replace(voice, options={**options, **voice.options}) for voice in manifest.voices),
    )


@dataclass(slots=True, eq=False)
class _Open:
    """A sentence that is being spoken."""

    chunks: Iterator[AudioChunk]
    step_seconds: float
    made: deque[AudioChunk | BaseException | None] = field(default_factory=deque)
    """By steps that others asked for; an exception or None is its end."""

    over: bool = False


class ChorusEngine(FaultyEngine):
    """Tones in parts."""

    def load(self) -> None:
        """As a ToneEngine."""
        super().load()
        if places := int(float(self.context.options.get("places", 0))):
            self.places = places
        self._open: list[_Open] = []

    def synthesize(self, utterance: Utterance) -> Iterator[AudioChunk]:
        """Yield the tone in chunks; each is made by a step for all who are being spoken."""
        options = {**self.context.options, **utterance.options}
        step = float(options.get("rtf", 0.0)) * float(options.get("chunk_seconds", 0.1))
        chunks = super().synthesize(replace(utterance, options={**utterance.options, "rtf": 0.0}))
        mine = _Open(iter(chunks), step)
        self._open.append(mine)
        try:
            while True:
                if not mine.made:
                    self._step()
                made = mine.made.popleft()
                if made is None:
                    return
                if isinstance(made, BaseException):
                    raise made
                yield made
        finally:
            self._open.remove(mine)
            if close := getattr(mine.chunks, "close", None):
                close()

    def _step(self) -> None:
        """The next chunk of everybody."""
        sounding = [each for each in self._open if not each.over]
        if seconds := max(each.step_seconds for each in sounding):
            share = float(self.context.options.get("share", 0.15))
            time.sleep(seconds * (1 + share * (len(sounding) - 1)))
        for each in sounding:
            try:
                made: AudioChunk | BaseException | None = next(each.chunks, None)
            except BaseException as error:  # SystemExit too is the fault of one
                made = error
            each.over = made is None or isinstance(made, BaseException)
            each.made.append(made)
