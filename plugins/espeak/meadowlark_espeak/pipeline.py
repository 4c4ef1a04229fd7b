"""espeak-ng at work, in the worker."""

from __future__ import annotations

from collections.abc import Iterator

from meadowlark.api import Pipeline, Utterance
from meadowlark_espeakng.mnemonics import Sounds
from meadowlark_espeakng.synthesis import Synthesizer
from meadowlark_espeakng.voices import variants

from . import settings


class EspeakPipeline(Pipeline):
    """Speaks any text in any of espeak-ng's languages.

    A sentence ends with espeak-ng's own pause (0.3 s after a full stop, 0.15 s after a comma), so that sentences spoken
    one by one sound like the text spoken at once: the pause inside a text was measured as 0.31 s.
    """

    def load(self) -> None:
        """Raises InstallationError without espeak-ng, ValueError for a wrong option."""
        all_variants = variants()
        settings.check(self.context.options, [each.name for each in all_variants])
        self._female = frozenset(each.name for each in all_variants if each.gender == "female")
        self._synthesizer = Synthesizer()

    def warm_up(self) -> None:
        """The first voice costs 5-30 ms (espeak-ng reads all voice files), later ones 0.02-0.5 ms, Russian 9-23 ms."""
        for _ in self._synthesizer.speak("a", "gmw/en-US"):
            pass

    def synthesize(self, utterance: Utterance) -> Iterator[bytes]:
        """Yield s16le, 100 ms at a time. Raises UnknownVoiceError, ValueError."""
        manner = settings.manner(utterance.options, utterance.style, utterance.variant, self._female)
        identifier = str(utterance.voice.options["identifier"])
        sounds = [Sounds(each.start, each.end, each.ipa) for each in utterance.pronunciations]
        if utterance.text:
            yield from self._synthesizer.speak(
                utterance.text, identifier, manner.variant, manner.prosody, sounds=sounds
            )
