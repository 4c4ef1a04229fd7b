"""What the tests of the text front end share."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("text", settings.default, max_examples=200)
settings.load_profile("text")
