"""Opens voices before anybody asks for them: a Piper voice that is new is cut for 2-5 s, and another one would speak.

Those of the settings, once their engine is loaded, and those whose files come while the server runs.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Final

from .api import Utterance, Value
from .catalog import Catalog, Choice
from .errors import VoiceError
from .residency.supervisor import Supervisor

_LOGGER = logging.getLogger(__name__)

LOOK_SECONDS: Final = 1.0

MOST_ARRIVALS: Final = 8
"""Voices whose files come at once; more are a collection, most of which nobody asks for, and would fill a disk."""

_TEXT: Final = "a"


class Ahead:
    """One for a house."""

    def __init__(
        self,
        supervisor: Supervisor,
        configured: Iterable[str],
        options: Mapping[str, Mapping[str, Value]],
        files: Callable[[Choice], Mapping[str, str]],
    ) -> None:
        """configured: names of voices in the settings. options: the user's by engine id. files: a voice's."""
        self._supervisor = supervisor
        self._configured = tuple(name for name in configured if "/" in name)
        self._options = options
        self._files = files
        self._catalog: Catalog | None = None
        self._here: dict[str, Choice] = {}
        self._due: dict[str, Choice] = {}
        self._opened: set[str] = set()

    async def run(self, catalog: Callable[[], Catalog]) -> None:
        """Until cancelled."""
        while True:
            await self.look(catalog())
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self, catalog: Catalog) -> None:
        """Open one voice that is due, if nobody listens now."""
        if catalog is not self._catalog:
            self._note(catalog)
        for name, choice in list(self._due.items()):
            if await self._supervisor.prepare(choice.manifest.id, self._utterance(choice)):
                _LOGGER.debug("Opened %s ahead", name)
                self._due.pop(name, None)
                self._opened.add(name)
                return

    def _note(self, catalog: Catalog) -> None:
        """What is due in another catalog than before."""
        here = _voices(catalog)
        new = {name: each for name, each in here.items() if name not in self._here}
        arrived = new if self._catalog and len(new) <= MOST_ARRIVALS else {}
        self._opened &= here.keys()  # files that go and come again are others
        names = (*self._wanted(catalog), *self._due, *arrived)
        self._due = {name: here[name] for name in names if name in here and name not in self._opened}
        self._catalog, self._here = catalog, here

    def _wanted(self, catalog: Catalog) -> Iterator[str]:
        for name in (catalog.default, *self._configured):
            with suppress(VoiceError):
                yield _name(catalog.named(name))

    def _utterance(self, choice: Choice) -> Utterance:
        return Utterance(
            _TEXT,
            choice.voice,
            choice.voice.languages[0],
            options={**self._options.get(choice.manifest.id, {}), **choice.voice.options},
            files=self._files(choice),
        )


def _voices(catalog: Catalog) -> dict[str, Choice]:
    """All that can speak now; of the speakers of one model, "voice+speaker", the first."""
    found: dict[str, Choice] = {}
    for manifest in catalog.ready:
        for voice in manifest.voices:
            choice = Choice(manifest, voice)
            found.setdefault(_name(choice), choice)
    return found


def _name(choice: Choice) -> str:
    return choice.name.partition("+")[0]
