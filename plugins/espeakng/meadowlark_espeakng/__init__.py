"""espeak-ng for several engines at once: speech (`synthesis`), phonemes (`phonemes`), what voices there are (`voices`).

    data ◄── voices                 pure Python, milliseconds: for manifests
    data ◄── library ◄── mnemonics ◄── synthesis  ctypes; one private copy of the C library each: they never meet
                     ◄── phonemes

Knows nothing of Meadowlark. Import the module you need; this one imports nothing.
"""
