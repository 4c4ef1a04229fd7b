"""Where the server keeps what it learns, when the folder of the settings cannot be written."""

from __future__ import annotations

import logging
import os
import stat
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from ..errors import SettingsError
from ..settings import Settings

_LOGGER = logging.getLogger(__name__)


def with_writable_data(settings: Settings, common: Callable[[], str] = tempfile.gettempdir) -> Settings:
    """The settings, with a folder of the moment where theirs cannot be written: the house speaks all the same.

    common: finds a folder where everybody writes. Raises SettingsError where nothing can be written at all.
    """
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=settings.data_dir):
            return settings
    except OSError as error:
        reason = error.strerror
    try:
        aside = _aside(Path(common()))
    except OSError as error:
        raise SettingsError(
            f"data_dir {settings.data_dir} cannot be written ({reason}), nor a temporary folder ({error.strerror}): "
            "choose another --data-dir."
        ) from error
    _LOGGER.warning(
        "data_dir %s cannot be written (%s): models and measurements go to %s meanwhile; choose another --data-dir",
        settings.data_dir,
        reason,
        aside,
    )
    return replace(settings, data_dir=aside, voice_dir=settings.voices)


def _aside(common: Path) -> Path:
    """The same folder each time, unless somebody else has made one of its name where everybody may write."""
    aside = common / f"meadowlark-{os.getuid()}"
    with suppress(FileExistsError):
        aside.mkdir(mode=0o700)
    status = aside.lstat()
    ours = stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid()
    return aside if ours else Path(tempfile.mkdtemp(prefix="meadowlark-", dir=common))
