"""What pytest collects here."""

collect_ignore = ["example"]
"""Not installed here, for it is no engine of a house; tests/test_third_party.py installs and tests it."""
