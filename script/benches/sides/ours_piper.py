"""Our Piper pipeline."""

from pathlib import Path

from loop import serve

from meadowlark.api import PipelineContext, Utterance
from meadowlark_piper.files import find
from meadowlark_piper.pipeline import PiperPipeline
from meadowlark_piper.voices import voices_of


class Ours:
    def __init__(self, model, data):
        path = Path(model)
        voices = (voice for found in find([path.parent], print) for voice in voices_of(found))
        self.voice = next(voice for voice in voices if voice.id == path.stem)
        self.pipeline = PiperPipeline(PipelineContext("piper", data_dir=Path(data), options={"threads": 2}))
        self.pipeline.load()

    def speak(self, text):
        options = {"sentence_silence": 0, **self.voice.options}
        for chunk in self.pipeline.synthesize(Utterance(text, self.voice, "en-US", options=options)):
            yield len(chunk), 22050


serve(Ours)
