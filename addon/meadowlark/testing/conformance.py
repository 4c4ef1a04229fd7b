"""The suite that every engine passes. A plugin runs it on its own engine with one line:

    TestMine = conformance.suite("mine")

It goes the way of the server: the plugin is found through its entry point in a process of its own, the engine is loaded
in a worker, sentences go over the worker's socket. One worker serves the whole suite. Plain pytest: no plugin of it, no
configuration.
"""

from __future__ import annotations

import pytest

from ..api import Marker, MarkerKind, Voice
from ..errors import EngineError, LoadError, WorkerError
from ..manifest import problems
from .contract import SAME_SOUND, Contract, fail, same, voice_name
from .lightness import HEAVY, weigh
from .phrases import STRANGE, sentence
from .processes import offspring, process, shared_memory, survivors
from .sound import complaint, difference, listen
from .subject import Leaves, Spoken

HUGE_BYTES = 100_000


class EngineConformance(Contract):
    """Derive from it, or call `suite`, to test an engine. The class attributes are the settings: see Contract."""

    # Found and light

    def test_is_found_without_errors(self) -> None:
        """The plugin is installed, its entry point loads, its hooks run."""
        found = self._found()
        if not found.manifest:
            rows = "\n".join(f"    {row.name} {row.version}: {row.error or 'ok'}" for row in found.registry.rows)
            fail(
                f"No installed plugin registers an engine {self.engine!r}. Plugins here:\n{rows or '    none'}",
                "a distribution with an entry point in the group `meadowlark` registers the engine's manifest",
                "install the plugin into this environment (`pip install -e .`) and compare the ids",
            )
        if found.row and found.row.error:
            fail(
                f"Plugin {found.row.name!r}: {found.row.error}",
                "a plugin is found without any error",
                "see the line above; `meadowlark plugins` shows the same",
            )

    def test_manifest_is_valid(self) -> None:
        """What the core knows of the engine without loading it is complete and right."""
        manifest = self._need_found().manifest
        assert manifest
        wrong = [*problems(manifest)]
        if not manifest.voices:
            wrong.append("no voices: register at least one, in the manifest or in register_voices")
        if wrong:
            fail("The manifest is wrong: " + "; ".join(wrong), "see EngineManifest in meadowlark.api", "correct it")

    def test_import_is_light(self, capsys: pytest.CaptureFixture[str]) -> None:
        """Finding the plugin imports nothing heavy; the time it takes is printed, not judged."""
        row = self._need_found().row
        assert row
        weight = weigh(row.name, row.environment)
        with capsys.disabled():
            print(f"\n{row.name}: found in {weight.seconds * 1000:.0f} ms", end=" ")  # noqa: T201
        if weight.heavy:
            fail(
                "Finding the plugin imports "
                + ", ".join(f"{module} ({place})" for module, place in weight.heavy.items()),
                f"the module of the entry point and the hooks import none of {', '.join(HEAVY)}",
                "import them in the pipeline's module, which only the worker imports; split the file if need be",
            )

    # Speaks

    def test_loads(self) -> None:
        """The pipeline is imported, loaded and warmed up in a worker."""
        try:
            self._subject_now().load()
        except LoadError as error:
            type(self)._broken = str(error)
            fail(
                f"The engine cannot be loaded: {error}",
                f"`load` and `warm_up` succeed on {self.device!r} within {self.load_seconds:g} s",
                "the traceback is in the captured stderr below",
            )

    def test_voice_speaks(self, case: tuple[Voice, str, str, str]) -> None:
        """A sentence in the voice's language is audible, in range, and about as long as speech."""
        voice, language, variant, speaker = case
        text = sentence(language, self.sentences)
        utterance = self._subject_ready().utterance(
            text, voice=voice, language=language, variant=variant, speaker=speaker
        )
        spoken = self._speak(utterance)
        letters = sum(letter.isalnum() for letter in text)
        if wrong := complaint(listen(spoken.pcm, self._rate), letters):
            fail(
                f"{voice_name(self.engine, *case)} saying {text!r} {wrong[0]}",
                "speech is audible, mono, at the manifest's sample_rate, within the range and about as long as speech",
                wrong[1] + "; if the text does not suit the engine, set `sentences`",
            )

    def test_longer_text_is_longer(self) -> None:
        """Text is neither ignored nor cut: three sentences last about three times as long as one."""
        text = self._text()
        once, thrice = self._length(text), self._length(" ".join([text] * 3))
        if not 1.5 <= thrice / once <= 6:
            fail(
                f"{text!r} lasts {once:.2f} s, three times the same in one utterance {thrice:.2f} s",
                "all of `utterance.text` is spoken",
                "look for a limit of tokens or seconds, or a text that is not read",
            )

    def test_same_text_has_the_same_length(self) -> None:
        """An engine that samples says so in its manifest; any other one repeats itself."""
        manifest = self._subject_ready().manifest
        if manifest.samples:
            pytest.skip("the manifest says samples=True: lengths may differ")
        text = self._text()
        first, second = self._length(text), self._length(text)
        if not same(first, second):
            fail(
                f"{text!r} lasts {first:.3f} s, then {second:.3f} s",
                "the same text has the same length each time (1 % or 20 ms), or the manifest says samples=True",
                "set samples=True if the engine draws random numbers; else look for state that outlives an utterance",
            )

    def test_streams_if_it_says_so(self) -> None:
        """`streaming` in the manifest is true."""
        if not self._subject_ready().manifest.streaming:
            pytest.skip("the manifest says streaming=False")
        text = self._sentence_text()
        spoken = self._speak(self._subject_ready().utterance(text))
        if spoken.chunks < 2:
            fail(
                f"{len(text)} characters came as one chunk of {spoken.seconds:.1f} s",
                "streaming=True: the pipeline yields before the whole sentence is computed",
                "yield parts as they are computed, or leave `streaming` out of the manifest",
            )

    # Stops

    def test_cancel(self, leaves: Leaves) -> None:
        """When the listener leaves, the worker is soon free, and well."""
        subject = self._subject_ready()
        worker = subject.load()
        utterance = subject.utterance(self._sentence_text())
        took = float("inf")
        for _ in range(3):  # a busy machine may be late, not three times
            took = min(took, subject.cancel(utterance, leaves))
            if took <= self.cancel_seconds or not subject.survived(worker):
                break
        if not subject.survived(worker):
            fail(
                "The worker is gone: it did not stop speaking and was killed, or it died",
                f"a cancelled sentence ends within {self.cancel_seconds:g} s",
                "the core can only cancel between chunks: yield more often; and do not wait in `finally`",
            )
        if took > self.cancel_seconds:
            fail(
                f"It took {took:.2f} s (best of three) until a cancelled sentence of {len(utterance.text)} characters "
                "ended",
                f"a cancelled sentence ends within {self.cancel_seconds:g} s",
                "the core can only cancel between chunks: yield more often, smaller pieces",
            )
        self._require_well("after a cancelled sentence")

    # Speaks to several

    def test_speaks_to_several_at_a_time(self) -> None:
        """Sentences that are spoken at the same time are what they are alone."""
        texts = self._texts_together()
        subject = self._subject_ready()
        alone = [self._speak(subject.utterance(text)) for text in texts]
        for text, one, other in zip(texts, alone, self._together(texts), strict=True):
            if not other.seconds or not (subject.manifest.samples or difference(one.pcm, other.pcm) <= SAME_SOUND):
                fail(
                    f"{text[:60]!r} lasts {one.seconds:.3f} s alone and {other.seconds:.3f} s in company; the sounds "
                    f"differ by {difference(one.pcm, other.pcm):.1%}",
                    "what a sentence sounds like does not depend on who else is being spoken (5 % of its loudness), or "
                    "the manifest says samples=True",
                    "look for state that sentences share: a sampler, a seed, positions, the tail of a vocoder",
                )

    def test_leaves_the_others_alone(self) -> None:
        """One listener leaves, one sentence is strange: the others hear all of theirs."""
        texts = self._texts_together()
        subject = self._subject_ready()
        worker = subject.load()
        whole = self._together(texts)[1:]
        utterances = [subject.utterance(text) for text in (self._sentence_text(), *texts[1:])]
        strange = [subject.utterance(text) for text in (STRANGE["emoji"], *texts[1:])]
        for what, found in (
            ("a listener left", subject.speak_together(utterances, leaves=0)[-len(whole) :]),
            ("a sentence was emoji only", subject.speak_together(strange)[1:]),
        ):
            for one, other in zip(whole, found, strict=True):
                if isinstance(other, WorkerError) or not (subject.manifest.samples or same(one.seconds, other.seconds)):
                    fail(
                        f"While {what}, another sentence came to {other}",
                        "a sentence ends, fails and is cancelled by itself",
                        "each generator gives its place back in `finally`, and nothing else",
                    )
        if not subject.survived(worker):
            fail("The worker is gone", "one listener's leaving ends his sentence and nothing else", "see above")
        self._require_well("after sentences were spoken together")

    def _texts_together(self) -> list[str]:
        """As many as it speaks at a time, of several lengths; skips for an engine that speaks one."""
        places = self._subject_ready().load().loaded.places
        if places < 2:
            pytest.skip("it speaks one sentence at a time here")
        return [" ".join([self._text()] * (1 + number % 3)) for number in range(places)]

    def _together(self, texts: list[str]) -> list[Spoken]:
        subject = self._subject_ready()
        found = subject.speak_together([subject.utterance(text) for text in texts])
        for each in found:
            if isinstance(each, WorkerError):
                fail(
                    f"{len(texts)} sentences at a time: {each}",
                    f"max_batch {subject.manifest.max_batch}: so many `synthesize` generators may be open at a time",
                    "see *Several sentences at a time* in the authors' page",
                )
        return [each for each in found if isinstance(each, Spoken)]

    # Markers

    def test_marker(self, marker: Marker) -> None:
        """A marker is taken out of the text, accepted by the pipeline, and not spoken."""
        self._check_lifted(marker)
        subject = self._subject_ready()
        text = self._text()
        worker = subject.load()
        plain = self._plain_length(text)
        marked = self._speak(subject.utterance(text, marker=marker, event_at=len(text)), f"with marker {marker.name!r}")
        if marked.seconds < 0.4 * plain:
            fail(
                f"{text!r} lasts {plain:.2f} s, with marker {marker.name!r} {marked.seconds:.2f} s",
                "a marker changes how the words are said; all words are still said",
                f"see what the pipeline does with {marker.native!r}",
            )
        if marker.kind is MarkerKind.EVENT:
            self._check_alone(marker)
        else:
            self._check_not_spoken(marker, text, plain, marked.seconds)
        if not subject.survived(worker):
            fail(f"The worker died of marker {marker.name!r}", "every marker of the manifest is accepted", "see above")
        self._require_well(f"after marker {marker.name!r}")

    def _check_lifted(self, marker: Marker) -> None:
        """The core's front end finds the marker by all of its names, and leaves none of them in the text."""
        text = self._text()
        plain = self._front_end(text)
        for name in (marker.name, *marker.aliases):
            for written in (f"({name}) {text}", f"[{name.title()}] {text}"):
                marked = self._front_end(written)
                if [each.text for each in marked if each.text] != [each.text for each in plain]:
                    fail(
                        f"{written!r} reaches the pipeline as {[each.text for each in marked]}",
                        "a marker never reaches the pipeline as text",
                        f"choose another name for {name!r}: letters and single spaces are found in brackets",
                    )
                styles = {each.style.name for each in marked if each.style}
                events = {event.name for each in marked for event in each.events}
                if marker.name not in (styles if marker.kind is MarkerKind.STYLE else events):
                    fail(
                        f"{written!r} gives the styles {sorted(styles)} and the events {sorted(events)}",
                        f"{name!r} means the engine's own marker {marker.name!r}",
                        "another marker or the portable vocabulary has that name: use the vocabulary's name for it",
                    )

    def _check_alone(self, marker: Marker) -> None:
        """An event may come without any words."""
        subject = self._subject_ready()
        try:
            subject.speak(subject.utterance("", marker=marker))
        except EngineError as error:
            fail(
                f"The event {marker.name!r} without words: {error}",
                "`utterance.text` may be empty when there is an event to make: sound or silence, no error",
                "treat an empty text apart; yield nothing if the event needs words around it",
            )

    def _check_not_spoken(self, marker: Marker, text: str, plain: float, marked: float) -> None:
        """A style stretches what is said; a name that is spoken adds the same to a short and a long text.

        With s = stretch * n + added for two texts, `added` is told apart from any change of rate.
        """
        subject = self._subject_ready()
        if subject.manifest.samples:
            return  # its lengths wander by more than a word
        long = " ".join([text] * 3)
        plain_long = self._plain_length(long)
        if plain_long < 1.5 * plain:
            return  # test_longer_text_is_longer says it
        marked_long = self._speak(subject.utterance(long, marker=marker)).seconds
        added = marked - plain * (marked_long - marked) / (plain_long - plain)
        name = self._plain_length(f"{marker.name}. {text}") - plain
        if added > max(0.6 * name, 0.25):
            fail(
                f"Marker {marker.name!r} adds {added:.2f} s to any text; saying its name takes {name:.2f} s",
                "a marker is never spoken",
                f"listen to it; does the pipeline put {marker.native!r} into the text of a model that reads it aloud?",
            )

    # Survives

    def test_survives(self, strange: str) -> None:
        """Strange text gives sound or a clean error, and the same worker goes on."""
        subject = self._subject_ready()
        worker = subject.load()
        what = f"{strange} ({STRANGE[strange][:40]!r})"
        try:
            subject.speak(subject.utterance(STRANGE[strange]), enough=1.0)
        except EngineError as error:
            if not subject.survived(worker):
                fail(
                    f"The worker did not survive {what}: {error}",
                    "any text gives sound or an exception; the worker lives on",
                    "raise ValueError for what cannot be spoken; clean the text before native code sees it",
                )
        self._require_well(f"after {what}")

    def test_survives_a_huge_text(self) -> None:
        """100 kB through the core's front end: the first, the longest and the last sentence are spoken."""
        subject = self._subject_ready()
        text = self._text() + " "
        huge = text * (HUGE_BYTES // len(text.encode()) + 1)
        sentences = [each.text for each in self._front_end(huge) if each.text]
        for each in {sentences[0], max(sentences, key=len), sentences[-1]}:
            self._speak(subject.utterance(each), f"saying {len(each)} characters of a text of 100 kB")
        self._require_well("after a huge text")

    # Leaves nothing behind

    def test_two_workers_at_once(self) -> None:
        """A second process loads while the first is resident, and both speak at the same time."""
        if not self.two_at_once:
            pytest.skip("two_at_once is False")
        subject = self._subject_ready()
        text = self._text()
        try:
            first, second = subject.speak_at_once(subject.utterance(text))
        except EngineError as error:
            fail(
                f"Two workers at once: {error}",
                "several processes may load the engine at the same time (a reload, a second server)",
                "look for lock files, fixed ports, caches written in `data_dir` without an atomic rename",
            )
        if not subject.manifest.samples and not same(first.seconds, second.seconds):
            fail(
                f"{text!r} lasts {first.seconds:.3f} s in one worker and {second.seconds:.3f} s in another",
                "the same text has the same length in every process, or the manifest says samples=True",
                "look for state that is loaded from disk half written, or seeds that depend on the process",
            )

    def test_ends_in_mid_sentence(self) -> None:
        """An eviction while it speaks is over soon."""
        subject = self._subject_ready()
        try:
            took = subject.stop_in_mid_sentence(subject.utterance(self._sentence_text()))
        except EngineError as error:
            fail(f"It could not begin to speak: {error}", "see test_voice_speaks", "see test_voice_speaks")
        if took > self.end_seconds:
            fail(
                f"The worker was gone {took:.1f} s after it was told to end",
                f"a worker ends within {self.end_seconds:g} s, in mid-sentence too",
                "look for native code that blocks signals or the end of the process",
            )

    def test_leaves_nothing_behind(self) -> None:
        """When the worker ends, so do its children, and its shared memory is gone."""
        subject = self._subject_ready()
        self._speak(subject.utterance(self._text()))
        pid = subject.load().pid
        itself = process(pid)
        family = ((itself,) if itself else ()) + offspring(pid)
        mapped = shared_memory(pid)
        how = subject.stop()
        if left := survivors(family, self.end_seconds):
            fail(
                f"The worker ended ({how}); still alive: " + ", ".join(f"{each.name} ({each.pid})" for each in left),
                "when the worker ends, so do all processes that the engine started: its memory is wanted",
                "start children with PR_SET_PDEATHSIG, or have them end when a pipe from the worker closes",
            )
        if leftover := [path for path in mapped if path.exists()]:
            fail(
                f"The worker ended ({how}); left in shared memory: {', '.join(map(str, leftover))}",
                "when the worker ends, all of its memory is free again",
                "unlink shared memory as soon as it is mapped; a worker may be killed at any time",
            )


def suite(engine: str, **settings: object) -> type[EngineConformance]:
    """A test class for an engine; `settings` are the attributes of Contract. Name it Test…"""
    known = sorted(name for name in Contract.__annotations__ if not name.startswith("_"))
    unknown = sorted(settings.keys() - set(known))
    if unknown:
        raise TypeError(f"no setting {', '.join(unknown)}; there are {', '.join(known)}")
    return type(f"Test_{engine}", (EngineConformance,), {"engine": engine, **settings})
