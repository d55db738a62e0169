"""Event loops that a test can ask for by a mark: one whose time passes at once, and the one that serves."""

import asyncio
import selectors
from collections.abc import Callable
from typing import Any

import pytest
import uvloop


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


def loop_of(item: pytest.Item) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """What `pytest_asyncio_loop_factories` answers for a test: the loop of its mark, else asyncio's own."""
    if item.get_closest_marker("virtual_time"):
        return {"virtual time": VirtualTimeLoop}
    if item.get_closest_marker("uvloop"):
        return {"uvloop": uvloop.new_event_loop}
    return {"asyncio": asyncio.new_event_loop}
