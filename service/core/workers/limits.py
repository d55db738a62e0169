"""What the kernel lets a worker take: processor seconds, memory, and no life after its parent. Knows no photos."""

import ctypes
import math
import os
import resource
import signal
from pathlib import Path

_PR_SET_PDEATHSIG = 1  # from sys/prctl.h
_M_ARENA_MAX = -8  # from malloc.h
# Room for what a process needs beside the picture: code that is loaded late, stacks, the heap's own spare.
_SPARE_BYTES = 64 * 1024 * 1024


def die_with_parent(parent: int) -> None:
    """Be killed by the kernel when the process `parent`, which forked this one, ends; at once if it has ended."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def use_one_heap() -> None:
    """Memory for all threads from one heap: each further one would reserve 64 MiB of the address space."""
    ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


def limit_cpu(seconds: float) -> None:
    """The process is killed when it has used this much more processor time, in whole seconds rounded up."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _limit(resource.RLIMIT_CPU, math.ceil(used.ru_utime + used.ru_stime + seconds) + 1)


def limit_memory(more_bytes: int) -> None:
    """Taking more than this, beside what the process has now and some spare, fails as MemoryError or ends it."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    _limit(resource.RLIMIT_AS, pages * resource.getpagesize() + more_bytes + _SPARE_BYTES)


def resident_bytes() -> int:
    """Memory that the process has now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def _limit(which: int, value: int) -> None:
    """The soft limit, which the next photo sets anew."""
    most = resource.getrlimit(which)[1]
    resource.setrlimit(which, (value if most == resource.RLIM_INFINITY else min(value, most), most))
