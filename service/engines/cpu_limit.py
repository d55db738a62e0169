"""How many CPUs this process may really use. Knows cgroups v1 and v2 and nothing else of the service.

A container's limit is a time quota: the host's core count, which libraries take for their thread counts, is
then far too high, and too many threads on too little quota means throttling.
"""

import math
import os
from pathlib import Path

_CGROUP_ROOT = Path("/sys/fs/cgroup")
_MEMBERSHIP = Path("/proc/self/cgroup")


def available_cpus(cgroup_root: Path = _CGROUP_ROOT, membership: Path = _MEMBERSHIP) -> int:
    """Whole CPUs that this process may use, at least 1: the affinity mask, cut by every cgroup quota above
    it.
    """
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
    quota = min(_quotas(cgroup_root, membership), default=math.inf)
    # A quota of 1.5 CPUs runs two threads better than one; below one CPU there is still one thread.
    return max(1, min(affinity, math.ceil(quota) if math.isfinite(quota) else affinity))


def _quotas(root: Path, membership: Path) -> list[float]:
    """Every CPU quota, in CPUs, from this process's cgroup up to the root."""
    paths = {"": "/", "cpu": "/"}
    for line in _read(membership).splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            paths[controller] = path
    v2 = [_v2_quota(folder) for folder in _upwards(root, paths[""])]
    v1 = [_v1_quota(folder) for folder in _upwards(root / "cpu", paths["cpu"])]
    return [quota for quota in v1 + v2 if quota is not None]


def _upwards(root: Path, path: str) -> list[Path]:
    # Inside a container the path may be the host's, which does not exist here; the root is then the limit.
    parts = Path(path.lstrip("/")).parts
    return [root.joinpath(*parts[:depth]) for depth in range(len(parts), -1, -1)]


def _v2_quota(folder: Path) -> float | None:
    fields = _read(folder / "cpu.max").split()
    return int(fields[0]) / int(fields[1]) if len(fields) == 2 and fields[0] != "max" else None


def _v1_quota(folder: Path) -> float | None:
    quota, period = _read(folder / "cpu.cfs_quota_us").strip(), _read(folder / "cpu.cfs_period_us").strip()
    return int(quota) / int(period) if quota and period and int(quota) > 0 else None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except OSError:
        return ""
