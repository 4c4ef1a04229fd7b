"""Settings from flags, environment, a YAML file and Home Assistant's options.json: one schema, frozen.

The first that names a key wins: flags, then MEADOWLARK_* variables, then the YAML file, then options.json.
"""

from __future__ import annotations

import difflib
import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import msgspec

from .api import Value
from .errors import SettingsError
from .server.limits import Limits
from .settings_sources import PREFIX as PREFIX
from .settings_sources import environment, not_text, read, supervisor_options, yaml_file

SUPERVISOR_OPTIONS = Path("/data/options.json")
"""Where the Supervisor puts an add-on's options."""


_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set."""

    uri: str = "tcp://0.0.0.0:10200"
    """Where to listen: tcp://HOST:PORT or unix:///PATH; several with commas between them."""

    voice: str = ""
    """The default voice: ENGINE/VOICE, a voice id, an engine or a language. Empty: one in Home Assistant's language."""

    voice_fallback: bool = False
    """Let the default voice speak when a voice is asked for that does not exist."""

    zeroconf: bool | None = None
    """Announce the server on the network. Not said: yes, except inside the add-on: the Supervisor announces it."""

    zeroconf_name: str = ""
    """Instance name on the network, unique and stable. Empty: made from this machine's id."""

    data_dir: Path = Path("~/.local/share/meadowlark")
    """For what the server keeps: models, measurements, the control socket."""

    voice_dir: Path | None = None
    """The user's own voices. Not said: `voices` in data_dir."""

    always_speak: bool = True
    """Let another voice speak when the one asked for cannot be heard in time, or fails."""

    fallbacks: Mapping[str, str] = field(default_factory=dict)
    """Voice or engine that speaks then, by language: {de: piper, "": espeak}. Not said: the lightest that is there."""

    first_audio_budget: float = 1.5
    """Seconds to first audio after which another voice speaks; satellites give up after 2."""

    voice_changes: bool = False
    """The voice asked for may take over in the middle of a reply."""

    normalize: bool = True
    """Say numbers, units, dates, times and the like in words, in the languages that have tables for it."""

    lexicon: Path | None = None
    """Your own words: a YAML file, language → word → other words, or /IPA/. Not said: lexicon.yaml in voice_dir, or in
    data_dir."""

    engines: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)
    """Options by engine: {espeak: {rate: 160}}."""

    preload: bool = True
    """Load the default voice's engine at start, so that the first reply is fast."""

    memory_budget_mb: int = 0
    """What all engines together may take of RAM; 0 = what is free, less a reserve."""

    memory_reserve_mb: int = 256
    """Left to other programs on each device."""

    hub_token: str = field(default="", repr=False)
    """Of the Hugging Face hub, for models behind a form. Not said: the environment's HF_TOKEN."""

    hub_endpoint: str = ""
    """A mirror of the hub: https://… . Not said: the environment's HF_ENDPOINT."""

    advertise_downloadable: bool = False
    """List voices to clients whose files would have to be downloaded first."""

    pinned: tuple[str, ...] = ()
    """Engines that are never evicted, once loaded."""

    keep_loaded: bool = False
    """Keep every engine loaded while there is room. Otherwise what is seldom used at this hour is let go."""

    release_seconds: float = 0
    """Let an engine go when it has been idle so long at the latest; 0 = as learned from when it is used."""

    ollama_url: str = ""
    """An Ollama that may be asked to let idle models go when an engine needs the GPU: http://127.0.0.1:11434."""

    satellites: bool = True
    """Inside the add-on: load the default voice's engine when a satellite begins to listen."""

    environments: tuple[str, ...] = ()
    """Interpreters of other virtualenvs in which engines are installed."""

    disabled_plugins: tuple[str, ...] = ()
    """Plugins that are not loaded."""

    max_connections: int = _LIMITS.connections
    max_text_chars: int = _LIMITS.text_chars
    max_event_bytes: int = _LIMITS.event_bytes
    request_seconds: float = _LIMITS.request_seconds
    idle_seconds: float = _LIMITS.idle_seconds
    stall_seconds: float = _LIMITS.stall_seconds

    debug: bool = False
    """Log every sentence with its times."""

    @property
    def limits(self) -> Limits:
        """What a client may do."""
        return Limits(
            connections=self.max_connections,
            text_chars=self.max_text_chars,
            event_bytes=self.max_event_bytes,
            request_seconds=self.request_seconds,
            idle_seconds=self.idle_seconds,
            stall_seconds=self.stall_seconds,
        )

    @property
    def uris(self) -> tuple[str, ...]:
        """Each address to listen on."""
        return tuple(each.strip() for each in self.uri.split(",") if each.strip())

    @property
    def voices(self) -> Path:
        """Where the user's own voices are."""
        return self.voice_dir or self.data_dir / "voices"


KEYS = tuple(each.name for each in fields(Settings))

SECRET = ("hub_token",)
"""Never in a log or an error."""

POSITIVE = (
    "max_connections",
    "max_text_chars",
    "max_event_bytes",
    "first_audio_budget",
    "request_seconds",
    "idle_seconds",
    "stall_seconds",
)


def load(
    flags: Mapping[str, Any],
    config: Path | None = None,
    environ: Mapping[str, str] = os.environ,
    options: Path = SUPERVISOR_OPTIONS,
) -> Settings:
    """The settings in force. Raises SettingsError naming the source, the key and what is allowed."""
    merged: dict[str, Any] = {"data_dir": _usual_data_dir(environ)}
    sources: dict[str, str] = {}
    for source, values in (
        *supervisor_options(environ, options),
        *yaml_file(config, environ),
        ("the environment", environment(environ, KEYS)),
        ("the command line", {key: value for key, value in flags.items() if value is not None}),
    ):
        for key, value in values.items():
            merged[_known(key, source)] = value
            sources[key] = source
    try:
        settings = msgspec.convert(merged, Settings, strict=False, dec_hook=_path)
    except msgspec.ValidationError as error:
        raise SettingsError(_explain(error, merged, sources)) from error
    return _checked(settings, sources)


def _usual_data_dir(environ: Mapping[str, str]) -> Path:
    """Where nobody names one. script/run says MEADOWLARK_DEFAULT_DATA_DIR, so that a settings file may name another."""
    named = environ.get(f"{PREFIX}DEFAULT_DATA_DIR")
    return Path(named) if named else Path(environ.get("XDG_DATA_HOME") or "~/.local/share") / "meadowlark"


def _path(kind: type, value: Any) -> Path:
    """msgspec knows no paths."""
    if kind is Path and isinstance(value, str | Path):
        return Path(value).expanduser()
    raise TypeError(f"Expected a path, got {value!r}")


def read_lexicon(settings: Settings) -> dict[str, dict[str, str]]:
    """The user's words by language; empty where there is no file. Raises SettingsError."""
    usual = (folder / "lexicon.yaml" for folder in (settings.voices, settings.data_dir))
    path = settings.lexicon or next((each for each in usual if each.exists()), None)
    if path is None:
        return {}
    try:
        return msgspec.convert(read(path, "lexicon") or {}, dict[str, dict[str, str]])
    except msgspec.ValidationError as error:
        raise SettingsError(
            f"The lexicon {path}, line {not_text(path)}: it must hold `language: {{word: other words}}`, all text; "
            'write words such as "no" and "on" in quotes, YAML takes them for truth values.'
        ) from error


def _known(key: str, source: str) -> str:
    if key in KEYS:
        return key
    near = difflib.get_close_matches(key, KEYS, 1)
    hint = f" Did you mean {near[0]!r}?" if near else f" Allowed: {', '.join(KEYS)}."
    raise SettingsError(f"Unknown setting {key!r} in {source}.{hint}")


def _explain(error: msgspec.ValidationError, merged: Mapping[str, Any], sources: Mapping[str, str]) -> str:
    """msgspec says "Expected `int`, got `str` - at `$.max_connections`": add the source and the value."""
    message, _, place = str(error).partition(" - at ")
    found = re.search(r"\$\.(\w+)", place)  # also in "`key` in `$.fallbacks`"
    key = found[1] if found else ""
    shown = "not shown here" if key in SECRET else repr(merged.get(key))
    value = f"{key} is {shown} in {sources[key]}: " if key in merged else ""
    hint = " YAML reads no, off, yes and on as truth values: write such a word in quotes." * ("got `bool`" in message)
    return f"{value}{message[:1].lower()}{message[1:]}.{hint}"


def _checked(settings: Settings, sources: Mapping[str, str]) -> Settings:
    for key in POSITIVE:
        if not 0 < getattr(settings, key) < math.inf:
            raise SettingsError(f"{key} is {getattr(settings, key)} in {sources[key]}: must be a number above 0.")
    for key in ("memory_budget_mb", "memory_reserve_mb", "release_seconds"):
        if getattr(settings, key) < 0:
            raise SettingsError(f"{key} is {getattr(settings, key)} in {sources[key]}: must be 0 (automatic) or more.")
    if settings.hub_token and not re.fullmatch(r"[!-~]+", settings.hub_token):
        raise SettingsError(
            f"hub_token in {sources['hub_token']} is no token: it has spaces, line ends or other signs that none has "
            "(it is not shown here). Copy it from the hub's page once more."
        )
    if settings.hub_endpoint and not re.fullmatch(r"https?://[!-~]+", settings.hub_endpoint):
        raise SettingsError(
            f"hub_endpoint is {settings.hub_endpoint!r} in {sources['hub_endpoint']}: write an address without blanks, "
            "https://… ."
        )
    if not settings.uris or not all(each.startswith(("tcp://", "unix://")) for each in settings.uris):
        raise SettingsError(f"uri is {settings.uri!r}: write tcp://HOST:PORT or unix:///PATH.")
    return settings
