"""Watches Home Assistant's satellites: when one begins to listen, somebody will be answered in a few seconds.

Home Assistant sends only what concerns satellites (`subscribe_entities` with a filter), so a busy house costs nothing.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any, Final

from .homeassistant import HomeAssistant
from .websocket import WebSocket

_LOGGER = logging.getLogger(__name__)

DOMAIN: Final = "assist_satellite"

AWAKE: Final = frozenset({"listening", "processing"})
"""States of a satellite between the wake word and our answer; the others are "idle" and "responding"."""

QUIET_SECONDS: Final = 100.0
"""The Supervisor pings every 30 s, Home Assistant every 55; after two that did not come the connection is dead."""

LONGEST_PAUSE: Final = 60.0


class Satellites:
    """The satellites of one Home Assistant."""

    def __init__(
        self, api: HomeAssistant, woke: Callable[[str], None], *, quiet_seconds: float = QUIET_SECONDS
    ) -> None:
        """woke: called with the entity's id when a satellite begins to listen; must not block or raise."""
        self._api = api
        self._woke = woke
        self._quiet_seconds = quiet_seconds
        self._states: dict[str, str] = {}
        self._connected = False

    async def watch(self) -> None:
        """Watch until cancelled, connecting again when needed; returns only when Home Assistant refuses for good."""
        pause, complained = self._api.retry_seconds, False
        while True:
            self._connected = False
            try:
                refusal = await self._follow()
            except (OSError, ValueError) as error:
                reason = str(error) or type(error).__name__
            else:
                _LOGGER.warning("Satellites are not watched: %s. Engines load when they are asked", refusal)
                return
            if self._connected:
                pause, complained = self._api.retry_seconds, False
            if not complained:
                _LOGGER.warning("Satellites cannot be watched for now (%s); trying again", reason)
            complained = True
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _follow(self) -> str:
        """One connection; returns why it makes no sense to try again. Raises OSError and ValueError."""
        socket = await WebSocket.connect("ws" + self._api.url.removeprefix("http") + "/core/websocket")
        try:
            if refusal := await self._log_in(socket):
                return refusal
            order = {"id": 1, "type": "subscribe_entities", "include": {"domains": [DOMAIN]}}
            await socket.send(json.dumps(order))
            while True:
                for message in _messages(await socket.receive(self._quiet_seconds)):
                    if message.get("type") == "event":
                        self._take(message.get("event"))
                    elif message.get("type") == "result" and not message.get("success"):
                        return f"Home Assistant does not take the subscription ({message.get('error')})"
                    elif message.get("type") == "result":
                        self._connected = True
                        _LOGGER.info("Watching Home Assistant's satellites")
        finally:
            socket.close()

    async def _log_in(self, socket: WebSocket) -> str:
        """Why that failed for good; empty when it did not."""
        while True:
            for message in _messages(await socket.receive(self._quiet_seconds)):
                match message.get("type"):
                    case "auth_required":
                        await socket.send(json.dumps({"type": "auth", "access_token": self._api.token}))
                    case "auth_ok":
                        return ""
                    case "auth_invalid":
                        return (
                            "Home Assistant does not accept our token: config.yaml must say `homeassistant_api: true`"
                        )

    def _take(self, event: Any) -> None:
        """What has changed: "a" entities that are new, "c" changed ones, "r" removed ones; "s" is a state."""
        if not isinstance(event, dict):
            return
        for entity, state in _states(event):
            before, self._states[entity] = self._states.get(entity), state
            if state in AWAKE and before not in AWAKE:
                _LOGGER.debug("%s is %s", entity, state)
                self._woke(entity)
        removed = event.get("r")
        for entity in removed if isinstance(removed, list) else ():
            self._states.pop(str(entity), None)


def _states(event: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """(entity, state) of each satellite that is mentioned with one."""
    for key in ("a", "c"):
        changes = event.get(key)
        for entity, change in changes.items() if isinstance(changes, dict) else ():
            fields = change.get("+") if key == "c" and isinstance(change, dict) else change
            state = fields.get("s") if isinstance(fields, dict) else None
            if isinstance(state, str) and entity.startswith(DOMAIN + "."):
                yield entity, state


def _messages(text: str) -> list[dict[str, Any]]:
    """The messages in a frame: one, or several in a list. Raises ValueError."""
    decoded = json.loads(text)
    return [each for each in (decoded if isinstance(decoded, list) else [decoded]) if isinstance(each, dict)]
