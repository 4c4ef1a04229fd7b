"""Meadowlark: every voice engine behind one Wyoming port."""

__version__ = "0.1.0"
