"""kokoro-onnx, from phonemes."""

from pathlib import Path

from kokoro_onnx import Kokoro
from loop import serve


class Theirs:
    def __init__(self, folder):
        self.kokoro = Kokoro(str(Path(folder) / "kokoro-v1.0.onnx"), str(Path(folder) / "voices-v1.0.bin"))
        self.speak([" ".join(["ðə lˈIts"] * 2)])

    def speak(self, runs, quality=""):
        how = {"is_phonemes": True, "trim": False, "sentence_pause": 0.0, "clause_pause": 0.0}
        audio, rate = self.kokoro.create(" ".join(runs), "af_heart", **how)
        yield len(audio), rate


serve(Theirs)
