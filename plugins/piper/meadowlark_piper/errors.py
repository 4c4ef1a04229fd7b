"""What may be wrong with a voice."""

from __future__ import annotations


class VoiceFileError(Exception):
    """A voice's files cannot be used; the text names the file and the remedy."""
