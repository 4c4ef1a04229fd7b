"""Text to sentences: markers lifted out, markup cleaned away, boundaries found. Pure: no I/O, no clock, no log."""

from meadowlark.text.markers import MarkerMap
from meadowlark.text.segmenter import Segmenter, Sentence
from meadowlark.text.ssml import plain_text

__all__ = ["Segmenter", "Sentence", "MarkerMap", "plain_text"]
