"""The core's end of a download: a process that fetches, what it reports, how it ended."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final, TypeAlias

import msgspec

from ..errors import DownloadError
from .messages import Line, Order
from .state import Trouble

SILENCE_SECONDS: Final = 600.0
"""A fetcher speaks at least once a second, but checking or flushing gigabytes on an SD card can take minutes."""

QUIET: Final = {
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_VERBOSITY": "error",  # it advises in passing to log in
}

Report: TypeAlias = Callable[[Line], None]
Download: TypeAlias = Callable[[Order, Report], Coroutine[Any, Any, None]]


async def download(order: Order, report: Report, environ: Mapping[str, str] | None = None) -> None:
    """Fetch all files of an order; cancelling ends the process, and what has come stays for the next time.

    environ: variables on top of our own (HF_TOKEN, HF_ENDPOINT). Raises DownloadError only when the process itself
    fails; what cannot be had is reported.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",  # no module out of the working folder, as in the workers
        "-m",
        "meadowlark.models.fetcher",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, **(environ or {}), **QUIET},
        start_new_session=True,  # Ctrl-C is for the core alone
    )
    assert process.stdin
    assert process.stdout
    try:
        process.stdin.write(msgspec.json.encode(order))
        process.stdin.close()
        while True:
            async with asyncio.timeout(SILENCE_SECONDS):
                raw = await process.stdout.readline()
            if not raw:
                break
            report(msgspec.json.decode(raw, type=Line))
        status = await process.wait()
    except TimeoutError:
        raise DownloadError(
            f"the download has stuck for {SILENCE_SECONDS:g} s and was ended", kind=Trouble.ERROR
        ) from None
    except (ConnectionError, ValueError, msgspec.MsgspecError) as error:
        raise DownloadError(f"the download's process cannot be understood: {error}", kind=Trouble.ERROR) from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if status:
        how = f"signal {-status}" if status < 0 else f"exit status {status}"
        raise DownloadError(f"the download's process ended by itself ({how}); the log says more", kind=Trouble.ERROR)
