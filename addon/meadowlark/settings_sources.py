"""What is written in Home Assistant's options.json, a YAML file and the environment, as it stands there, unchecked.

Knows what may be written in which way, not what the settings mean: settings.py checks them.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import yaml

from .errors import SettingsError

_LOGGER = logging.getLogger(__name__)

_TEXT = "tag:yaml.org,2002:str"
PREFIX = "MEADOWLARK_"
"""Of variables."""

NO_KEYS = ("options", "config", "default_data_dir")
"""What variables may name besides settings."""

STRUCTURED = ("engines", "environments", "disabled_plugins", "fallbacks", "pinned")
TRUTH = ("yes", "no", "on", "off", "true", "false")


def supervisor_options(environ: Mapping[str, str], path: Path) -> list[tuple[str, dict[str, Any]]]:
    """options.json, inside the add-on only. Its keys are those of config.yaml, which can hold no nested mappings."""
    path = Path(environ.get(PREFIX + "OPTIONS", path))
    if not ("SUPERVISOR_TOKEN" in environ or PREFIX + "OPTIONS" in environ):
        return []
    values = _stripped(mapping(read(path), str(path)))
    engines: dict[str, dict[str, Any]] = {}
    for number, each in enumerate(_entries(values.pop("engine_options", None)), 1):
        if not isinstance(each, dict) or {"engine", "name", "value"} - each.keys():
            raise SettingsError(f"engine_options, entry {number} in {path}: needs `engine`, `name` and `value`.")
        engines.setdefault(str(each["engine"]), {})[str(each["name"])] = _plain(each["value"])
    fallbacks: dict[str, str] = {}
    for number, each in enumerate(_entries(values.pop("fallbacks", None)), 1):
        if not isinstance(each, dict) or "voice" not in each:
            raise SettingsError(f"fallbacks, entry {number} in {path}: needs `voice`, and `language` or none for all.")
        language = str(each.get("language") or "")
        if voice := each["voice"]:
            fallbacks[language] = str(voice)
        else:  # an emptied field of the form: no reason to be mute
            _LOGGER.warning(
                "fallbacks, entry %d in %s, for %s, names no `voice`: it is ignored",
                number,
                path,
                language or "every language",
            )
    if "debug_logging" in values:
        values["debug"] = values.pop("debug_logging")
    values = {key: value for key, value in values.items() if value not in (None, "")}
    lists = {key: found for key, found in (("engines", engines), ("fallbacks", fallbacks)) if found}
    return [(str(path), {**values, **lists})]


def _stripped(value: Any) -> Any:
    """Without the blanks and line ends that pasting into a form leaves around a text."""
    match value:
        case str():
            return value.strip()
        case list():
            return [_stripped(each) for each in value]
        case dict():
            return {key: _stripped(each) for key, each in value.items()}
    return value


def _entries(value: Any) -> list[Any]:
    """What is no list is one entry, and wrong."""
    return value if isinstance(value, list) else [value] if value else []


def _plain(value: Any) -> Any:
    """A number or truth value where the text is one; other text stays, for the engine to judge: the server starts."""
    try:
        found = _scalar(value)
    except SettingsError:
        return value
    return found if isinstance(found, bool | int | float | str) else str(value or "")


def yaml_file(config: Path | None, environ: Mapping[str, str]) -> list[tuple[str, dict[str, Any]]]:
    """The file that is named, if one is, with what it holds."""
    path = config or (Path(environ[PREFIX + "CONFIG"]) if environ.get(PREFIX + "CONFIG") else None)
    return [(str(path), mapping(read(path), str(path)))] if path else []


def environment(environ: Mapping[str, str], keys: Collection[str]) -> dict[str, Any]:
    """MEADOWLARK_VOICE=… for every key; lists and mappings are written as in YAML."""
    found: dict[str, Any] = {}
    for key in keys:
        text = environ.get(PREFIX + key.upper())
        if text is not None:
            found[key] = _scalar(text) if key in STRUCTURED or text.lower() in TRUTH else text
    for name in environ:
        if name.startswith(PREFIX) and name.removeprefix(PREFIX).lower() not in (*keys, *NO_KEYS):
            _LOGGER.warning("%s means nothing to Meadowlark; `meadowlark --help` tells how settings are named", name)
    return found


def read(path: Path, what: str = "settings file") -> Any:
    """A YAML file's content. Raises SettingsError."""
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))  # JSON is YAML
    except OSError as error:
        raise SettingsError(f"Cannot read the {what} {path}: {error.strerror}.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"The {what} {path} is not valid YAML: {error}") from error
    except ValueError as error:  # a zero byte in the name
        raise SettingsError(f"Cannot read the {what} {str(path)!r}: {error}.") from error


def not_text(path: Path) -> int:
    """The line of the first thing in a YAML file that is neither a mapping in a mapping nor text in such a one."""
    root = yaml.compose(path.read_text(encoding="utf-8"), yaml.SafeLoader)
    for key, words in _pairs(root):
        is_mapping = isinstance(words, yaml.MappingNode)
        inner = [part for pair in _pairs(words) for part in pair]
        wrong = [node for node in (key, *inner) if node.tag != _TEXT] + ([] if is_mapping else [words])
        if wrong:
            return int(wrong[0].start_mark.line) + 1
    return 1


def _pairs(node: Any) -> list[tuple[Any, Any]]:
    return node.value if isinstance(node, yaml.MappingNode) else []


def mapping(values: Any, source: str) -> dict[str, Any]:
    """What must be keys and values. Raises SettingsError."""
    if values is None:
        return {}
    if not isinstance(values, dict) or not all(isinstance(key, str) for key in values):
        raise SettingsError(f"{source} must hold `key: value` lines, such as `voice: espeak/en-us`.")
    return values


def _scalar(value: Any) -> Any:
    """Text as YAML reads it: "180" is a number, "true" a truth value, "{a: 1}" a mapping."""
    if not isinstance(value, str):
        return value
    try:
        return yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise SettingsError(f"{value!r} cannot be read as YAML: {error}") from error
