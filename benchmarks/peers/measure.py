"""Loads on running peers, in turn, round after round, so that a machine that slows down slows all of them."""

import asyncio
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import uvloop

from benchmarks.peers.bodies import body_of, content_type_of
from benchmarks.peers.process import PeerProcess
from benchmarks.peers.registry import Peer
from benchmarks.serving.load import Answer, LoadGenerator


@dataclass(frozen=True)
class Sample:
    """One closed loop on one peer."""

    photos_per_s: float
    cpu_ms: float  # of the whole process tree, a photo
    p50_ms: float
    p99_ms: float
    failed: int


@dataclass
class Measured:
    """What came of a peer: samples by (size, clients), one a round."""

    peer: Peer
    ready_s: float
    idle_mib: float
    installed_mib: float | None = None
    idle_cpu_share: float = 0.0
    loaded_mib: dict[str, float] = field(default_factory=dict)
    samples: dict[tuple[str, int], list[Sample]] = field(default_factory=dict)

    def median(self, size: str, clients: int, what: str) -> float:
        """The median over rounds of one figure; NaN where the load was not run."""
        values = [getattr(sample, what) for sample in self.samples.get((size, clients), [])]
        return statistics.median(values) if values else float("nan")


def closed_loop(process: PeerProcess, peer: Peer, photos: list[bytes], clients: int, seconds: float) -> Sample:
    """`clients` that each send the next photo when the last is answered, for `seconds`."""

    async def go() -> tuple[list[Answer], float]:
        bodies = [body_of(photo, peer.form_field) for photo in photos]
        generator = LoadGenerator(process.port, bodies, peer.path, content_type=content_type_of(peer.form_field))
        began = time.perf_counter()
        answers = await generator.closed_loop(clients, seconds)
        took = time.perf_counter() - began
        await generator.close()
        return answers, took

    cpu_from = process.cpu_s()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        answers, took = runner.run(go())
    good = [answer.latency_s for answer in answers if answer.status == 200]
    if not good:
        return Sample(0.0, float("nan"), float("nan"), float("nan"), len(answers))
    p50, p99 = np.percentile(good, [50, 99]) * 1000
    cpu_ms = (process.cpu_s() - cpu_from) / len(good) * 1000
    return Sample(len(good) / took, cpu_ms, float(p50), float(p99), len(answers) - len(good))


def measure_round(
    running: list[tuple[Measured, PeerProcess]],
    size: str,
    photos: list[bytes],
    clients: Sequence[int],
    seconds: float,
) -> None:
    """Every load of one size on every peer once; adds a sample to each."""
    for count in clients:
        for measured, process in running:
            memory_from = len(process.peak_mib)
            sample = closed_loop(process, measured.peer, photos, count, seconds)
            measured.samples.setdefault((size, count), []).append(sample)
            peak = max(process.peak_mib[memory_from:], default=process.memory_mib())
            measured.loaded_mib[size] = max(measured.loaded_mib.get(size, 0.0), peak)
