"""Everything that Meadowlark raises on purpose.

MeadowlarkError
├── SettingsError          a setting is wrong; names the key
├── PluginError            a plugin cannot be used; carries its owner
├── RequestError           the client asked for something impossible; safe to show it
│   ├── VoiceError         no such voice, language or speaker
│   └── LimitError         larger, longer or more than allowed
├── DownloadError          a file could not be fetched; carries what kind of failure it is
├── DiskError              the disk takes no more, or nothing (models.part)
├── RefusedError           not possible now: no memory, engine at rest after crashes, shutting down
└── EngineError            carries the engine
    ├── LoadError          the engine could not be loaded
    └── WorkerError        the engine failed while speaking: raised, died, hung, or made no sound
"""

from __future__ import annotations

MOST_ECHOED = 80
"""Characters of somebody's own words in an error or the log."""


def echoed(words: str) -> str:
    """What somebody has written, as an error or a line of the log may quote it: short, on one line, escaped."""
    return repr(words[:MOST_ECHOED])


class MeadowlarkError(Exception):
    """Base of all; its text is written for the user: what is wrong, and the remedy."""

    code = "error"
    """Sent as `code` of a Wyoming error event."""


class SettingsError(MeadowlarkError):
    """A setting is wrong; the text names the key, the value and what is allowed."""

    code = "settings"


class PluginError(MeadowlarkError):
    """A plugin cannot be used."""

    code = "plugin"

    def __init__(self, plugin: str, message: str) -> None:
        super().__init__(f"{plugin}: {message}")
        self.plugin = plugin


class RequestError(MeadowlarkError):
    """The client asked for something impossible."""

    code = "bad-request"


class VoiceError(RequestError):
    """No installed engine has that voice, language or speaker."""

    code = "unknown-voice"


class LimitError(RequestError):
    """Larger, longer or more than the settings allow."""

    code = "limit"


class RefusedError(MeadowlarkError):
    """Possible, but not now."""

    code = "refused"


class DownloadError(MeadowlarkError):
    """A model file could not be fetched."""

    code = "download"

    def __init__(self, message: str, *, kind: str = "error", wait_seconds: float = 0.0) -> None:
        super().__init__(message)
        self.kind = kind
        """One of models.state.Trouble."""
        self.wait_seconds = wait_seconds
        """The server has asked not to be asked again before; 0 = it said nothing."""


class EngineError(MeadowlarkError):
    """Something about one engine."""

    code = "engine"

    def __init__(self, engine: str, message: str, *, out_of_memory: bool = False) -> None:
        super().__init__(f"{engine}: {message}")
        self.engine = engine
        self.out_of_memory = out_of_memory
        """Evicting another engine may help."""


class LoadError(EngineError):
    """The engine could not be loaded."""

    code = "engine-load"


class WorkerError(EngineError):
    """The engine failed while speaking: it raised, died, hung, or made no sound."""

    code = "engine-failed"
