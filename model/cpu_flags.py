"""What this CPU computes natively, by its own flags. Reads `/proc/cpuinfo` alone; elsewhere it promises nothing."""

from pathlib import Path

_CPUINFO = Path("/proc/cpuinfo")
# AMX and AVX-512 each have their own bfloat16 instructions; without either it is emulated, and slower than f32.
_BF16_FLAGS = frozenset({"amx_bf16", "avx512_bf16"})


def has_native_bf16(cpuinfo: Path = _CPUINFO) -> bool:
    """Whether bfloat16 is faster here than f32: every core has the instructions for it."""
    try:
        lines = cpuinfo.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return False
    cores = [set(line.partition(":")[2].split()) for line in lines if line.startswith("flags")]
    return bool(cores) and all(flags & _BF16_FLAGS for flags in cores)


def cpu_precision(wanted: str, cpuinfo: Path = _CPUINFO) -> str:
    """`f32` or `bf16` for a CPU: what is wanted, `auto` being the faster of the two."""
    if wanted != "auto":
        return wanted
    return "bf16" if has_native_bf16(cpuinfo) else "f32"
