"""One load and what came of it, the targets, and both as rows of Markdown. Pure: measures nothing itself."""

import statistics
from dataclasses import dataclass

import numpy as np

from benchmarks.serving.load import Answer
from benchmarks.serving.stages import StageCost

SHORT_DEADLINE_MS = 900
SHORT_DEADLINES = f"open 2.0x, {SHORT_DEADLINE_MS} ms"


@dataclass
class Run:
    """One load and what came of it."""

    name: str
    seconds: float
    answers: list[Answer]
    batch_size: float
    client_cpu_share: float
    server_cpu_s: float
    memory_mib: list[float]

    @property
    def good(self) -> list[Answer]:
        return [answer for answer in self.answers if answer.status == 200]

    @property
    def goodput(self) -> float:
        return len(self.good) / self.seconds

    def latency_ms(self, share: float) -> float:
        """A percentile of the latency of answered photos, from their intended send time."""
        latencies = [answer.latency_s for answer in self.good]
        return float(np.percentile(latencies, share * 100)) * 1000 if latencies else float("nan")

    @staticmethod
    def header() -> str:
        """Two lines above the rows."""
        columns = ("load", "offered/s", "goodput/s", "429", "other", "p50 ms", "p99 ms", "batch", "RSS MiB",
                   "CPU ms a photo", "client CPU")  # fmt: skip
        return "| " + " | ".join(columns) + " |\n" + "|---" * len(columns) + "|"

    def row(self) -> str:
        refused = sum(answer.status == 429 for answer in self.answers)
        others = len(self.answers) - len(self.good) - refused
        return (
            f"| {self.name} | {len(self.answers) / self.seconds:.1f} | {self.goodput:.1f} | {refused} | {others} |"
            f" {self.latency_ms(0.5):.0f} | {self.latency_ms(0.99):.0f} | {self.batch_size:.1f} |"
            f" {max(self.memory_mib):.0f} | {self.server_cpu_s / max(1, len(self.good)) * 1000:.1f} |"
            f" {self.client_cpu_share:.0%} |"
        )


@dataclass
class Target:
    """A promise, what was measured, and whether it holds."""

    promise: str
    measured: str
    holds: bool

    @staticmethod
    def header() -> str:
        """Two lines above the rows."""
        return "| target | measured | holds |\n|---|---|---|"

    def row(self) -> str:
        return f"| {self.promise} | {self.measured} | {'yes' if self.holds else '**no**'} |"


def check(runs: dict[str, Run], cost: StageCost, cpus: int, size: str, deadline_s: float) -> list[Target]:
    """The promises about one photo size, whose stages alone cost so much on so many CPUs."""
    capacity = max(run.goodput for name, run in runs.items() if "client" in name)
    overload, possible = runs["open 2.0x"], cost.photos_per_second(cpus)
    half = len(overload.memory_mib) // 2
    hurried = runs[SHORT_DEADLINES]
    growth = max(overload.memory_mib[half:]) - max(overload.memory_mib[:half] or [0])
    queue_ms = statistics.median(answer.stages_ms["queue"] for answer in runs["1 client"].good)
    return [
        Target(f"{size}: goodput at 2x overload >= 90 % of capacity", f"{overload.goodput / capacity:.0%}",
               overload.goodput >= 0.9 * capacity),
        Target(f"{size}: goodput at 2x overload with deadlines of {SHORT_DEADLINE_MS} ms >= 80 % of capacity",
               f"{hurried.goodput / capacity:.0%}", hurried.goodput >= 0.8 * capacity),
        Target(f"{size}: admitted p99 inside the deadline of {deadline_s:g} s",
               f"{overload.latency_ms(0.99) / 1000:.2f} s", overload.latency_ms(0.99) < deadline_s * 1000),
        Target(f"{size}: memory flat in the second half of the overload (below 5 % more)", f"{growth:+.0f} MiB",
               growth < 0.05 * max(overload.memory_mib)),
        Target(f"{size}: the batcher adds less than 1 ms at low load (median)", f"{queue_ms:.2f} ms", queue_ms < 1),
        Target(f"{size}: throughput >= 80 % of what the stages alone allow ({possible:.1f}/s)",
               f"{capacity / possible:.0%}", capacity >= 0.8 * possible),
    ]  # fmt: skip
