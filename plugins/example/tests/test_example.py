from meadowlark.testing import conformance

TestBeeps = conformance.suite("beeps")
