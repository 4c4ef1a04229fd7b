"""Models that are open at a time, of those that a listener may ask for: opening one takes 0.3-1 s, and memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

_K = TypeVar("_K", bound=Hashable)
_M = TypeVar("_M")


class Opened(Generic[_K, _M]):
    """The models used last: a few however large they are, and further ones as far as there are bytes to spare."""

    def __init__(self, least: int, spare_bytes: int, exactly: int | None = None) -> None:
        """least: how many stay in any case. exactly: so many stay, whatever there is to spare."""
        self._least = least
        self._spare_bytes = spare_bytes
        self._exactly = exactly
        self._models: OrderedDict[_K, tuple[_M, int]] = OrderedDict()

    def __iter__(self) -> Iterator[_M]:
        """All that are open, the one used last at the end."""
        return iter([model for model, _ in self._models.values()])

    @property
    def kept_bytes(self) -> int:
        """Held by those beyond the least number: what `Pipeline.kept_bytes` is to say."""
        return self._beyond([size for _, size in self._models.values()])

    def get(self, key: _K) -> _M | None:
        """The model, now the one used last; None when it is not open."""
        if key not in self._models:
            return None
        self._models.move_to_end(key)
        return self._models[key][0]

    def make_room(self, size: int) -> None:
        """Close those unused for longest until there is room for one more, of so many bytes; before it is opened."""
        while self._models and self._is_too_much([*(size for _, size in self._models.values()), size]):
            self._models.popitem(last=False)

    def put(self, key: _K, model: _M, size: int) -> None:
        """One that has been opened, with the bytes that it takes."""
        self._models[key] = (model, size)

    def _is_too_much(self, sizes: list[int]) -> bool:
        if self._exactly is not None:
            return len(sizes) > self._exactly
        return self._beyond(sizes) > self._spare_bytes

    def _beyond(self, sizes: list[int]) -> int:
        return sum(sizes[: -self._least])
