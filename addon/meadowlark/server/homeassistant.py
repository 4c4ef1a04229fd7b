"""Inside the add-on: the Supervisor is told where we are, and Home Assistant is asked for its language.

Two small calls, hence urllib in a thread and no HTTP library. The tests bring their own Supervisor.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import logging
import socket
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_LOGGER = logging.getLogger(__name__)

_CALL_SECONDS = 5.0
_LONGEST_PAUSE = 60.0

_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""The Supervisor is next door; a proxy from the environment would not know it."""

_NO_ANSWER = (OSError, ValueError, http.client.HTTPException)


@dataclass(frozen=True, slots=True)
class HomeAssistant:
    """The Supervisor's API, which also leads to Home Assistant's."""

    token: str
    url: str = "http://supervisor"

    retry_seconds: float = 1.0
    """The first pause; each further one is twice as long, up to a minute."""

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> HomeAssistant | None:
        """Return the API that an add-on is given, None outside of one."""
        token = environ.get("SUPERVISOR_TOKEN")
        return cls(token) if token else None

    async def announce(self, port: int, host: str = "") -> bool:
        """Tell the Supervisor where we listen, trying until it takes it; False when it refuses for good.

        `host` is how Home Assistant reaches this container: its own host name when not said.
        """
        uri = f"tcp://{host or socket.gethostname()}:{port}"
        body = {"service": "wyoming", "config": {"uri": uri}}
        pause, complained = self.retry_seconds, False
        while True:
            try:
                await asyncio.to_thread(self._call, "/discovery", body)
            except urllib.error.HTTPError as error:
                error.close()
                if error.code < 500:
                    _LOGGER.error("The Supervisor refuses to announce %s (%s): %s", uri, error, _advice(error.code))
                    return False
                reason: Exception = error
            except _NO_ANSWER as error:
                reason = error
            else:
                _LOGGER.info("The Supervisor announces %s to Home Assistant", uri)
                return True
            if not complained:
                _LOGGER.warning("The Supervisor cannot be told of %s yet (%s); trying again", uri, reason)
            complained = True
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def language(self) -> str | None:
        """Return Home Assistant's language, "de" or "pt-BR"; None, with a line in the log, when it cannot be had."""
        try:
            language = (await asyncio.to_thread(self._call, "/core/api/config")).get("language")
        except _NO_ANSWER as error:
            _LOGGER.warning("Home Assistant's language is not known (%s): the default voice speaks", error)
            return None
        return language if isinstance(language, str) and language else None

    def _call(self, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return the answer; raises one of _NO_ANSWER (HTTPError is an OSError)."""
        request = urllib.request.Request(
            self.url + path,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
        )
        with _DIRECT.open(request, timeout=_CALL_SECONDS) as response:
            answer = json.loads(response.read())
        if not isinstance(answer, dict):
            raise ValueError(f"{path} answered with something else than a JSON object")  # noqa: TRY004
        return answer


def _advice(code: int) -> str:
    match code:
        case 401:
            return "the token in SUPERVISOR_TOKEN is not valid; restart the add-on"
        case 403:
            return "config.yaml must list `discovery: [wyoming]`"
    return "add the Wyoming integration in Home Assistant by hand"
