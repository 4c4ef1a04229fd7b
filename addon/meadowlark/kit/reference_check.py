"""Whether a recording can be a voice: `python -m meadowlark.kit.reference_check FILE`, one line of JSON on stdout.

A process of its own, run by the interpreter of an engine that uses recordings: only there are the libraries that read
them, and a file that crashes one of those harms nobody.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from .references import VoiceReferenceError, speech_of


def main() -> None:
    """Say how many seconds of speech there are, or what is wrong."""
    try:
        speech, rate = speech_of(Path(sys.argv[1]))
        found: dict[str, object] = {"seconds": round(len(speech) / rate, 2)}
    except VoiceReferenceError as error:
        found = {"problem": str(error)}
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
