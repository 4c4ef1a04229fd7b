"""One side of a comparison: opens its engine, then speaks what it is told on stdin, and times itself."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path


def serve(engine):
    """engine: a class with `__init__(**settings)` and `speak(**order)`, which yields (samples, rate)."""
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # libraries may print
    settings = json.loads(sys.argv[1])
    if "cpus" in settings:
        os.sched_setaffinity(0, settings.pop("cpus"))
    begun = time.perf_counter()
    speaker = engine(**settings)
    print(json.dumps({"load": time.perf_counter() - begun}), file=out)
    for line in sys.stdin:
        order = json.loads(line)
        begun, cpu = time.perf_counter(), time.process_time()
        first, audio = 0.0, 0.0
        for samples, rate in speaker.speak(**order):
            first = first or time.perf_counter() - begun
            audio += samples / rate
        answer = {
            "first": first,
            "total": time.perf_counter() - begun,
            "cpu": time.process_time() - cpu,
            "audio": audio,
            "peak_mb": peak_mb(),
        }
        print(json.dumps(answer), file=out)


def peak_mb():
    """The most memory that this process has had; getrusage would count that of the process it was forked from."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / 1e6
    return 0.0
