"""What can go wrong with espeak-ng.

EspeakError
├── InstallationError    library or data are not there, or do not load
└── UnknownVoiceError    no such voice or variant
"""

from __future__ import annotations


class EspeakError(Exception):
    """Base of all; its text says what is wrong and, where there is one, the remedy."""


class InstallationError(EspeakError):
    """Library or data are not there, or do not load."""


class UnknownVoiceError(EspeakError, LookupError):
    """espeak-ng has no such voice or variant."""
