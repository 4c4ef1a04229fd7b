#!/usr/bin/env python3
"""First audio and gaps when several listen to one engine: `script/bench order [--quick]`.

Six satellites (tests/sim/order.py: each asks again some time after it has heard its reply, so that an engine of RTF
0.25 is busy for 50, 80 or 95 % of the time) are served
    fifo      first come, first served
    deadline  whoever runs dry first, newcomers due 1.5 s after they came
    ours      schedule.policy.pick, long sentences cut where others wait (schedule.pieces)
    alternating  schedule.flow.join, whole sentences, on an engine that can turn to another one after each chunk
in the simulation, and for real: ToneEngine workers that sleep as long as an engine of RTF 0.25 works, through the real
Speaker and Supervisor in this process, listeners that play in real time. There all houses run side by side.

`gap_s` is silence within a reply, seconds per reply; `ttfa_*` are seconds from the first whole sentence to its first
audio. The same is simulated for eight satellites (`eight.*`) and for a hotel (`hotel.*`: endlessly many listeners, who
ask whatever happens): there a queue at 80 % load is many seconds long whatever the order, and only admission helps.
"""

from __future__ import annotations

import argparse
import asyncio
import bisect
import itertools
import json
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))

from sim import order

from meadowlark.catalog import Catalog
from meadowlark.errors import RefusedError
from meadowlark.plugins import Registry
from meadowlark.residency.devices import LocalDevices
from meadowlark.residency.supervisor import Supervisor
from meadowlark.schedule.pieces import Speed, longest_piece_chars
from meadowlark.schedule.policy import pick, pick_deadline, pick_first_come
from meadowlark.speech import Speaker, SpeechRequest
from meadowlark.testing.engines import tone_manifest
from meadowlark.worker.environments import Nurseries
from meadowlark.worker.process import Launch, WorkerProcess, start

RTF = 0.25

LOADS = (50, 80, 95)

RULES = {"fifo": pick_first_come, "deadline": pick_deadline, "ours": pick}

ALTERNATING = "alternating"

PLACES = 8
"""For sentences in a worker that alternates between them."""

SECONDS_PER_CHAR = 1 / order.CHARS_PER_SECOND


ROUNDING_SECONDS = 0.2
"""By which the length of what was heard may differ from that of its text."""

TOKEN_SECONDS = 0.05
"""Between the chunks of a text that is being written."""

LAST_WORDS = 60.0
"""Seconds for which replies may go on after the end, so that long ones count as short ones do."""


@dataclass(slots=True)
class Heard:
    """By all listeners of a house."""

    first_audio: list[float] = field(default_factory=list)
    gaps: list[float] = field(default_factory=list)
    refused: int = 0
    """By admission, which is at work in the real houses: too long a line."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replies", type=int, default=20_000, help="simulated, per load and rule")
    parser.add_argument("--seconds", type=float, default=480.0, help="for which the real houses speak; 0 = not at all")
    parser.add_argument("--houses", type=int, default=3, help="real ones per load and rule")
    parser.add_argument("--quick", action="store_true", help="for tests")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.replies, arguments.houses = 60, 1
        arguments.seconds = min(arguments.seconds, 3.0)
    results: dict[str, float] = {}
    _simulated(arguments.replies, results)
    if arguments.seconds:
        loads = LOADS[1:2] if arguments.quick else LOADS
        asyncio.run(_real(loads, arguments.seconds, arguments.houses, results))
    print(json.dumps({"bench": "order", "results": results}))


def _simulated(count: int, results: dict[str, float]) -> None:
    longest = longest_piece_chars(Speed(RTF, seconds_per_char=SECONDS_PER_CHAR), others=1) * SECONDS_PER_CHAR
    kinds = {"": order.house, "eight.": partial(order.house, satellites=8), "hotel.": order.hotel}
    for name, make in kinds.items():
        print(f"Simulated {name.rstrip('.') or 'house of six satellites'}, RTF {RTF}")
        _head()
        for load in LOADS:
            asked = make(load, load / 100, RTF, count if name != "hotel." else count // 4)
            for rule, choose in RULES.items():
                piece = longest if rule == "ours" else float("inf")
                heard = order.simulate(asked, choose, rtf=RTF, longest_piece=piece)
                _row(f"{name}{load}.{rule}", heard.first_audio, heard.gaps, results)
            heard = order.simulate_alternating(asked, rtf=RTF, places=PLACES)
            _row(f"{name}{load}.{ALTERNATING}", heard.first_audio, heard.gaps, results)
            if not name:  # what the cut alone is worth
                heard = order.simulate(asked, pick, rtf=RTF)
                _row(f"{load}.ours_uncut", heard.first_audio, heard.gaps, results)


def _head() -> None:
    print(f"{'load.rule':>20}{'p50 s':>9}{'p95 s':>9}{'worst s':>9}{'gap s':>9}{'with gap':>10}{'replies':>9}")


def _row(name: str, first_audio: Sequence[float], gaps: Sequence[float], results: dict[str, float]) -> None:
    ordered = sorted(first_audio)
    p50, p95 = (ordered[min(len(ordered) - 1, int(share * len(ordered)))] for share in (0.5, 0.95))
    gap, with_gap = statistics.fmean(gaps), sum(each > 0.05 for each in gaps) / len(gaps)
    results[f"gap_s.{name}"] = round(gap, 4)
    results[f"ttfa_p50_s.{name}"] = round(p50, 3)
    results[f"ttfa_p95_s.{name}"] = round(p95, 3)
    print(f"{name:>20}{p50:9.3f}{p95:9.3f}{ordered[-1]:9.2f}{gap:9.4f}{with_gap:10.1%}{len(gaps):9}", flush=True)


async def _real(loads: Sequence[int], seconds: float, houses: int, results: dict[str, float]) -> None:
    """All loads and rules side by side: the engines sleep, so that two cores have time for all of them."""
    print(f"Real processes, {houses} houses per row, {seconds:.0f} s")
    nurseries = Nurseries()
    heard = {(load, rule): Heard() for load in loads for rule in (*RULES, ALTERNATING)}
    begun, used = time.monotonic(), time.process_time()
    try:
        with tempfile.TemporaryDirectory() as folder:
            async with asyncio.TaskGroup() as group:
                for (load, rule), into in heard.items():
                    for number in range(houses):
                        seed = 1000 * number + load
                        group.create_task(_house(seed, load / 100, rule, seconds, into, nurseries, Path(folder)))
    finally:
        await nurseries.close()
    _head()
    for (load, rule), each in heard.items():
        if each.gaps:
            _row(f"real.{load}.{rule}", each.first_audio, each.gaps, results)
            results[f"refused.real.{load}.{rule}"] = each.refused
    print("refused by admission: " + ", ".join(f"{load}.{rule} {heard[load, rule].refused}" for load, rule in heard))
    share = (time.process_time() - used) / (time.monotonic() - begun)
    results["real.core_share"] = round(share, 2)
    print(f"{share:.0%} of one core went into this process")


async def _house(
    seed: int, load: float, rule: str, seconds: float, into: Heard, nurseries: Nurseries, folder: Path
) -> None:
    """One server with one engine and six satellites, until the time is over."""
    manifest = tone_manifest(rtf=RTF, seconds_per_char=SECONDS_PER_CHAR)
    if rule == ALTERNATING:
        manifest = replace(manifest, max_batch=PLACES, alternates=True)
    launch = Launch(
        manifest.id,
        manifest.pipeline,
        manifest.sample_rate,
        preload=manifest.preload,
        data_dir=folder,
        max_batch=manifest.max_batch,
        alternates=manifest.alternates,
    )

    async def begin(launch: Launch) -> WorkerProcess:
        return await start(launch, nurseries)

    supervisor = Supervisor(begin, LocalDevices(), choose=RULES.get(rule, pick))
    supervisor.install([(manifest, launch)])
    speaker = Speaker(Catalog(Registry(engines=(manifest,))), supervisor)
    replies = order.house(seed, load, RTF, 3000)
    if seconds < 10:  # a look whether it works: nobody thinks long
        replies = [replace(each, thinks=each.thinks / 20, sentences=each.sentences[:1]) for each in replies]
    try:
        await _listen(speaker, order.Reply(((0.0, 1.0),)), Heard())  # the load, and a first idea of its speed
        ends_at = time.monotonic() + seconds
        async with asyncio.TaskGroup() as group:
            for satellite in range(max(each.satellite for each in replies) + 1):
                mine = [each for each in replies if each.satellite == satellite]
                group.create_task(_satellite(speaker, mine, ends_at, min(LAST_WORDS, seconds), into))
    finally:
        await supervisor.close()


async def _satellite(
    speaker: Speaker, replies: Sequence[order.Reply], ends_at: float, last_words: float, into: Heard
) -> None:
    """Reply after reply; one that is still being said long after the end does not count."""
    try:
        async with asyncio.timeout_at(asyncio.get_running_loop().time() + ends_at - time.monotonic() + last_words):
            for reply in replies:
                await asyncio.sleep(min(reply.thinks, ends_at - time.monotonic()))
                if time.monotonic() >= ends_at:
                    return
                try:
                    await _listen(speaker, reply, into)
                except RefusedError:
                    into.refused += 1
    except TimeoutError:
        pass


async def _listen(speaker: Speaker, reply: order.Reply, into: Heard) -> None:
    """Ask, and play to the end. Silence while a text is still being written is not the engine's, and does not count."""
    asked_at, heard = time.monotonic(), 0.0
    first, gap, playing_until = None, 0.0, 0.0
    ends, written = _written(reply)
    async with aclosing(speaker.speak(SpeechRequest(_text(reply)))) as pieces:
        async for pcm in pieces:
            now = time.monotonic()
            if first is None:
                first = now - asked_at - written[0]
                playing_until = now
            sentence = min(bisect.bisect_right(ends, heard + ROUNDING_SECONDS), len(ends) - 1)
            gap += max(0.0, now - max(playing_until, asked_at + written[sentence]))
            playing_until = max(playing_until, now) + len(pcm.data) / 2 / pcm.rate
            heard += len(pcm.data) / 2 / pcm.rate
    into.first_audio.append(max(0.0, first or 0.0))
    into.gaps.append(gap)
    await asyncio.sleep(max(0.0, playing_until - time.monotonic()))


def _written(reply: order.Reply) -> tuple[list[float], list[float]]:
    """Of each sentence: seconds of speech up to its end; seconds after asking when it is whole, as `_text` writes it.

    A sentence is known to have ended when the next one has begun: two tokens later.
    """
    sentences = [_sentence_of(audio) for _, audio in reply.sentences]
    ends = list(itertools.accumulate(len(each.strip()) / order.CHARS_PER_SECOND for each in sentences))
    chars = itertools.accumulate(len(each) for each in sentences)
    if reply.sentences[-1][0] <= 0:
        return ends, [0.0] * len(ends)
    return ends, [max(0.0, each - 60) / order.MODEL_CHARS_PER_SECOND + 2 * TOKEN_SECONDS for each in chars]


async def _text(reply: order.Reply) -> AsyncIterator[str]:
    """The reply's text at once, or as a model writes it: the first 60 characters, then token by token."""
    begun = time.monotonic()
    text = "".join(_sentence_of(audio) for _, audio in reply.sentences)
    whole, sent = reply.sentences[-1][0] <= 0, 0
    while sent < len(text):
        written = len(text) if whole else int(60 + (time.monotonic() - begun) * order.MODEL_CHARS_PER_SECOND)
        yield text[sent:written]
        sent = max(sent, written)
        await asyncio.sleep(0 if whole else TOKEN_SECONDS)


def _sentence_of(audio: float) -> str:
    """Words of five letters with a comma here and there; one sentence of about so many seconds."""
    words = ["tonal"] * max(1, round(audio * order.CHARS_PER_SECOND) // 6)
    text = " ".join(word + ("," if n % 6 == 5 else "") for n, word in enumerate(words))
    return "T" + text[1:].rstrip(",") + ". "


if __name__ == "__main__":
    main()
