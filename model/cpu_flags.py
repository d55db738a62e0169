"""What this CPU computes natively, by its own flags. Reads `/proc/cpuinfo` alone; elsewhere it promises nothing."""

from pathlib import Path

_CPUINFO = Path("/proc/cpuinfo")


def has_amx_bf16(cpuinfo: Path = _CPUINFO) -> bool:
    """Whether every core multiplies bfloat16 matrices in AMX.

    AVX-512's own bfloat16 does not count: with it bf16 needs as much CPU as f32 here (docs/benchmarks.md), and
    without either it is emulated.
    """
    try:
        lines = cpuinfo.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return False
    cores = [set(line.partition(":")[2].split()) for line in lines if line.startswith("flags")]
    return bool(cores) and all("amx_bf16" in flags for flags in cores)
