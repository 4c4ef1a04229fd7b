"""Our Kokoro pipeline, from phonemes: both sides shall speak the same."""

from pathlib import Path

from loop import serve

from meadowlark.api import PipelineContext, Utterance, Voice
from meadowlark_kokoro.pipeline import KokoroPipeline


class Ours:
    def __init__(self, folder, data, **options):
        context = PipelineContext(
            "kokoro", data_dir=Path(data), voice_dir=Path(folder), options={"threads": 2, **options}
        )
        self.pipeline = KokoroPipeline(context)
        self.pipeline.load()
        self.pipeline.warm_up()
        self.pipeline._spell.runs = lambda text, _: text.split("|")

    def speak(self, runs, quality):
        voice = Voice("af_heart", ("en-US",), options={"blend": "af_heart"})
        options = {"blend": "af_heart", "quality": quality}
        for chunk in self.pipeline.synthesize(Utterance("|".join(runs), voice, "en-US", options=options)):
            yield len(chunk), 24000


serve(Ours)
