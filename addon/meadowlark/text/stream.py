"""The one rule by which the text front end does not depend on chunks.

Every stage decides from characters that it has read, left to right, and raises `NeedMoreError` before it would read
past the end of what has come. A decision once made is then the same with any text behind it.
"""

from __future__ import annotations


class NeedMoreError(Exception):
    """Undecided until more text comes."""
