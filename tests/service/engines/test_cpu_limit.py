"""The CPU limit is the container's quota, not the host's core count."""

import os

import pytest

from vrn_cropper.service.engines.cpu_limit import available_cpus


@pytest.fixture(autouse=True)
def _sixteen_cores(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(16)))


def tree(root, files):
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return root


@pytest.mark.parametrize(
    ("files", "membership", "cpus"),
    [
        ({}, "0::/\n", 16),
        ({"cpu.max": "max 100000\n"}, "0::/\n", 16),
        ({"cpu.max": "200000 100000\n"}, "0::/\n", 2),
        ({"cpu.max": "150000 100000\n"}, "0::/\n", 2),
        ({"cpu.max": "50000 100000\n"}, "0::/\n", 1),
        ({"pod/cpu.max": "300000 100000\n", "pod/app/cpu.max": "max 100000\n"}, "0::/pod/app\n", 3),
        ({"cpu.max": "400000 100000\n"}, "0::/path/of/the/host\n", 4),
        ({"cpu/cpu.cfs_quota_us": "400000\n", "cpu/cpu.cfs_period_us": "100000\n"}, "1:cpu,cpuacct:/\n", 4),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, "1:cpu:/\n", 16),
        ({"cpu.max": "6400000 100000\n"}, "0::/\n", 16),
    ],
    ids=[
        "no cgroup", "v2 without limit", "v2", "v2 rounds up", "v2 below one", "v2 limit of the parent",
        "v2 inside a container", "v1", "v1 without limit", "affinity below the quota",
    ],
)  # fmt: skip
def test_quota_and_affinity_both_count(tmp_path, files, membership, cpus):
    root = tree(tmp_path / "cgroup", {**files, ".keep": ""})
    member = tmp_path / "membership"
    member.write_text(membership)
    assert available_cpus(root, member) == cpus
