"""The report of the serving benchmark: what counts, and where a target is missed."""

from dataclasses import replace

import pytest

from benchmarks.serving.load import Answer
from benchmarks.serving.report import SHORT_DEADLINES, Run, Target, check
from benchmarks.serving.stages import StageCost

COST = StageCost(decode_s=0.02, inference_s=0.02)  # two CPUs could do 50 photos a second
SECONDS = 10.0


def run(name: str, good: int, *, refused: int = 0, latency_s: float = 0.1, queue_ms: float = 0.4) -> Run:
    answers = [Answer(200, latency_s, {"queue": queue_ms})] * good + [Answer(429, 0.001, {})] * refused
    return Run(name, SECONDS, answers, 2.0, 0.01, 8.0, [400.0, 410.0, 412.0, 413.0])


@pytest.fixture
def runs() -> dict[str, Run]:
    """A server that keeps every promise."""
    return {
        "1 client": run("1 client", 200),
        "32 clients": run("32 clients", 420),
        "open 2.0x": run("open 2.0x", 400, refused=400, latency_s=3.0),
        SHORT_DEADLINES: run(SHORT_DEADLINES, 350, refused=450, latency_s=0.6),
    }


def missed(runs: dict[str, Run]) -> list[str]:
    return [target.promise for target in check(runs, COST, 2, "1 MP", 10.0) if not target.holds]


def test_a_server_that_keeps_every_promise_misses_none(runs: dict[str, Run]) -> None:
    assert missed(runs) == []


@pytest.mark.parametrize(
    ("name", "worse", "promise"),
    [
        ("open 2.0x", run("", 370, refused=400), "goodput at 2x overload >="),
        (SHORT_DEADLINES, run("", 330, refused=470), "with deadlines of 900 ms"),
        ("open 2.0x", run("", 400, latency_s=11.0), "p99 inside the deadline"),
        ("open 2.0x", replace(run("", 400), memory_mib=[400.0, 400.0, 430.0, 430.0]), "memory flat"),
        ("1 client", run("", 200, queue_ms=1.5), "batcher adds less"),
        ("32 clients", run("", 390), "throughput >= 80 %"),
    ],
)
def test_each_promise_can_be_missed(runs: dict[str, Run], name: str, worse: Run, promise: str) -> None:
    found = missed({**runs, name: worse})
    assert len(found) == 1
    assert promise in found[0]


def test_refusals_and_failures_are_no_goodput() -> None:
    mixed = run("mixed", 100, refused=50)
    mixed.answers.append(Answer(500, 0.1, {}))
    assert mixed.goodput == 10.0
    offered, goodput, refusals, others = [cell.strip() for cell in mixed.row().split("|")[2:6]]
    assert (offered, goodput, refusals, others) == ("15.1", "10.0", "50", "1")


def test_rows_fit_their_headers() -> None:
    for header, row in (
        (Run.header(), run("a", 1).row()),
        (Target.header(), Target("promise", "1 s", True).row()),
    ):
        title, rule = header.splitlines()
        assert title.count("|") == rule.count("|") == row.count("|")
