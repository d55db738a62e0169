"""One line an attack, and the table."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from benchmarks.attack.victim import Watched


@dataclass(slots=True)
class Result:
    """`failed` names what went wrong: each is a fault of the server. Times in seconds."""

    name: str
    tried: int = 0
    failed: list[str] = field(default_factory=list)
    worst_s: float = 0.0
    cpu_s: float = 0.0
    seen: Watched | None = None

    def note(self, seconds: float, fault: str | None = None) -> None:
        """One more was tried."""
        self.tried += 1
        self.worst_s = max(self.worst_s, seconds)
        if fault is not None:
            self.failed.append(fault)


def table(results: Iterable[Result]) -> str:
    """Markdown."""
    rows = [
        "| attack | tried | failed | slowest answer | CPU in all | highest memory | slowest probe | other's p99 |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for result in results:
        seen = result.seen
        watched = "| | | |"
        if seen is not None:
            rise = seen.peak_mib - seen.began_mib
            watched = (
                f"| {seen.peak_mib:.0f} MiB (+{max(0.0, rise):.0f}) | {seen.slowest_probe_s * 1e3:.0f} ms"
                f" | {seen.photo_p99_s * 1e3:.0f} ms |"
            )
        counts = f"| {result.name} | {result.tried} | {len(result.failed)} | {result.worst_s:.2f} s "
        rows.append(f"{counts}| {result.cpu_s:.1f} s {watched}")
    return "\n".join(rows)
