"""One table for each language."""
