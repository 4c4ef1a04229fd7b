"""What every engine must do."""

from meadowlark.testing import conformance

TestEspeak = conformance.suite("espeak")
