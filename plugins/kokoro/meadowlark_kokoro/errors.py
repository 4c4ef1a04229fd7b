"""What may be wrong with Kokoro's files."""

from __future__ import annotations


class ModelFileError(Exception):
    """A file cannot be used; the text names it and the remedy."""
