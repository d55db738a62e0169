"""Damages files in the ways that find faults in parsers: bits, lengths, cuts, repeats, and parts of other files."""

from collections.abc import Sequence
from random import Random

from benchmarks.attack.seeds import INTERESTING

_MAX_CHANGES = 6


def mutated(files: Sequence[bytes], chance: Random) -> bytes:
    """One of the files, damaged in one to six places; everything is drawn from `chance`."""
    content = bytearray(chance.choice(files))
    for _ in range(chance.randint(1, _MAX_CHANGES)):
        if not content:
            break
        at = chance.randrange(len(content))
        # Headers decide more than pixels do.
        at = chance.randrange(min(64, len(content))) if chance.random() < 0.4 else at
        kind = chance.randrange(7)
        if kind == 0:
            content[at] ^= 1 << chance.randrange(8)
        elif kind == 1:
            content[at] = chance.randrange(256)
        elif kind == 2:
            value = chance.choice(INTERESTING)
            content[at : at + len(value)] = value
        elif kind == 3:
            del content[at : at + chance.randint(1, 200)]
        elif kind == 4:
            content[at:at] = content[at : at + chance.randint(1, 400)] * chance.randint(1, 4)
        elif kind == 5:
            other = chance.choice(files)
            start = chance.randrange(len(other))
            content[at:] = other[start:]
        else:
            del content[at:]
    return bytes(content)
