"""What all tests share, those of the engines too: the same examples each time, and reports that can be handed on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# Threads of OpenMP sleep while they wait, as in our nurseries (worker/spawn.py): with as many pytest workers as there
# are processors, those of torch spin against each other, and a test of 2 s took more than 60. Before torch is imported.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

settings.register_profile(
    "same",
    derandomize=True,  # a change is judged by what it changes; new examples: pytest --hypothesis-profile=search
    deadline=None,  # a busy machine is no fault
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.register_profile("search", settings.get_profile("same"), derandomize=False, print_blob=True)
settings.load_profile("same")


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable() -> Iterator[None]:
    """Half a surrogate pair, which a test may have logged, has no UTF-8: pytest-xdist could not send it."""
    return _encodable((yield))  # type: ignore[func-returns-value]


def _encodable(value: Any) -> Any:
    match value:
        case str():
            return value.encode(errors="backslashreplace").decode()
        case dict():
            return {_encodable(key): _encodable(each) for key, each in value.items()}
        case list() | tuple():
            return type(value)(map(_encodable, value))
        case _:
            return value
