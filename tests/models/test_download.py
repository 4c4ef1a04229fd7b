"""Files come whole or not at all, whatever the hub and the network do; real huggingface_hub, real process."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from meadowlark.api import Asset
from meadowlark.errors import DownloadError
from meadowlark.models.download import download
from meadowlark.models.messages import Line, Order
from meadowlark.models.shelves import HIDDEN, Shelves
from meadowlark.models.state import Downloading, Failed, Missing, Present, Trouble
from meadowlark.models.store import Store
from meadowlark.testing.hub import Hub

DATA = os.urandom(3_000_000)
SMALL = b'{"sample_rate": 16000}'

MakeStore = Callable[..., Awaitable[Store]]
Put = Callable[..., Asset]


def files_below(folder: Path) -> set[str]:
    """What a person would see: neither locks nor records."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and HIDDEN not in path.parts}


def content(files: Mapping[str, str], key: str) -> bytes:
    return Path(files[key]).read_bytes()


def parts_of(shelves: Shelves) -> list[Path]:
    return list(shelves.models.rglob("*.part"))


async def refused(store: Store, voice: str = "v") -> Failed:
    """What the failed fetch has left as the voice's state; the reason is what the caller was told."""
    with pytest.raises(DownloadError) as caught:
        await store.fetch("horn", voice)
    state = store.state("horn", voice)
    assert isinstance(state, Failed)
    assert state.reason in str(caught.value)
    assert caught.value.kind == state.kind
    return state


async def test_a_voice_has_its_files_after_one_fetch(make_store: MakeStore, put: Put, shelves: Shelves) -> None:
    model, config = put("onnx/model.onnx", DATA), put("config.json", SMALL, large=False)
    store = await make_store({"v": (config,)}, model)
    assert store.state("horn", "v") == Missing(len(DATA) + len(SMALL))
    assert store.absent() == {"horn/v"}
    files = await store.fetch("horn", "v")
    assert content(files, "onnx/model.onnx") == DATA
    assert content(files, "config.json") == SMALL
    assert store.state("horn", "v") == Present(files)
    assert store.absent() == frozenset()
    assert files_below(shelves.models) == {"horn/onnx/model.onnx", "horn/config.json"}
    assert not parts_of(shelves)


async def test_cut_off_three_times_fetches_no_byte_twice(make_store: MakeStore, put: Put, hub: Hub) -> None:
    store = await make_store({"v": (put("m.onnx", DATA, cuts=[700_000, 1_100_000, 1]),)})
    files = await store.fetch("horn", "v")
    assert content(files, "m.onnx") == DATA
    file = hub.files["meadow/lark/m.onnx"]
    assert len(file.gets) == 4
    assert 0 <= file.sent - len(DATA) <= 65_536


async def test_what_came_before_a_restart_stays(make_store: MakeStore, put: Put, hub: Hub, shelves: Shelves) -> None:
    asset = put("m.onnx", DATA, block_seconds=0.5)  # all of it would take 23 s
    first = await make_store({"v": (asset,)})
    waiting = asyncio.ensure_future(first.fetch("horn", "v"))
    while not (parts_of(shelves) and parts_of(shelves)[0].stat().st_size > 50_000):  # noqa: ASYNC110  another process
        await asyncio.sleep(0.01)
    await first.close()  # kills the process
    with pytest.raises(DownloadError):
        await waiting
    kept = parts_of(shelves)[0].stat().st_size
    file = hub.files["meadow/lark/m.onnx"]
    hub.unblock()
    files = await (await make_store({"v": (asset,)})).fetch("horn", "v")
    assert content(files, "m.onnx") == DATA
    assert file.gets[-1] == f"bytes={kept}-"


async def test_a_server_without_ranges_begins_anew(make_store: MakeStore, put: Put, hub: Hub) -> None:
    store = await make_store({"v": (put("m.onnx", DATA, cuts=[1_000_000], ranges=False),)})
    files = await store.fetch("horn", "v")
    assert content(files, "m.onnx") == DATA
    assert len(hub.files["meadow/lark/m.onnx"].gets) == 2


async def test_the_wrong_file_never_gets_the_name(make_store: MakeStore, put: Put, shelves: Shelves) -> None:
    store = await make_store({"v": (put("m.onnx", DATA, sent_instead=DATA[::-1]),)})
    failed = await refused(store)
    assert failed.kind is Trouble.WRONG
    assert "checksum" in failed.reason
    assert files_below(shelves.models) == set()
    assert not parts_of(shelves)


async def test_a_part_of_another_file_is_thrown_away(make_store: MakeStore, put: Put, shelves: Shelves) -> None:
    asset = put("m.onnx", DATA)
    place = shelves.place("horn", asset)
    place.part.parent.mkdir(parents=True)
    place.part.write_bytes(b"another file's" * 1000)
    files = await (await make_store({"v": (asset,)})).fetch("horn", "v")
    assert content(files, "m.onnx") == DATA


async def test_a_file_that_has_changed_on_the_hub_is_not_begun(make_store: MakeStore, put: Put, hub: Hub) -> None:
    asset = put("m.onnx", DATA)
    hub.files["meadow/lark/m.onnx"].data = b"a newer model"
    failed = await refused(await make_store({"v": (asset,)}))
    assert failed.kind is Trouble.WRONG
    assert "update the plugin" in failed.reason
    assert hub.files["meadow/lark/m.onnx"].gets == []


@pytest.mark.parametrize("large", [True, False])
async def test_the_hubs_own_checksum_counts_where_the_manifest_has_none(
    make_store: MakeStore, put: Put, shelves: Shelves, large: bool
) -> None:
    nothing = {"sha256": "", "bytes": 0}
    good = put("good.onnx", DATA, nothing, large=large)
    bad = put("bad.onnx", DATA, nothing, large=large, sent_instead=DATA[::-1])
    store = await make_store({"v": (good,), "w": (bad,)})
    await store.fetch("horn", "v")
    assert (await refused(store, "w")).kind is Trouble.WRONG
    assert files_below(shelves.models) == {"horn/good.onnx"}


async def test_md5_where_a_catalogue_gives_only_that(make_store: MakeStore, put: Put, shelves: Shelves) -> None:
    md5 = {"sha256": "", "md5": hashlib.md5(DATA).hexdigest()}
    store = await make_store(
        {"v": (put("good.onnx", DATA, md5),), "w": (put("bad.onnx", DATA, md5, sent_instead=DATA[::-1]),)}
    )
    await store.fetch("horn", "v")
    assert (await refused(store, "w")).kind is Trouble.WRONG
    assert files_below(shelves.models) == {"horn/good.onnx"}


@pytest.mark.parametrize(
    ("faults", "kind", "says"),
    [
        ({"head_status": 404, "error_code": "EntryNotFound"}, Trouble.ABSENT, "has no m.onnx any more: update"),
        ({"head_status": 404, "error_code": "RevisionNotFound"}, Trouble.ABSENT, "has no revision main"),
        ({"head_status": 401, "error_code": "RepoNotFound"}, Trouble.ACCESS, "HF_TOKEN"),
        ({"head_status": 403, "error_code": "GatedRepo"}, Trouble.ACCESS, "accept its terms at"),
        ({"head_status": 429, "retry_after": "3600"}, Trouble.BUSY, "asks to wait for 3600 s"),
        ({"head_status": 503}, Trouble.BUSY, "answers 503"),
        ({"statuses": [404] * 9}, Trouble.ABSENT, "is not there any more"),
        ({"statuses": [429] * 9, "retry_after": "900"}, Trouble.BUSY, "asks to wait for 900 s"),
        ({"statuses": [500] * 9}, Trouble.BUSY, "answers 500"),
        ({"cuts": [0] * 9}, Trouble.NETWORK, "broke off"),
    ],
)
async def test_failures_name_the_file_the_reason_and_the_remedy(
    make_store: MakeStore, put: Put, faults: dict[str, Any], kind: Trouble, says: str
) -> None:
    failed = await refused(await make_store({"v": (put("m.onnx", DATA, **faults),)}))
    assert failed.kind is kind
    assert says in failed.reason
    assert "\n" not in failed.reason


async def test_a_hub_that_asks_to_wait_is_waited_for(make_store: MakeStore, put: Put, hub: Hub) -> None:
    store = await make_store({"v": (put("m.onnx", DATA, statuses=[429, 503], retry_after="1"),)})
    waiting = asyncio.ensure_future(store.fetch("horn", "v"))
    notes = set()
    while not waiting.done():
        notes.update(each.note for each in store.transfers)
        await asyncio.sleep(0.01)
    await waiting
    assert any("too many requests" in note and "goes on in" in note for note in notes)
    assert len(hub.files["meadow/lark/m.onnx"].gets) == 3


async def test_no_network_on_first_start(make_store: MakeStore, put: Put) -> None:
    store = await make_store({"v": (put("m.onnx", DATA),)}, environ={"HF_ENDPOINT": "http://127.0.0.1:1"})
    failed = await refused(store)
    assert failed.kind is Trouble.NETWORK
    assert "the connection to 127.0.0.1:1 failed" in failed.reason
    assert "check this machine's network" in failed.reason


async def test_offline_mode(make_store: MakeStore, put: Put, hub: Hub) -> None:
    failed = await refused(await make_store({"v": (put("m.onnx", DATA),)}, environ={"HF_HUB_OFFLINE": "1"}))
    assert failed.kind is Trouble.OFFLINE
    assert hub.authorizations == []


async def test_the_token_opens_the_gate_and_stays_with_the_hub(make_store: MakeStore, put: Put, hub: Hub) -> None:
    asset = put("m.onnx", DATA, token="hf_secret")
    assert (await refused(await make_store({"v": (asset,)}))).kind is Trouble.ACCESS
    hub.authorizations.clear()
    await (await make_store({"v": (asset,)}, environ={"HF_TOKEN": "hf_secret"})).fetch("horn", "v")
    tokens = dict(hub.authorizations)
    assert tokens["/meadow/lark/resolve/main/m.onnx"] == "Bearer hf_secret"
    assert tokens["/storage/meadow/lark/m.onnx"] == ""


async def test_a_file_that_is_on_no_hub(make_store: MakeStore, put: Put, hub: Hub) -> None:
    named = put("m.onnx", DATA)
    asset = Asset("", "m.onnx", sha256=named.sha256, url=f"{hub.url}/storage/meadow/lark/m.onnx")
    files = await (await make_store({"v": (asset,)}, environ={"HF_TOKEN": "hf_secret"})).fetch("horn", "v")
    assert content(files, "m.onnx") == DATA
    assert {token for _, token in hub.authorizations} == {""}


async def test_too_little_room_is_said_before_a_byte_is_fetched(make_store: MakeStore, put: Put, hub: Hub) -> None:
    failed = await refused(await make_store({"v": (put("m.onnx", DATA),)}, reserve=10**15))
    assert failed.kind is Trouble.DISK
    assert "are needed and" in failed.reason
    assert "meadowlark models" in failed.reason
    assert hub.files["meadow/lark/m.onnx"].gets == []


async def test_a_disk_that_fills_up_in_mid_download(make_store: MakeStore, put: Put, shelves: Shelves) -> None:
    asset = put("m.onnx", DATA)
    place = shelves.place("horn", asset)
    place.part.parent.mkdir(parents=True)
    place.part.symlink_to("/dev/full")
    failed = await refused(await make_store({"v": (asset,)}))
    assert failed.kind is Trouble.DISK
    assert "the disk is full" in failed.reason
    assert not place.part.is_symlink()  # what had come was given back
    assert files_below(shelves.models) == set()


async def test_a_folder_that_is_not_ours_to_write(make_store: MakeStore, put: Put, shelves: Shelves) -> None:
    shelves.models.write_text("no folder")
    failed = await refused(await make_store({"v": (put("m.onnx", DATA),)}))
    assert failed.kind is Trouble.DISK
    assert "cannot be written" in failed.reason


async def test_two_requests_download_once(make_store: MakeStore, put: Put, hub: Hub) -> None:
    shared, own = put("shared.onnx", DATA, block_seconds=0.002), put("own.json", SMALL, large=False)
    store = await make_store({"v": (), "w": (own,)}, shared)
    await asyncio.gather(store.fetch("horn", "v"), store.fetch("horn", "w"), store.fetch("horn", "v"))
    assert hub.files["meadow/lark/shared.onnx"].gets == [""]
    assert not store.transfers
    assert store.absent() == frozenset()


async def test_two_processes_download_once(make_store: MakeStore, put: Put, hub: Hub) -> None:
    asset = put("m.onnx", DATA, block_seconds=1.0)
    ours, theirs = await make_store({"v": (asset,)}), await make_store({"v": (asset,)})
    notes: set[str] = set()
    both = asyncio.gather(ours.fetch("horn", "v"), theirs.fetch("horn", "v"))
    while not both.done():
        notes.update(each.note for store in (ours, theirs) for each in store.transfers)
        if "waits for another process that downloads it" in notes:
            hub.unblock()
        await asyncio.sleep(0.01)
    await both
    assert hub.files["meadow/lark/m.onnx"].gets == [""]
    assert "waits for another process that downloads it" in notes


async def test_an_optional_file_may_fail(make_store: MakeStore, put: Put) -> None:
    extra = put("extra.bin", SMALL, {"optional": True}, head_status=404, error_code="EntryNotFound")
    store = await make_store({"v": (extra, put("m.onnx", DATA))})
    assert list(await store.fetch("horn", "v")) == ["m.onnx"]


async def test_progress_can_be_read(make_store: MakeStore, put: Put, hub: Hub) -> None:
    store = await make_store({"v": (put("m.onnx", DATA, block_seconds=0.2),)})
    waiting = asyncio.ensure_future(store.fetch("horn", "v"))
    seen = []
    while not waiting.done():
        if isinstance(state := store.state("horn", "v"), Downloading):
            seen.append(state.progress)
            if state.progress.done > len(DATA) / 10 and state.progress.bytes_per_second:
                hub.unblock()
        await asyncio.sleep(0.02)
    await waiting
    assert {each.total for each in seen} == {len(DATA)}
    done = [each.done for each in seen]
    assert done == sorted(done)
    assert any(0 < each < len(DATA) for each in done)
    assert any(each.bytes_per_second > 0 for each in seen)
    assert all(each.name == "horn/v" for each in seen)


async def test_leaving_does_not_end_what_others_wait_for(make_store: MakeStore, put: Put, hub: Hub) -> None:
    store = await make_store({"v": (put("m.onnx", DATA, block_seconds=1.0),)})
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(store.fetch("horn", "v"), 0.2)
    hub.unblock()
    assert await store.fetch("horn", "v")
    assert hub.files["meadow/lark/m.onnx"].gets == [""]


async def test_no_process_is_left_when_the_store_closes(make_store: MakeStore, put: Put, hub: Hub) -> None:
    store = await make_store({"v": (put("m.onnx", DATA, block_seconds=1),)})
    waiting = asyncio.ensure_future(store.fetch("horn", "v"))
    while not hub.files["meadow/lark/m.onnx"].sent:  # noqa: ASYNC110 - another process
        await asyncio.sleep(0.01)
    await store.close()  # all of it would take 46 s
    with pytest.raises(DownloadError):
        await waiting
    assert not _children()


async def test_a_process_that_dies_is_a_failure(make_store: MakeStore, put: Put) -> None:
    asset = put("m.onnx", DATA)

    async def without_our_package(order: Order, report: Callable[[Line], None]) -> None:
        await download(order, report, {"PYTHONHOME": "/nowhere"})

    failed = await refused(await make_store({"v": (asset,)}, fetch=without_our_package))
    assert failed.kind is Trouble.ERROR
    assert "ended by itself (exit status 1)" in failed.reason


async def test_memory_of_the_process_is_flat(make_store: MakeStore, put: Put, hub: Hub) -> None:
    """Ten times the data, as good as the same peak."""
    peaks = []
    for name, size, pause in (("small.onnx", 2_000_000, 0.05), ("large.onnx", 60_000_000, 0.0002)):
        asset = put(name, os.urandom(size), block_seconds=pause)  # the small one lasts until it has been measured
        store = await make_store({"v": (asset,)})
        waiting = asyncio.ensure_future(store.fetch("horn", "v"))
        peak = 0
        while not waiting.done():
            peak = max(peak, *(_peak_kb(pid) for pid in _children()), 0)
            await asyncio.sleep(0.002)
        await waiting
        peaks.append(peak)
    assert peaks[0] > 10_000  # something was measured
    assert peaks[1] < peaks[0] + 10_000


def _children() -> list[str]:
    """The fetchers' processes that this one has."""
    tasks = Path("/proc/self/task").iterdir()
    pids = [each for task in tasks for each in _proc(f"self/task/{task.name}", "children").split()]
    return [pid for pid in pids if "meadowlark.models.fetcher" in _proc(pid, "cmdline")]


def _proc(pid: str, name: str) -> str:
    try:
        return Path(f"/proc/{pid}/{name}").read_text()
    except OSError:  # it has ended
        return ""


def _peak_kb(pid: str) -> int:
    lines = _proc(pid, "status").splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0)
