"""What goes on besides serving may fail; nobody is left to guess."""

from __future__ import annotations

import asyncio

import pytest

from meadowlark.cli.serve import start_duty


async def look_after_the_garden() -> None:
    raise RuntimeError("no water")


async def test_a_duty_that_fails_is_reported_at_once(caplog: pytest.LogCaptureFixture) -> None:
    await asyncio.wait({start_duty(look_after_the_garden())})
    await asyncio.sleep(0)
    assert "look_after_the_garden is not done until the next start" in caplog.text
    assert "no water" in caplog.text


async def test_a_duty_that_is_ended_is_not(caplog: pytest.LogCaptureFixture) -> None:
    task = start_duty(asyncio.sleep(60))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task})
    assert not caplog.records
