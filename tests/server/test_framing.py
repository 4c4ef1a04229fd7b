"""Events on the wire: what is read, and that nothing else can do harm."""

from __future__ import annotations

import asyncio
import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wyoming.event import Event, read_event

from meadowlark.errors import LimitError, RequestError
from meadowlark.server.framing import HEADER_BYTES, EventReader, encode
from meadowlark.server.limits import Limits

LIMITS = Limits(event_bytes=1000)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def reader_of(data: bytes, limits: Limits = LIMITS) -> EventReader:
    stream = asyncio.StreamReader(limit=HEADER_BYTES)
    stream.feed_data(data)
    stream.feed_eof()
    return EventReader(stream, limits)


async def read_all(data: bytes, limits: Limits = LIMITS) -> list[Event]:
    reader = reader_of(data, limits)
    events = []
    while await reader.ready():
        events.append(await reader.read())
    return events


async def test_data_block_is_merged_over_inline_data():
    block = b'{"b": 3, "c": 4}'
    head = json.dumps({"type": "x", "data": {"a": 1, "b": 2}, "data_length": len(block)}).encode()
    assert await read_all(head + b"\n" + block) == [Event("x", {"a": 1, "b": 3, "c": 4})]


async def test_payload_is_skipped_and_the_next_event_found():
    events = [Event("audio-chunk", {"rate": 1}, b"{\n" * 200), Event("ping", {"text": "a"})]
    assert await read_all(b"".join(map(encode, events))) == [Event("audio-chunk", {"rate": 1}), events[1]]


@pytest.mark.parametrize("absent", ['"data": null', '"data_length": null, "payload_length": 0', '"version": "9"'])
async def test_absent_parts(absent):
    assert await read_all(b'{"type": "describe", %b}\r\n' % absent.encode()) == [Event("describe", {})]


@pytest.mark.parametrize(
    ("data", "kind", "word"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", RequestError, "b'G'"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", RequestError, "Wyoming"),
        (b"\n", RequestError, "Wyoming"),
        (b"[1]\n", RequestError, "Wyoming"),
        (b"{]\n", RequestError, "not JSON"),
        (b'{"type": "\xff"}\n', RequestError, "not JSON"),
        (b'{"type": ' + b"[" * 50_000 + b"\n", RequestError, "not JSON"),
        (b'{"data_length": ' + b"9" * 5000 + b"}\n", RequestError, "not JSON"),
        (b"{}\n", RequestError, "no type"),
        (b'{"type": 3}\n', RequestError, "no type"),
        (b'{"type": "x", "data": [1]}\n', RequestError, "no JSON object"),
        (b'{"type": "x", "data_length": -1}\n', RequestError, "data_length"),
        (b'{"type": "x", "payload_length": -9}\n', RequestError, "payload_length"),
        (b'{"type": "x", "data_length": "7"}\n', RequestError, "whole number"),
        (b'{"type": "x", "data_length": 1e3}\n', RequestError, "whole number"),
        (b'{"type": "x", "data_length": 1e999}\n', RequestError, "whole number"),
        (b'{"type": "x", "data_length": NaN}\n', RequestError, "whole number"),
        (b'{"type": "x", "data_length": true}\n', RequestError, "whole number"),
        (b'{"type": "x", "data_length": 1001}\n', LimitError, "1000 are allowed"),
        (b'{"type": "x", "payload_length": 99999999999999}\n', LimitError, "1000 are allowed"),
        (b'{"type": "x", "data_length": 501, "payload_length": 500}\n', LimitError, "1000 are allowed"),
        (b'{"type": "x", "data_length": 3}\n{"a', RequestError, "not JSON"),
        (b'{"type": "x", "data_length": 2}\n[]', RequestError, "no JSON object"),
        (b'{"type": "x", "data_length": 9}\n{', RequestError, "in the middle"),
        (b'{"type": "x", "payload_length": 9}\n123', RequestError, "in the middle"),
        (b'{"type": "x"', RequestError, "in the middle"),
        (b"{" + b" " * 70_000 + b"}\n", LimitError, "header line"),
        (b"{" + b" " * 10_000_000, LimitError, "header line"),
    ],
)
async def test_what_is_refused_and_how(data, kind, word):
    with pytest.raises(kind) as caught:
        await read_all(data)
    assert type(caught.value) is kind
    assert word in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("escaped", "expected"),
    [(r"a\ud83db", "ab"), (r"\udc4b", ""), (r"\ud83d\udc4b", "👋"), (r"\uD83D\uDC4B", "👋"), (r"\\ud83d", r"\ud83d")],
)
async def test_half_an_emoji_is_dropped(escaped, expected):
    [event] = await read_all(b'{"type": "x", "data": {"text": "%b"}}\n' % escaped.encode())
    assert event.data["text"] == expected
    assert encode(event)


async def test_an_event_that_does_not_come_to_its_end():
    stream = asyncio.StreamReader(limit=HEADER_BYTES)
    stream.feed_data(b'{"type": "x"')
    with pytest.raises(LimitError, match="not complete after"):
        await EventReader(stream, Limits(stall_seconds=0.02)).read()


async def test_waiting_for_an_event_can_be_cancelled_without_loss():
    stream = asyncio.StreamReader(limit=HEADER_BYTES)
    reader = EventReader(stream, LIMITS)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reader.ready(), 0.01)
    stream.feed_data(encode(Event("ping")))
    assert await reader.ready()
    assert await reader.ready()
    assert (await reader.read()).type == "ping"


async def test_a_length_is_refused_before_anything_is_read():
    stream = asyncio.StreamReader(limit=HEADER_BYTES)
    stream.feed_data(b'{"type": "x", "data_length": 1001}\n')
    with pytest.raises(LimitError):
        await EventReader(stream, LIMITS).read()


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.tuples(st.text(), st.dictionaries(st.text(), json_values, max_size=4), st.binary(max_size=50)), max_size=4
    )
)
def test_what_the_library_writes_is_what_we_read(parts):
    events = [Event(kind, data, payload or None) for kind, data, payload in parts]
    wire = b"".join(map(encode, events))
    read = asyncio.run(read_all(wire, Limits()))
    assert read == [Event(event.type, event.data) for event in events]
    file = io.BytesIO(wire)
    assert [read_event(file) for _ in events] == events


headers = st.fixed_dictionaries(
    {},
    optional={
        "type": json_values | st.just("synthesize"),
        "data": json_values,
        "data_length": st.integers(-5, 1200) | json_values,
        "payload_length": st.integers(-5, 1200) | json_values,
    },
)


@settings(max_examples=500, deadline=None)
@given(
    st.binary(max_size=300)
    | st.binary(max_size=200).map(lambda tail: b"{" + tail)
    | st.tuples(headers, st.binary(max_size=1500)).map(lambda each: json.dumps(each[0]).encode() + b"\n" + each[1])
)
def test_any_bytes_end_in_events_or_in_an_error_of_ours(data):
    said: list[Event] = []
    try:
        said = asyncio.run(read_all(data))
    except RequestError as error:
        said = [Event("error", {"text": str(error)})]
    for event in said:
        assert encode(event)
