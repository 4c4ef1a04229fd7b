from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise, zip_longest
from pathlib import Path

import numpy as np
import pytest

import meadowlark_kokoro
from meadowlark.api import PipelineContext, Utterance, Value, Voice
from meadowlark.catalog import Catalog, VoiceRequest
from meadowlark.manifest import problems
from meadowlark.plugins import Registry
from meadowlark_kokoro import doubles
from meadowlark_kokoro.errors import ModelFileError
from meadowlark_kokoro.files import Found, look
from meadowlark_kokoro.model import Speech
from meadowlark_kokoro.pipeline import FADE, KEPT_FRAMES, KNEE, KokoroPipeline, _limited, _trimmed
from meadowlark_kokoro.timings import Word, words
from meadowlark_kokoro.voices import PUBLISHED, language_of

TEXT = "The lights in the living room are on, and nobody is at home."
LONG = "The lights in the living room are on, and nobody has been at home since the early afternoon of yesterday."


def registered(voice_dir: Path) -> dict[str, Voice]:
    voices: dict[str, Voice] = {}
    meadowlark_kokoro.register_voices(lambda _, voice: voices.setdefault(voice.id, voice), voice_dir)
    return voices


def opened(voice_dir: Path, data: Path, **options: Value) -> KokoroPipeline:
    pipeline = KokoroPipeline(PipelineContext("kokoro", data_dir=data, voice_dir=voice_dir, options=options))
    pipeline.load()
    return pipeline


def test_the_published_voices_in_nine_languages(tmp_path: Path) -> None:
    voices = registered(tmp_path)
    assert tuple(voices) == PUBLISHED
    assert len(voices) == 54
    languages: dict[str, int] = {}
    for voice in voices.values():
        languages[voice.languages[0]] = languages.get(voice.languages[0], 0) + 1
    assert languages == {
        "en-US": 20,
        "en-GB": 8,
        "es-ES": 3,
        "fr-FR": 1,
        "hi-IN": 4,
        "it-IT": 2,
        "ja-JP": 5,
        "pt-BR": 3,
        "zh-CN": 8,
    }
    assert voices["af_heart"].name == "Heart, female"
    assert voices["bm_george"].name == "George, male"
    manifest = replace(meadowlark_kokoro.manifest(), voices=tuple(voices.values()))
    assert not list(problems(manifest))


def test_without_files_voices_name_what_to_download(tmp_path: Path) -> None:
    fp32, fp16, pack = registered(tmp_path)["af_sky"].assets
    assert (fp32.path, fp32.option, fp32.value) == ("onnx/model.onnx", "model", "fp32")
    assert fp16.value == "fp16"
    assert (pack.path, pack.bytes) == ("voices/af_sky.bin", 522_240)


def test_with_files_there_is_nothing_to_download(voice_dir: Path) -> None:
    voices = registered(voice_dir)
    assert list(voices) == ["af_heart", "af_sky", "bf_emma", "jf_alpha"]
    assert not any(voice.assets for voice in voices.values())


def test_voices_are_listed_where_what_reads_their_language_is_there(tmp_path: Path) -> None:
    for name, voice in registered(tmp_path).items():
        remedy = language_of(name).remedy
        assert voice.advertised == (not remedy)
        assert (f"(needs {remedy})" in voice.name) == bool(remedy)


def test_blends_by_name_and_from_the_file(tmp_path: Path) -> None:
    doubles.write(tmp_path)
    (tmp_path / "blends.txt").write_text("warm = af_heart*0.7 + bf_emma*0.3\n")
    voices = registered(tmp_path)
    assert voices["warm"].languages == ("en-US",)
    house = Catalog(Registry((replace(meadowlark_kokoro.manifest(), voices=tuple(voices.values())),)))
    choice = house.resolve(VoiceRequest("kokoro/af_heart+af_sky"))
    assert (choice.voice.id, choice.variant) == ("af_heart", "af_sky")
    assert house.resolve(VoiceRequest("warm")).voice.options["blend"] == "af_heart*0.7+bf_emma*0.3"


def test_wrong_blends_are_told_and_the_voices_registered(tmp_path: Path) -> None:
    doubles.write(tmp_path)
    (tmp_path / "blends.txt").write_text("bad = af_ghost + af_sky\nzero = af_sky*0\n")
    voices: list[str] = []
    with pytest.raises(ModelFileError, match="blend bad needs af_ghost") as caught:
        meadowlark_kokoro.register_voices(lambda _, voice: voices.append(voice.id), tmp_path)
    assert "add up to 0" in str(caught.value)
    assert voices == ["af_heart", "af_sky", "bf_emma", "ff_siwis"]


def test_a_voice_of_v11_zh_is_spoken_by_its_own_model() -> None:
    models = tuple(Path(f"kokoro-{name}.onnx") for name in ("v1.0", "v1.1-zh", "v1.0.fp16"))
    voices = {"af_heart": Path("voices-v1.0.bin"), "zf_001": Path("voices-v1.1-zh.bin")}
    found = Found(models, voices)
    assert found.model_for("zf_001").stem == "kokoro-v1.1-zh"
    assert found.model_for("af_heart").stem == found.model_for("").stem == "kokoro-v1.0"
    assert Found(models[:1], voices).model_for("zf_001") == models[0]


def test_models_are_preferred_by_precision(tmp_path: Path) -> None:
    for name in (
        "kokoro-v1.0.int8.onnx",
        "kokoro-v1.0.fp16.onnx",
        "kokoro-v1.0.onnx",
        "whisper.onnx",
        "model_q8f16.onnx",
    ):
        (tmp_path / name).write_bytes(b"")
    found = [path.name for path in look([tmp_path]).models]
    assert found[:2] == ["kokoro-v1.0.onnx", "kokoro-v1.0.fp16.onnx"]
    assert "whisper.onnx" not in found


def test_other_programs_bin_files_are_no_voices(tmp_path: Path) -> None:
    (tmp_path / "pytorch_model.bin").write_bytes(b"\x80\x02" + bytes(1000))
    assert not look([tmp_path]).voices


@pytest.mark.parametrize("quality", ["fast", "balanced", "quality", "auto"])
def test_qualities(pipeline: KokoroPipeline, utter: Callable[..., Utterance], quality: str) -> None:
    chunks = list(pipeline.synthesize(utter(LONG, quality=quality)))
    assert (len(chunks) > 1) == (quality == "fast")


def test_auto_takes_windows_where_the_whole_would_be_waited_for(
    pipeline: KokoroPipeline, utter: Callable[..., Utterance], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "_speed_of_work", 0.5)
    assert len(list(pipeline.synthesize(utter(LONG)))) > 1
    monkeypatch.setattr(pipeline, "_speed_of_work", 0.5)
    assert len(list(pipeline.synthesize(utter("Hi.")))) == 1


def test_windows_and_the_whole_are_equally_long(say: Callable[..., np.ndarray]) -> None:
    assert len(say(LONG, quality="fast")) == len(say(LONG, quality="balanced"))


def test_speed_volume_and_silence(say: Callable[..., np.ndarray]) -> None:
    plain = say(TEXT)
    assert len(say(TEXT, speed=2)) < 0.7 * len(plain) < len(plain) < 0.7 * len(say(TEXT, speed=0.5))
    assert np.allclose(say(TEXT, volume=0.5), plain / 2, atol=1e-6)
    assert len(say(TEXT, sentence_silence=1)) == len(plain) + 24000


def test_voices_and_blends_differ(say: Callable[..., np.ndarray]) -> None:
    heart, sky, both = say(TEXT), say(TEXT, "af_sky"), say(TEXT, "af_heart+af_sky")
    assert not np.array_equal(heart, sky)
    assert not np.array_equal(heart, both)
    assert np.array_equal(say(TEXT, "af_heart", "af_sky"), both)


def test_the_style_follows_the_number_of_tokens(
    pipeline: KokoroPipeline, utter: Callable[..., Utterance], monkeypatch: pytest.MonkeyPatch
) -> None:
    styles = []
    assert pipeline._model
    begin = pipeline._model.begin

    def noted(tokens: list[int], style: np.ndarray, speed: float) -> Speech:
        styles.append((len(tokens), style))
        return begin(tokens, style, speed)

    monkeypatch.setattr(pipeline._model, "begin", noted)
    list(pipeline.synthesize(utter(TEXT)))
    ((count, style),) = styles
    assert np.array_equal(style, doubles.pack("af_heart")[count - 1])


def test_the_same_text_has_the_same_samples(say: Callable[..., np.ndarray]) -> None:
    assert np.array_equal(say(TEXT), say(TEXT))


def test_an_unknown_voice_in_a_blend_is_an_error(say: Callable[..., np.ndarray]) -> None:
    with pytest.raises(ModelFileError, match="voice af_ghost is not there"):
        say(TEXT, "af_heart+af_ghost")
    with pytest.raises(ModelFileError, match="add up to 0"):
        say(TEXT, "af_heart*0")


def test_a_text_that_the_voice_cannot_read_is_an_error(say: Callable[..., np.ndarray]) -> None:
    pytest.importorskip("pyopenjtalk", reason="needs meadowlark-kokoro[ja]")
    with pytest.raises(ValueError, match="no sounds for this text; it speaks jpx/ja"):
        say("한국", "jf_alpha")


def test_punctuation_alone_is_a_pause(say: Callable[..., np.ndarray]) -> None:
    assert len(say("?!")) > 0
    assert not say("…").any()
    assert len(say("")) == 0


def test_long_texts_are_spoken_in_runs(say: Callable[..., np.ndarray]) -> None:
    assert len(say(f"{TEXT} " * 8)) > 7 * len(say(TEXT))


def test_word_timings(
    pipeline: KokoroPipeline, utter: Callable[..., Utterance], say: Callable[..., np.ndarray]
) -> None:
    found = list(pipeline.words(utter(f"{TEXT} " * 5)))
    assert [word.symbols for word in found[:4]] == ["ðə", "lˈIts", "ɪnðə", "lˈɪvɪŋ"]
    assert len(found) % 5 == 0
    assert all(one.start < one.end <= other.start for one, other in pairwise(found))
    assert 0 < len(say(f"{TEXT} " * 5)) / 24000 - found[-1].end < 0.5


def test_words_of_a_run() -> None:
    assert list(words("a, bc", [2, 4, 2, 2, 2, 2, 8])) == [Word("a", 0.05, 6 * 0.025), Word("bc", 0.25, 14 * 0.025)]
    with pytest.raises(ValueError, match="2 durations for 2 symbols"):
        list(words("ab", [1, 2]))


def test_the_hiss_of_the_closing_pad_is_cut() -> None:
    durations = np.array([2, 10, KEPT_FRAMES + 8])
    seconds = durations.sum() * 0.025
    speech = Speech({}, durations, float(seconds))
    chunks = np.split(np.ones(round(seconds * 24000), np.float32), [9000])
    assert sum(map(len, _trimmed(iter(chunks), speech))) == (2 + 10 + KEPT_FRAMES) * 600
    assert sum(map(len, _trimmed(iter(chunks), Speech({}, None, float(seconds))))) == sum(map(len, chunks))


def test_windows_of_nothing_but_hiss_are_not_computed() -> None:
    computed = []

    def windows() -> Iterator[np.ndarray]:
        for number in range(4):
            computed.append(number)
            yield np.ones(10 * 600, np.float32)

    speech = Speech({}, np.array([2, 6, 32]), 1.0)
    assert sum(map(len, _trimmed(windows(), speech))) == (2 + 6 + KEPT_FRAMES) * 600
    assert computed == [0, 1]


@pytest.mark.parametrize("at", [[9000], [14_300], [14_390], [14_160, 14_300, 16_000]])
def test_what_is_left_of_the_hiss_fades_however_it_comes(at: list[int]) -> None:
    durations = np.array([2, 10, KEPT_FRAMES + 8])
    chunks = np.split(np.ones(durations.sum() * 600, np.float32), at)
    audio = np.concatenate(list(_trimmed(iter(chunks), Speech({}, durations, durations.sum() * 0.025))))
    assert len(audio) == (2 + 10 + KEPT_FRAMES) * 600 == 14_400
    assert (audio[:-FADE] == 1).all()
    assert np.abs(np.diff(audio)).max() < 0.005
    assert audio[-1] == 0


def test_peaks_bend_and_do_not_clip() -> None:
    audio = np.linspace(-3, 3, 1001, dtype=np.float32)
    limited = _limited(audio)
    assert np.abs(limited).max() <= 1
    quiet = np.abs(audio) <= KNEE
    assert np.array_equal(limited[quiet], audio[quiet])
    assert (np.diff(limited) >= 0).all()


def test_a_model_of_the_model_store_is_open_after_a_reload(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = doubles.write(tmp_path / "store", layout="onnx-community")
    files = {"onnx/model.onnx": str(path), "voices/af_sky.bin": str(tmp_path / "store/voices/af_sky.bin")}
    utterance = Utterance(
        TEXT, Voice("af_sky", ("en-US",), options={"blend": "af_sky"}), "en-US", options={}, files=files
    )
    first = opened(tmp_path / "voices", tmp_path / "data")
    assert sum(map(len, first.synthesize(utterance))) > 24000
    with caplog.at_level(logging.INFO):
        second = opened(tmp_path / "voices", tmp_path / "data")
        assert "Loaded model.onnx" in caplog.text
        caplog.clear()
        list(second.synthesize(utterance))
        assert "Loaded" not in caplog.text
    plain, blended = (
        np.concatenate(list(second.synthesize(replace(utterance, variant=variant)))) for variant in ("", "af_heart")
    )
    assert not np.array_equal(plain, blended)


def test_without_any_model_the_remedy_is_named(tmp_path: Path, utter: Callable[..., Utterance]) -> None:
    pipeline = opened(tmp_path / "voices", tmp_path / "data")
    pipeline.warm_up()
    with pytest.raises(ModelFileError, match="meadowlark pull kokoro"):
        list(pipeline.synthesize(utter(TEXT)))


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("speed", 3, "use a number from 0.5 to 2"),
        ("speed", "fast", "use a number from 0.5 to 2"),
        ("quality", "best", "use one of auto, fast, balanced, quality"),
        ("text_part", "int8", "use one of auto, fp32, uint8"),
        ("threads", True, "use a whole number from 0 to 64"),
        ("tensorrt", "maybe", "use true or false"),
        ("model", False, "model = False: use a file's name; in quotes"),
        ("pitch", 1, "kokoro has no option 'pitch'. It has: speed,"),
        ("model", "kokoro-v9.onnx", "there is no such file; there are kokoro-v1.0.onnx"),
    ],
)
def test_a_wrong_option_is_named_at_load(voice_dir: Path, tmp_path: Path, key: str, value: Value, said: str) -> None:
    with pytest.raises((ValueError, ModelFileError), match=key) as caught:
        opened(voice_dir, tmp_path, **{key: value})
    assert said in str(caught.value)


def test_importing_and_finding_is_light(voice_dir: Path) -> None:
    code = (
        "import sys; from pathlib import Path; import meadowlark_kokoro;"
        f"meadowlark_kokoro.register_voices(lambda *_: None, Path({str(voice_dir)!r}));"
        "heavy = {'numpy', 'onnx', 'onnxruntime', 'ctypes', 'meadowlark_kokoro.pipeline'};"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_sentences_that_take_turns_sound_as_they_do_alone(
    pipeline: KokoroPipeline, utter: Callable[..., Utterance], tmp_path: Path
) -> None:
    """Chunk by chunk, of one model and of another that is opened in between."""
    other = doubles.write(tmp_path, layout="v1.0")
    brought = replace(utter(TEXT, quality="fast"), files={"kokoro-v1.0.onnx": str(other)})
    utterances = [utter(LONG, quality="fast"), brought, utter(TEXT, "af_sky", quality="fast"), utter(TEXT)]
    for each in utterances:
        pipeline.prepare(each)
    alone = [np.concatenate(list(pipeline.synthesize(each))) for each in utterances]
    rounds = list(zip_longest(*(pipeline.synthesize(each) for each in utterances)))
    assert len(rounds) > 3
    for number, whole in enumerate(alone):
        together = np.concatenate([each[number] for each in rounds if each[number] is not None])
        np.testing.assert_allclose(together, whole, atol=1e-6)


@pytest.mark.parametrize(("spare", "openings"), [(0, 5), (100_000_000, 2)])
def test_two_models_stay_open_where_there_is_memory_for_both(
    voice_dir: Path,
    utter: Callable[..., Utterance],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    spare: int,
    openings: int,
) -> None:
    pipeline = KokoroPipeline(PipelineContext("kokoro", data_dir=tmp_path, voice_dir=voice_dir, spare_bytes=spare))
    other = doubles.write(tmp_path / "other", layout="v1.1")
    brought = replace(utter(TEXT, quality="fast"), files={"kokoro-v1.1.onnx": str(other)})
    with caplog.at_level(logging.INFO):
        pipeline.load()
        heard = [
            np.concatenate(list(pipeline.synthesize(each))) for each in (brought, utter(TEXT), brought, utter(TEXT))
        ]
    assert caplog.text.count("Loaded") == openings
    assert bool(pipeline.kept_bytes) == (spare > 0)
    np.testing.assert_array_equal(heard[0], heard[2])
    np.testing.assert_array_equal(heard[1], heard[3])
