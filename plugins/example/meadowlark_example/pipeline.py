"""The pipeline: heavy, imported only in the worker."""

import numpy as np

from meadowlark.api import Pipeline


class Beeps(Pipeline):
    def synthesize(self, utterance):
        volume = (utterance.style or {}).get("volume", 0.5)
        for word in utterance.text.split():
            yield beep(utterance.options["hertz"], volume, seconds=0.1 + 0.03 * min(len(word), 20))


def beep(hertz, volume, seconds):
    time = np.arange(int(16000 * seconds)) / 16000
    tone = volume * np.sin(2 * np.pi * hertz * time) * np.hanning(len(time))
    return tone.astype(np.float32)
