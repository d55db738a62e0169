"""Gives the memory of large pictures back to the system as soon as they are freed. Knows glibc alone.

glibc serves a block from its thread's own heap once a block of that size was freed, and such a heap is rarely
given back. With a heap for each decode thread a process then keeps several times what the pixel limits allow
(measured by tests/e2e/test_memory.py: 1211 MiB where 202 were in use).
"""

import ctypes
import sys

_M_MMAP_THRESHOLD = -3  # from malloc.h
# Pillow takes pictures in blocks of up to 16 MiB. What is smaller, as a JPEG at reduced scale, stays on the heap.
_MAPPED_FROM_BYTES = 4 * 1024 * 1024


def give_large_blocks_back() -> None:
    """Map blocks of 4 MiB and more on their own, for the whole process. No effect without glibc."""
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "mallopt"):
        libc.mallopt(_M_MMAP_THRESHOLD, _MAPPED_FROM_BYTES)
