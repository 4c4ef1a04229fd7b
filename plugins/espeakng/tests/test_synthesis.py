from __future__ import annotations

import subprocess
import sys
import textwrap
import threading

import pytest

from meadowlark_espeakng.errors import EspeakError, UnknownVoiceError
from meadowlark_espeakng.library import Library, Word
from meadowlark_espeakng.synthesis import AHEAD, BLOCK_MS, Prosody, Synthesizer

EN = "gmw/en-US"
FIXED = "klatt4"  # its audio has the same length each time; that of other variants varies by up to 1 %
SENTENCE = "The quick brown fox jumps over the lazy dog, and then it sleeps."


def audio(
    synthesizer: Synthesizer, text: str = SENTENCE, voice: str = EN, variant: str = FIXED, **more: object
) -> bytes:
    return b"".join(synthesizer.speak(text, voice, variant, **more))  # type: ignore[arg-type]


def seconds(pcm: bytes) -> float:
    return len(pcm) / 2 / 22050


def run_python(code: str) -> None:
    """In a process of its own: what goes wrong inside a C library must not take the tests with it."""
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True, timeout=50)


def test_blocks_come_while_the_rest_is_not_made_yet(synthesizer: Synthesizer) -> None:
    blocks = synthesizer.speak(SENTENCE * 200, EN)
    first = next(blocks)
    assert seconds(first) == pytest.approx(BLOCK_MS / 1000, rel=0.01)
    assert synthesizer.sample_rate == 22050
    blocks.close()


def test_at_most_so_much_is_made_ahead() -> None:
    made = 0

    def count(audio: bytes, words: object) -> bool:
        nonlocal made
        made += 1
        return True

    synthesizer = Synthesizer()
    library = synthesizer._thread.library
    real = library.synthesize

    def counting(text: str, on_block: object, **more: object) -> None:
        real(text, lambda pcm, words: count(pcm, words) and on_block(pcm, words), **more)  # type: ignore[operator, arg-type]

    library.synthesize = counting  # type: ignore[assignment, method-assign]
    blocks = synthesizer.speak(SENTENCE * 100, EN)
    for _ in range(5):
        next(blocks)
    threading.Event().wait(0.1)
    assert made <= AHEAD + 6
    blocks.close()


@pytest.mark.parametrize("taken", [0, 1, 3, 10, AHEAD + 5])
@pytest.mark.parametrize("text", [SENTENCE * 30, "你好，world! " * 60, "[[ oh ]] " * 300], ids=["en", "zh", "brackets"])
def test_closing_stops_at_once_and_leaves_nothing_behind(synthesizer: Synthesizer, taken: int, text: str) -> None:
    voice = "sit/cmn" if "你" in text else EN
    before = len(audio(synthesizer))
    blocks = synthesizer.speak(text, voice)
    for _ in range(taken):
        next(blocks)
    blocks.close()
    assert len(audio(synthesizer)) == before


def test_an_abandoned_generator_stops_too(synthesizer: Synthesizer) -> None:
    next(synthesizer.speak(SENTENCE * 100, EN))
    assert audio(synthesizer)


def test_a_second_utterance_at_the_same_time_is_an_error(synthesizer: Synthesizer) -> None:
    blocks = synthesizer.speak(SENTENCE * 20, EN)
    next(blocks)
    with pytest.raises(EspeakError, match="still speaking"):
        next(synthesizer.speak("Me too.", EN))
    blocks.close()
    assert audio(synthesizer)


def test_words_are_told_before_they_are_heard(synthesizer: Synthesizer) -> None:
    text = "Hello 😀 big world."
    words: list[Word] = []
    heard = 0
    for block in synthesizer.speak(text, EN, on_word=words.append):
        heard += len(block) // 2
        assert all(word.sample <= heard for word in words)
    said = [text[word.position : word.position + word.length] for word in words]
    assert said[0] == "Hello"
    assert said[-2:] == ["big", "world"]
    assert [word.sample for word in words] == sorted(word.sample for word in words)


def test_what_on_word_raises_comes_out(synthesizer: Synthesizer) -> None:
    def fail(word: Word) -> None:
        raise KeyError(word.position)

    with pytest.raises(KeyError):
        list(synthesizer.speak("Hello.", EN, on_word=fail))
    assert audio(synthesizer)


def test_what_on_block_raises_comes_out(library: Library) -> None:
    library.set_voice(EN)
    with pytest.raises(KeyError):
        library.synthesize("Hello.", lambda pcm, words: {}["missing"])


@pytest.mark.parametrize(
    ("voice", "variant"), [("gmw/xx", ""), ("nonsense", ""), ("", ""), (EN, "f99"), (EN, "../f2"), ("gmw/xx", "f2")]
)
def test_an_unknown_voice_or_variant_is_an_error_and_not_another_voice(
    synthesizer: Synthesizer, voice: str, variant: str
) -> None:
    before = len(audio(synthesizer))
    with pytest.raises(UnknownVoiceError, match="has no v"):
        audio(synthesizer, voice=voice, variant=variant)
    assert len(audio(synthesizer)) == before


def test_prosody_is_heard_and_does_not_stay(synthesizer: Synthesizer) -> None:
    plain = audio(synthesizer)
    assert seconds(audio(synthesizer, prosody=Prosody(rate=80))) > 1.5 * seconds(plain)
    assert seconds(audio(synthesizer, prosody=Prosody(rate=450))) < 0.6 * seconds(plain)
    assert seconds(audio(synthesizer, prosody=Prosody(word_gap=20))) > seconds(plain) + 1
    assert len(audio(synthesizer)) == len(plain)


CRASHES = {
    "Annie": {0: 85, 15: 95},
    "Demonic": {0: 64, 15: 70, 30: 77, 50: 89},
    "Henrique": {0: 94},
    "Hugo": {0: 94},
    "rob": {0: 68, 15: 74, 30: 83, 50: 97},
    "robert": {0: 92},
    "shelby": {0: 89},
}
"""Variant → {pitch: least range at which espeak-ng 1.52 crashed}, found by bisection."""


@pytest.mark.parametrize("variant", CRASHES)
def test_a_range_that_espeak_cannot_bear_is_narrowed(library: Library, variant: str) -> None:
    library.set_voice(EN, variant)
    for pitch, crashes in CRASHES[variant].items():
        assert 50 <= library.widest_range(pitch) <= crashes - 5


def test_a_usual_voice_keeps_its_range(library: Library) -> None:
    for variant in ("", "f2", "m3"):
        library.set_voice(EN, variant)
        assert library.widest_range(0) >= 78
        assert library.widest_range(50) == 99


def test_the_widest_range_at_the_lowest_pitch_does_not_crash() -> None:
    run_python(f"""
        from meadowlark_espeakng.synthesis import Prosody, Synthesizer
        synthesizer = Synthesizer()
        for variant in {list(CRASHES)}:
            for pitch in (0, 15, 30, 50):
                for text in ("9" * 200, "Did you really say that? Yes! No. Well; maybe: \\"12,345\\"... " * 3):
                    prosody = Prosody(pitch=pitch, range=99)
                    assert b"".join(synthesizer.speak(text, "roa/ca-nw", variant, prosody))
    """)


def test_the_pause_after_a_sentence(synthesizer: Synthesizer) -> None:
    with_pause, without = audio(synthesizer), audio(synthesizer, end_pause=False)
    assert seconds(with_pause) - seconds(without) == pytest.approx(0.3, abs=0.05)


STRANGE = {
    "nothing": "",
    "space": " \t\n ",
    "NUL": "before\0after",
    "lone surrogate": "one \ud83d two \udc00",
    "controls": "".join(map(chr, range(32))) + "\x7f\x85",
    "private use": "\ue000\uf001\uf8ff x",
    "noncharacters": "\ufffe\uffff\U0010ffff x",
    "combining": "e" + "\u0301" * 500,
    "right to left": "\u202eabc\u202c شلوم",
    "SSML": "<speak><prosody rate='x-fast'>Hello</prosody><audio src='/etc/passwd'/></speak>",
    "no end of a tag": "<" * 300,
    "brackets": "[[h@l'oU]] [[ unclosed",
    "backslashes": "\\\\x01\\n%s%n%d",
    "one long word": "a" * 5000,
    "digits": "9" * 3000,
    "emoji": "👩‍👩‍👧‍👦🏳️‍🌈" * 20,
    "scripts": "Ελληνικά русский 中文 日本語 한국어 العربية हिन्दी ไทย ქართული",
}


@pytest.mark.parametrize("text", STRANGE.values(), ids=STRANGE.keys())
def test_strange_text_is_spoken_or_passed_over(synthesizer: Synthesizer, text: str) -> None:
    before = len(audio(synthesizer))
    pcm = audio(synthesizer, text)
    assert pcm
    assert len(pcm) % 2 == 0
    assert len(audio(synthesizer)) == before


def test_nul_does_not_end_the_text(synthesizer: Synthesizer) -> None:
    assert len(audio(synthesizer, "one\0two three four.")) == len(audio(synthesizer, "one two three four."))


def test_an_embedded_command_is_text(synthesizer: Synthesizer) -> None:
    """U+0001 "50S" sets the speed in espeak-ng, for all that follows."""
    assert len(audio(synthesizer, "\x0150S slowly.")) == len(audio(synthesizer, " 50S slowly."))


def test_markup_is_text(synthesizer: Synthesizer) -> None:
    hello = seconds(audio(synthesizer, "Hello."))
    assert hello + 1 < seconds(audio(synthesizer, "<break time='5s'/>Hello.")) < hello + 4  # its words, not its pause
    spoken = seconds(audio(synthesizer, "[[h@l'oU]]."))
    assert spoken > 1.5 * seconds(audio(synthesizer, "Hello."))  # its letters, not the word that they transcribe


def test_a_text_of_one_megabyte_begins_at_once_and_can_be_stopped(synthesizer: Synthesizer) -> None:
    blocks = synthesizer.speak("word " * 200_000, EN)
    assert sum(len(next(blocks)) for _ in range(100)) > 20 * 22050
    blocks.close()
    assert audio(synthesizer)


def test_two_libraries_speak_in_two_threads_at_once() -> None:
    run_python("""
        import threading
        from meadowlark_espeakng.synthesis import Synthesizer
        texts = {"gmw/en-US": "The quick brown fox jumps.", "gmw/de": "Franz jagt im komplett verwahrlosten Taxi."}
        expected = {voice: len(b"".join(Synthesizer().speak(text, voice, "klatt4"))) for voice, text in texts.items()}
        wrong = []
        def work(voice, text):
            synthesizer = Synthesizer()
            for _ in range(100):
                if len(b"".join(synthesizer.speak(text, voice, "klatt4"))) != expected[voice]:
                    wrong.append(voice)
        threads = [threading.Thread(target=work, args=item) for item in texts.items() for _ in range(2)]
        for each in threads: each.start()
        for each in threads: each.join()
        assert not wrong, wrong
    """)


def test_a_fork_after_the_import_and_a_fork_in_mid_sentence() -> None:
    run_python("""
        import os, warnings
        warnings.simplefilter("ignore")  # 3.12+ warns of forks with threads; that is the case under test
        from meadowlark_espeakng.phonemes import Phonemizer
        from meadowlark_espeakng.synthesis import Synthesizer

        def in_child(do):
            pid = os.fork()
            if pid == 0:
                os._exit(0 if do() else 7)
            assert os.waitpid(pid, 0)[1] == 0

        def speaks(synthesizer=None):
            return len(b"".join((synthesizer or Synthesizer()).speak("Hello.", "gmw/en-US"))) > 20000

        in_child(speaks)
        synthesizer, phonemizer = Synthesizer(), Phonemizer()
        blocks = synthesizer.speak("Hello. " * 500, "gmw/en-US")
        next(blocks)
        phonemizer.phonemes("Hello.", "gmw/en-US")
        phonemizer._lock.acquire()
        in_child(lambda: speaks(synthesizer))
        in_child(lambda: phonemizer.phonemes("Hello.", "gmw/en-US") == "həlˈoʊ.")
        assert len(list(blocks)) > 100
    """)


def test_where_memory_files_may_not_be_executed_a_temporary_file_serves() -> None:
    run_python("""
        import os, tempfile
        def forbidden(*arguments):
            raise PermissionError("no memory files here")
        os.memfd_create = forbidden
        from meadowlark_espeakng.synthesis import Synthesizer
        assert b"".join(Synthesizer().speak("Hello.", "gmw/en-US"))
        assert not [each for each in os.listdir(tempfile.gettempdir()) if each.startswith(f"meadowlark-{os.getpid()}-")]
    """)


def test_the_process_may_end_in_mid_sentence() -> None:
    run_python("""
        from meadowlark_espeakng.synthesis import Synthesizer
        synthesizer = Synthesizer()
        blocks = synthesizer.speak("Hello. " * 500, "gmw/en-US")
        next(blocks)
    """)


def test_a_synthesizer_that_nobody_has_ends_its_thread() -> None:
    before = set(threading.enumerate())
    synthesizer = Synthesizer()
    assert audio(synthesizer)
    [its] = (each for each in threading.enumerate() if each not in before and each.name == "espeak-ng")
    del synthesizer
    assert not its.is_alive()
