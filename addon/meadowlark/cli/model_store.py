"""The model store as the settings say."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial

from ..models.download import download
from ..models.licenses import Notices
from ..models.shelves import Shelves, hub_cache
from ..models.store import Store
from ..settings import Settings


def shelves_of(settings: Settings) -> Shelves:
    """Where model files lie."""
    return Shelves(
        voices=settings.voices.absolute(),
        models=settings.data_dir.absolute() / "models",
        hub=hub_cache(os.environ),
    )


def notices_of(settings: Settings) -> Notices:
    """Of which licences the user has been told."""
    return Notices(settings.data_dir / "licenses.json")


def store_of(settings: Settings, changed: Callable[[], None] = lambda: None) -> Store:
    """The store."""
    environ = {"HF_TOKEN": settings.hub_token, "HF_ENDPOINT": settings.hub_endpoint}
    fetch = partial(download, environ={key: value for key, value in environ.items() if value})
    return Store(shelves_of(settings), settings.engines, changed=changed, fetch=fetch)
