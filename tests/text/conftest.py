"""What the tests of the text front end share."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile(
    "text", deadline=None, max_examples=200, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
settings.load_profile("text")
