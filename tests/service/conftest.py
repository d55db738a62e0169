"""Fakes and helpers of the service's tests: virtual time, a runner, an observer, an engine."""

import asyncio
import contextlib
import hashlib
import json
import selectors
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
import numpy as np
import pytest

from vrn_cropper.model.photos.input_shapes import INPUT_SHAPES
from vrn_cropper.service.composition import build_process
from vrn_cropper.service.core.batch_contract import BatchLimits
from vrn_cropper.service.core.batcher import Batcher
from vrn_cropper.service.engines.contract import stack_items
from vrn_cropper.service.settings import read_settings


class _InstantSelector(selectors.SelectSelector):
    """Never waits: the time that the loop would sleep passes at once."""

    def __init__(self) -> None:
        super().__init__()
        self.passed_s = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        events = super().select(0)
        if not events:
            if timeout is None:
                raise RuntimeError("the test waits for something that will never happen")
            self.passed_s += max(0.0, timeout)
        return events


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock jumps to the next timer."""

    def __init__(self) -> None:
        self._virtual = _InstantSelector()
        super().__init__(self._virtual)

    def time(self) -> float:
        # Twice the loop's clock resolution more than what passed, as a timer may be a hair early otherwise.
        return self._virtual.passed_s


def virtual_clock() -> float:
    return asyncio.get_running_loop().time()


@pytest.fixture(name="virtual_clock")
def virtual_clock_of_tests() -> Callable[[], float]:
    """The clock of virtual time."""
    return virtual_clock


def run_virtual(work: Coroutine[Any, Any, Any]) -> Any:
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(work)


@dataclass
class FakeRunner:
    """Answers each item with its double, after `seconds_per_item` each, or as `behave` says."""

    seconds_per_item: float = 0.0
    behave: Callable[[list[Any]], Sequence[Any]] = lambda items: [item * 2 for item in items]
    batches: list[list[Any]] = field(default_factory=list)
    prepared: list[list[Any]] = field(default_factory=list)
    started_at: list[float] = field(default_factory=list)
    parallel_batches: int = 1
    running: int = 0

    async def prepare(self, items: Sequence[Any]) -> list[Any]:
        self.prepared.append(list(items))
        return list(items)

    async def run(self, prepared: list[Any]) -> Sequence[Any]:
        assert self.running < self.parallel_batches, "a runner is never asked for more batches at once than it takes"
        self.running += 1
        self.batches.append(prepared)
        self.started_at.append(virtual_clock())
        try:
            await asyncio.sleep(self.seconds_per_item * len(prepared))
            return self.behave(prepared)
        finally:
            self.running -= 1


@dataclass
class RecordingObserver:
    dropped: list[str] = field(default_factory=list)
    formed: list[tuple[int, float]] = field(default_factory=list)
    ran: list[tuple[int, float]] = field(default_factory=list)

    def item_dropped(self, reason: str) -> None:
        self.dropped.append(reason)

    def batch_formed(self, size: int, formation_s: float) -> None:
        self.formed.append((size, formation_s))

    def batch_ran(self, size: int, run_s: float) -> None:
        self.ran.append((size, run_s))


class RunningBatcher:
    """A batcher whose loop runs while the block does, in virtual time."""

    def __init__(
        self, runner: FakeRunner, observer: RecordingObserver, *, max_batch_size: int = 4, max_wait_s: float = 1.0,
    ) -> None:  # fmt: skip
        limits = BatchLimits(max_batch_size, max_wait_s, runner.parallel_batches)
        self.batcher: Batcher[Any, Any] = Batcher(runner, limits, observer, virtual_clock)

    async def __aenter__(self) -> Batcher[Any, Any]:
        self.loop_task = asyncio.create_task(self.batcher.run())
        return self.batcher

    async def __aexit__(self, *_: object) -> None:
        self.loop_task.cancel()
        await asyncio.gather(self.loop_task, return_exceptions=True)


@pytest.fixture
def running_batcher() -> type[RunningBatcher]:
    return RunningBatcher


@pytest.fixture
def fake_runner() -> type[FakeRunner]:
    return FakeRunner


@pytest.fixture
def observer() -> RecordingObserver:
    return RecordingObserver()


@pytest.fixture
def in_virtual_time() -> Callable[[Coroutine[Any, Any, Any]], Any]:
    """Runs a coroutine to its end in virtual time."""
    return run_virtual


class FakeEngine:
    """Scores a view by its left edge; a photo whose first pixel is white is poison. `calls` names what was asked."""

    device, precision, best_batch_size, parallel_batches = "fake", "f32", 4, 1

    def __init__(self, load_error=None):
        self.load_error = load_error
        self.batches = []
        self.calls = []

    def load(self):
        self.calls.append("load")
        if self.load_error:
            raise self.load_error

    def warm_up(self):
        self.calls.append("warm_up")

    def prepare(self, items):
        return stack_items(items)

    def score(self, batch):
        self.calls.append("score")
        self.batches.append(len(batch.view_counts))
        if (batch.photos[:, 0, 0] == 255).all(-1).any():
            raise RuntimeError("/secret/path: poison")
        scores = batch.boxes_normalized[:, :, 0]
        return [np.array(scores[row, :count]) for row, count in enumerate(batch.view_counts)]

    def memory_bytes(self):
        return 4096

    def close(self):
        self.calls.append("close")


@pytest.fixture
def fake_engine():
    return FakeEngine


@pytest.fixture
def export_path(tmp_path):
    graph = tmp_path / "tiny.onnx"
    graph.write_bytes(b"a graph")
    facts = {
        "name": "tiny", "version": "v1", "input_shapes": [list(shape) for shape in INPUT_SHAPES],
        "sha256": hashlib.sha256(b"a graph").hexdigest(),
    }  # fmt: skip
    graph.with_suffix(".json").write_text(json.dumps(facts))
    return graph


@pytest.fixture
def serving(export_path):
    """An async context: (client, process) of a running application, with `VRN_*` settings by keyword."""

    @contextlib.asynccontextmanager
    async def start(engine=None, warm=True, clock=time.monotonic, **settings):
        variables = {f"VRN_{name.upper()}": str(value) for name, value in settings.items()}
        process = build_process(
            read_settings({"VRN_MODEL_PATH": str(export_path), "VRN_DECODE_THREADS": "2", **variables}),
            engine or FakeEngine(),
            clock=clock,
        )
        transport = httpx.ASGITransport(process.app, raise_app_exceptions=False)
        async with contextlib.AsyncExitStack() as stack:
            if warm:
                await stack.enter_async_context(process.core.running())
                process.lifecycle.warmed_up()
            yield (
                await stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url="http://test")),
                process,
            )

    return start
