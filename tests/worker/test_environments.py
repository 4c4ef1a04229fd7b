"""Nurseries: interpreters as data, preloads that fail, deaths on either side."""

from __future__ import annotations

import asyncio
import logging
import os
import select
import signal
import subprocess
import sys
import time
import venv
from dataclasses import replace
from pathlib import Path

import pytest

import meadowlark
from meadowlark.errors import LoadError
from meadowlark.worker.environments import Nurseries
from meadowlark.worker.messages import PROTOCOL
from meadowlark.worker.process import start
from meadowlark.worker.spawn import Limits, nursery_environ

SOURCE_ROOT = str(Path(meadowlark.__file__).parents[1])


@pytest.fixture
def modules(tmp_path, monkeypatch):
    """Modules that nurseries of this test can import, by name."""
    folder = tmp_path / "modules"
    folder.mkdir()
    monkeypatch.setenv("PYTHONPATH", str(folder))

    def write(name: str, source: str) -> str:
        (folder / f"{name}.py").write_text(source)
        return name

    return write


def script(path: Path, text: str) -> str:
    path.write_text(text)
    path.chmod(0o755)
    return str(path)


def command_line(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/cmdline").read_text().split("\0")


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def environment(tmp_path: Path, *, path_entries: list[str]) -> str:
    """The interpreter of a new virtualenv that sees these folders."""
    folder = tmp_path / "other"
    venv.create(folder, with_pip=False, symlinks=True)
    site_packages = next(folder.glob("lib/python*/site-packages"))
    (site_packages / "others.pth").write_text("\n".join(path_entries))
    return str(folder / "bin" / "python")


async def test_an_engine_may_live_in_another_virtualenv(nurseries, launch, say, tmp_path):
    here = [entry for entry in sys.path if entry.endswith("site-packages")]
    interpreter = environment(tmp_path, path_entries=[SOURCE_ROOT, *here])
    worker = await start(replace(launch(), interpreter=interpreter), nurseries)

    assert command_line(worker.pid)[0] == interpreter
    assert await say(worker, "Hello from over there")
    await worker.stop()


async def test_workers_of_one_environment_share_a_nursery_and_others_do_not(nurseries, launch):
    first, second = await asyncio.gather(start(launch(), nurseries), start(launch(), nurseries))
    third = await start(replace(launch(), preload=()), nurseries)

    assert parent_of(first.pid) == parent_of(second.pid) != parent_of(third.pid)
    for worker in (first, second, third):
        await worker.stop()


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("missing", None, "does not exist; name a Python with meadowlark"),
        ("text", "Hello", "cannot be run"),
        ("true", "#!/bin/sh\nexit 0\n", r"is not a Python .* \(exit code 0\)"),
        ("loud", "#!/bin/sh\necho what is -P >&2\nexit 2\n", r"\(exit code 2\): what is -P"),
        ("flood", "#!/bin/sh\nwhile :; do echo noise >&2; done\n", r"starting takes more than 0\.5 s"),
        ("silent", "#!/bin/sh\nexec sleep 60\n", r"starting takes more than 0\.5 s in .*, is it a Python\?"),
    ],
)
async def test_an_interpreter_that_is_none(launch, tmp_path, name, text, message):
    interpreter = script(tmp_path / name, text) if text else str(tmp_path / name)
    nurseries = Nurseries(Limits(hello=0.5) if "takes more than" in message else None)
    with pytest.raises(LoadError, match=message) as caught:
        await start(replace(launch(), interpreter=interpreter), nurseries)

    assert interpreter in str(caught.value)
    await nurseries.close()


async def test_an_environment_without_meadowlark(nurseries, launch, tmp_path, monkeypatch):
    monkeypatch.delenv("PYTHONPATH", raising=False)
    interpreter = environment(tmp_path, path_entries=[])

    with pytest.raises(LoadError, match=f"has no meadowlark; {interpreter} -m pip install meadowlark==") as caught:
        await start(replace(launch(), interpreter=interpreter), nurseries)
    assert caught.value.engine == "faulty"


@pytest.fixture
def pretender(modules, tmp_path):
    """Another meadowlark, whose nursery says these packets, answers an order with a last one, and waits."""

    def write(*packets: str) -> None:
        package = tmp_path / "modules" / "meadowlark" / "worker"
        package.mkdir(parents=True)
        (package.parent / "__init__.py").touch()
        (package / "__init__.py").touch()
        (package / "nursery.py").write_text(
            f"import socket, sys\n"
            f"control = socket.socket(fileno=int(sys.argv[1]))\n"
            f"*greeting, answer = {packets!r}\n"
            f"for packet in greeting: control.send(packet.encode())\n"
            f"control.recv(1000) and control.send(answer.encode())\n"
            f"control.recv(1000)\n"
        )

    return write


async def test_an_environment_with_another_meadowlark(nurseries, launch, pretender):
    pretender('{"type": "hello", "data": {"protocol": 99, "version": "9.9"}}', "")

    with pytest.raises(LoadError, match=r"has meadowlark 9\.9, which does not fit"):
        await start(launch(), nurseries)


async def test_a_preload_that_fails_is_told_and_not_fatal(nurseries, launch, say, modules, caplog):
    preload = (modules("broken", "raise RuntimeError('no such GPU')"), "no_such_module", "numpy")
    worker = await start(replace(launch(), preload=preload), nurseries)

    assert await say(worker, "Hello")
    assert "faulty: could not preload broken: RuntimeError: no such GPU" in caplog.text
    assert "could not preload no_such_module: ModuleNotFoundError" in caplog.text
    await worker.stop()


async def test_a_preload_that_kills_the_interpreter_is_named(nurseries, launch, modules):
    module = modules("deadly", "import ctypes; ctypes.string_at(0)")

    with pytest.raises(LoadError, match=r"importing deadly ended .* \(killed by SIGSEGV\)"):
        await start(replace(launch(), preload=(module,)), nurseries)


async def test_a_preload_that_hangs_is_named(launch, modules):
    nurseries = Nurseries(Limits(preload=0.5))
    module = modules("hanging", "import time; time.sleep(60)")

    with pytest.raises(LoadError, match=r"importing hanging takes more than 0\.5 s"):
        await start(replace(launch(), preload=(module,)), nurseries)
    await nurseries.close()


async def test_a_preload_that_starts_threads_is_told(nurseries, launch, modules, caplog):
    source = "import threading, time\nthreading.Thread(target=time.sleep, args=(60,), name='nosy', daemon=True).start()"
    worker = await start(replace(launch(), preload=(modules("threaded", source),)), nurseries)

    assert "start threads (nosy)" in caplog.text
    await worker.stop()


async def test_what_preloads_print_is_kept_for_debugging(nurseries, launch, modules, caplog):
    caplog.set_level(logging.DEBUG)
    await nurseries.warm("faulty", None, (modules("chatty", "print('how do you do', flush=True)"),))

    assert "faulty: how do you do" in caplog.text


async def test_a_dead_nursery_takes_its_workers_along_and_is_replaced(nurseries, launch, say):
    worker = await start(launch(), nurseries)
    os.kill(parent_of(worker.pid), signal.SIGKILL)

    assert await worker.exited == "ended with its nursery"
    successor = await start(launch(), nurseries)
    assert await say(successor, "Hello again")
    await successor.stop()


async def test_a_nursery_that_dies_unnoticed_is_replaced(nurseries, launch, say):
    worker = await start(launch(), nurseries)
    nursery = parent_of(worker.pid)
    await worker.stop()
    watch = os.pidfd_open(nursery)
    os.kill(nursery, signal.SIGKILL)
    select.select([watch], [], [])  # blocks the loop: nobody sees the death before the next order
    os.close(watch)

    successor = await start(launch(), nurseries)
    assert await say(successor, "Hello again")
    await successor.stop()


async def test_a_worker_that_was_ordered_and_is_not_wanted_any_more_is_killed(nurseries, launch, say, eventually):
    first = await start(launch(), nurseries)
    nursery = parent_of(first.pid)
    await first.stop()
    os.kill(nursery, signal.SIGSTOP)
    unwanted = asyncio.create_task(start(launch(), nurseries))
    wanted = asyncio.create_task(start(launch(), nurseries))
    await asyncio.sleep(0.05)
    unwanted.cancel()
    await asyncio.wait({unwanted})
    os.kill(nursery, signal.SIGCONT)

    worker = await wanted
    assert await say(worker, "Hello")
    await eventually(lambda: children_of(nursery) == [worker.pid])
    await worker.stop()


async def test_a_nursery_that_does_not_answer_is_killed_and_replaced(launch, say):
    nurseries = Nurseries(Limits(fork=4.0))  # also for the forks that succeed, on a busy machine
    worker = await start(launch(), nurseries)
    os.kill(parent_of(worker.pid), signal.SIGSTOP)

    with pytest.raises(LoadError, match="the parked process did not answer and was killed; try again"):
        await start(launch(), nurseries)

    await worker.exited
    successor = await start(launch(), nurseries)
    assert await say(successor, "Hello again")
    await successor.stop()
    await nurseries.close()


async def test_a_machine_without_room_for_a_process(nurseries, launch, pretender):
    pretender(
        f'{{"type": "hello", "data": {{"protocol": {PROTOCOL}, "version": "1"}}}}',
        '{"type": "ready", "data": {}}',
        '{"type": "fork-failed", "data": {"message": "Resource temporarily unavailable"}}',
    )

    with pytest.raises(LoadError, match="cannot start another process: Resource temporarily unavailable"):
        await start(launch(), nurseries)


async def test_close_ends_the_workers_too(launch):
    nurseries = Nurseries()
    workers = [await start(launch(), nurseries) for _ in range(6)]

    await nurseries.close()

    assert [await worker.exited for worker in workers] == ["killed by SIGKILL"] * 6
    with pytest.raises(LoadError, match="shutting down"):
        await start(launch(), nurseries)


async def test_a_start_that_is_cancelled_can_be_repeated(nurseries, launch):
    first = asyncio.create_task(nurseries.warm("faulty", None, ("numpy",)))
    await asyncio.sleep(0.02)
    first.cancel()
    await asyncio.wait({first})

    worker = await start(launch(), nurseries)
    await worker.stop()


CORE = """
import asyncio, sys
from pathlib import Path
from meadowlark.testing.engines import faulty_manifest
from meadowlark.worker.environments import Nurseries
from meadowlark.worker.messages import PROTOCOL
from meadowlark.worker.process import Launch, start
from meadowlark.api import Utterance

manifest = faulty_manifest()

async def speak(nurseries, text):
    launch = Launch(manifest.id, manifest.pipeline, manifest.sample_rate, data_dir=Path(sys.argv[1]))
    worker = await start(launch, nurseries)
    print(worker.pid, flush=True)
    async for chunk in worker.speak(Utterance(text, manifest.voices[0], "en"), patience=60):
        pass

async def main():
    nurseries = Nurseries()
    hanging = asyncio.create_task(nurseries.warm("slow", None, ["sleepy"]))
    await asyncio.gather(*(speak(nurseries, text) for text in sys.argv[2:]))

asyncio.run(main())
"""


def core_process(*arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", CORE, *arguments], stdout=subprocess.PIPE)


async def test_nothing_outlives_a_core_that_is_killed(tmp_path, modules, eventually):
    """Workers in mid-sentence, hung, holding the interpreter's lock; a nursery parked and one still importing."""
    note = tmp_path / "sleepy"
    modules("sleepy", f"import os, time; open({str(note)!r}, 'w').write(str(os.getpid())); time.sleep(60)")
    texts = ["A very long text. " * 500, "!hang:1", "!hold_gil:1", "!spin:1"]
    core = core_process(str(tmp_path), *texts)
    try:
        workers = [int(core.stdout.readline()) for _ in texts]
        await eventually(lambda: note.exists() and note.read_text())
        nurseries = {parent_of(pid) for pid in workers} | {int(note.read_text())}
        assert len(nurseries) == 2
        await asyncio.sleep(0.2)  # all are at work
        watches = [os.pidfd_open(pid) for pid in [*workers, *nurseries]]
    finally:
        core.kill()
        core.communicate()

    deadline = time.monotonic() + 10
    for watch in watches:
        ended, _, _ = select.select([watch], [], [], max(0, deadline - time.monotonic()))
        os.close(watch)
        assert ended


def test_the_core_never_imports_numpy():
    code = "import sys, meadowlark.worker.process, meadowlark.audio; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_threads_that_wait_sleep_unless_a_user_says_otherwise() -> None:
    assert nursery_environ({"HOME": "/root"}) == {"HOME": "/root", "OMP_WAIT_POLICY": "passive"}
    assert nursery_environ({"OMP_WAIT_POLICY": "active"}) == {"OMP_WAIT_POLICY": "active"}
