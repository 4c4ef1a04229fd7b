"""piper-tts."""

from loop import serve
from piper import PiperVoice


class Theirs:
    def __init__(self, model):
        self.voice = PiperVoice.load(model)

    def speak(self, text):
        for chunk in self.voice.synthesize(text):
            yield len(chunk.audio_int16_bytes) // 2, chunk.sample_rate


serve(Theirs)
