"""The peers' figures as Markdown and JSON, and the targets. Pure: measures nothing itself."""

import json
import math
from collections.abc import Mapping, Sequence

from benchmarks.peers.measure import Measured
from benchmarks.serving.report import Target

POOL, EAGER = "FastAPI + ONNX Runtime pool", "FastAPI + torch eager"


def table(all_measured: Sequence[Measured], sizes: Sequence[str], clients: int) -> str:
    """Photos a second with CPU milliseconds and memory, one row a peer; the first one is ours."""
    head = ["", *(f"{size}: photos/s (CPU ms, p50, p99 ms, MiB loaded)" for size in sizes), "idle MiB", "ready s",
            "installed MiB"]  # fmt: skip
    rows = [head, ["---"] * len(head)]
    for measured in all_measured:
        cells = [measured.peer.name]
        for size in sizes:
            rate, cpu, p50, p99 = (
                measured.median(size, clients, what) for what in ("photos_per_s", "cpu_ms", "p50_ms", "p99_ms")
            )
            cells.append(
                f"{rate:.1f} ({cpu:.1f}, {p50:.0f}, {p99:.0f}, {measured.loaded_mib.get(size, math.nan):.0f})"
            )
        installed = "shared" if measured.installed_mib is None else f"{measured.installed_mib:.0f}"
        rows.append([*cells, f"{measured.idle_mib:.0f}", f"{measured.ready_s:.2f}", installed])
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def ratios(all_measured: Sequence[Measured], clients_of: Mapping[str, Sequence[int]]) -> str:
    """Our photos a second divided by each peer's, by size and number of clients."""
    ours, *peers = all_measured
    columns = [(size, count) for size, counts in clients_of.items() for count in counts]
    head = ["ours / theirs", *(f"{size}, {count} client{'s' if count > 1 else ''}" for size, count in columns)]
    rows = [head, ["---"] * len(head)]
    for peer in peers:
        rows.append([peer.peer.name, *(f"{_ratio(ours, peer, size, count):.2f}" for size, count in columns)])
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def targets(all_measured: Sequence[Measured], sizes: Sequence[str], has_bf16: bool) -> list[Target]:
    """The promises against what was measured; only those whose peers and sizes were run."""
    ours, *peers = all_measured
    by_name = {peer.peer.name: peer for peer in peers}
    wanted = {
        ("0.8 MP", POOL): 1.9 if has_bf16 else 1.15,
        ("12 MP", POOL): 1.35 if has_bf16 else 1.05,
        ("0.8 MP", EAGER): 5.0 if has_bf16 else 2.7,
        ("12 MP", EAGER): 5.0 if has_bf16 else 3.7,
    }
    found = []
    for (size, name), least in wanted.items():
        if size in sizes and name in by_name:
            ratio = _ratio(ours, by_name[name], size, 32)
            found.append(Target(f"{size}: at least {least} x {name}", f"{ratio:.2f} x", ratio >= least))
    rivals = [peer for peer in peers if peer.peer.runs_network and not peer.peer.is_ours]
    for size in sizes:
        best = min((peer.median(size, 1, "p50_ms") for peer in rivals), default=math.nan)
        own = ours.median(size, 1, "p50_ms")
        if not math.isnan(best):
            promise = f"{size}: p50 of one client no worse than any peer's that runs the network"
            found.append(Target(promise, f"{own:.0f} ms, best peer {best:.0f} ms", own <= best))
    if POOL in by_name:
        for size in sizes:
            own, theirs = (peer.median(size, 8, "p99_ms") for peer in (ours, by_name[POOL]))
            if not math.isnan(own + theirs):
                promise = f"{size}: p99 of 8 clients no worse than the pool's"
                found.append(Target(promise, f"{own:.0f} ms, pool {theirs:.0f} ms", own <= theirs))
    found.append(Target("idle at most 300 MiB", f"{ours.idle_mib:.0f} MiB", ours.idle_mib <= 300))
    loaded = max(ours.loaded_mib.values(), default=math.nan)
    found.append(Target("loaded at most 350 MiB with one ratio", f"{loaded:.0f} MiB", loaded <= 350))
    found.append(Target("ready within 1 s", f"{ours.ready_s:.2f} s", ours.ready_s <= 1))
    return found


def as_json(all_measured: Sequence[Measured]) -> str:
    """Every sample, for plots and for later comparisons."""
    return json.dumps(
        [
            {
                "peer": measured.peer.name,
                "ready_s": measured.ready_s,
                "idle_mib": measured.idle_mib,
                "installed_mib": measured.installed_mib,
                "loaded_mib": measured.loaded_mib,
                "samples": [
                    {"size": size, "clients": clients, **vars(sample)}
                    for (size, clients), samples in measured.samples.items()
                    for sample in samples
                ],
            }
            for measured in all_measured
        ],
        indent=1,
    )


def _ratio(ours: Measured, peer: Measured, size: str, clients: int) -> float:
    theirs = peer.median(size, clients, "photos_per_s")
    return ours.median(size, clients, "photos_per_s") / theirs if theirs else math.nan
