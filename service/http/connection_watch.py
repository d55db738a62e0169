"""All open connections: how many there may be, who is overdue, what is held for clients that do not read.

Mechanics of one connection are in `service.http.connection`; knows nothing of HTTP's words and of photos.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from vrn_cropper.service.http.pace import PaceLimits

_log = logging.getLogger(__name__)
# In the scope of a request on a connection that has no place: `service.http.envelope` refuses work on it.
SURPLUS_KEY = "vrn.has_no_place"
_LONGEST_SWEEP_S = 1.0
_SWEEPS_PER_LIMIT = 4
# Beyond the bound, so many connections are let in to be told so; the next are closed without a word.
_MAX_SURPLUS = 64
_BIG_WRITE_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """Seconds and bytes; `transfer` is the floor of uploads and of reading answers alike."""

    max_connections: int
    max_head_bytes: int
    head_timeout_s: float
    idle_timeout_s: float
    transfer: PaceLimits
    max_unsent_bytes: int

    def sweep_interval_s(self) -> float:
        """How often to look, so that a limit is kept to within a quarter of it."""
        shortest_s = min(self.head_timeout_s, self.idle_timeout_s, self.transfer.stall_timeout_s)
        return min(_LONGEST_SWEEP_S, shortest_s / _SWEEPS_PER_LIMIT)


class WatchedConnection(Protocol):
    """What the watch asks of a connection."""

    def check(self, now: float) -> None:
        """End it if it is overdue."""

    def unsent_bytes(self) -> int:
        """Held for a client that has not read it yet."""

    def patience_ends_at(self) -> float:
        """When a client that reads slowly is cut."""

    def idle_since(self) -> float | None:
        """Since when nothing is asked on it; None while something is."""

    def shutdown(self) -> None:
        """End it in good order: nothing is asked on it."""

    def cut(self, reason: str) -> None:
        """End it at once."""


class ConnectionWatch:
    """For one event loop. `on_cut` is told why a connection was ended that was not at fault alone: a reason of
    `service.metrics.CUT_REASONS`.
    """

    def __init__(
        self,
        limits: ConnectionLimits,
        on_cut: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.limits = limits
        self.on_cut = on_cut
        self.clock = clock
        self._open: set[WatchedConnection] = set()

    @property
    def count(self) -> int:
        """Open connections."""
        return len(self._open)

    def has_unsent(self) -> bool:
        """Whether a client is still reading its answer."""
        return any(connection.unsent_bytes() for connection in self._open)

    def admit(self, connection: WatchedConnection) -> bool:
        """Whether a new connection has a place; the one that has been idle longest makes room.

        Without a place it is to be told so at its first request.
        """
        limit = self.limits.max_connections
        if len(self._open) >= limit:
            idle = [(since, other) for other in self._open if (since := other.idle_since()) is not None]
            if idle:
                longest = min(idle, key=lambda pair: pair[0])[1]
                longest.shutdown()
                self._open.discard(longest)
        surplus = len(self._open) - limit
        self._open.add(connection)
        if surplus >= _MAX_SURPLUS:
            connection.cut("too_many_connections")
        return surplus < 0

    def forget(self, connection: WatchedConnection) -> None:
        """It has ended."""
        self._open.discard(connection)

    async def run(self) -> None:
        """Look after the connections until cancelled."""
        interval_s = self.limits.sweep_interval_s()
        while True:
            await asyncio.sleep(interval_s)
            self.sweep()

    def sweep(self) -> None:
        """Look at every connection once."""
        now = self.clock()
        for connection in list(self._open):
            try:
                connection.check(now)
            except Exception:
                _log.exception("a connection could not be looked after; it is cut")
                connection.cut("failed")
        self._bound_unsent()

    def wrote(self, size: int) -> None:
        """A connection wrote `size` bytes of an answer."""
        if size >= _BIG_WRITE_BYTES:
            self._bound_unsent()

    def _bound_unsent(self) -> None:
        """Cut those that are nearest to being cut for slowness, until what is held fits."""
        holding = [(connection, unsent) for connection in self._open if (unsent := connection.unsent_bytes())]
        total = sum(unsent for _, unsent in holding)
        for connection, unsent in sorted(holding, key=lambda pair: pair[0].patience_ends_at()):
            if total <= self.limits.max_unsent_bytes:
                return
            total -= unsent
            connection.cut("unsent_limit")  # holds nothing any more, although its end comes a little later
