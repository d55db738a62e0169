"""What the service's tests are given: a runner, an observer, a batcher, an application around a fake engine."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from tests.fakes import FakeEngine, write_export
from tests.loops import virtual_clock
from vrn_cropper.service.composition import build_process
from vrn_cropper.service.core.batch_contract import BatchLimits
from vrn_cropper.service.core.batcher import Batcher
from vrn_cropper.service.settings import read_settings


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
def fake_engine():
    return FakeEngine


@pytest.fixture
def export_path(tmp_path):
    return write_export(tmp_path)


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
