"""For the tests of plugins and of the core; shipped, so that a third party has what we have.

conformance   the suite that every engine passes, in one line of pytest
engines       ToneEngine and FaultyEngine, with their manifests
clock         FakeClock
devices       FakeDevices
parity        a pipeline held against recorded data
"""
