"""Bounds the pixels that are in memory, in decode or between decode and encode. For one event loop; knows no images.

Who waits holds no thread: a blocked one could be the thread that the next step needs. What was taken is given back
when the last work that uses it has really ended, which for a thread may be later than its caller was told.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager


class PixelHold:
    """Pixels that were taken, until the block and every work that uses them have ended."""

    def __init__(self, pixels: int, give_back: Callable[[int], None]) -> None:
        self._pixels = pixels
        self._give_back = give_back
        self._uses = 1

    def begin_use(self) -> None:
        """One more work needs the pixels."""
        self._uses += 1

    def end_use(self) -> None:
        """That work has ended."""
        self._uses -= 1
        if self._uses == 0:
            self._give_back(self._pixels)


class PixelLimit:
    """Lets tasks hold pixels up to a limit, in the order they came; a photo above the limit is held alone."""

    def __init__(self, max_pixels: int) -> None:
        self._max_pixels = max_pixels
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()
        self.held = 0

    @asynccontextmanager
    async def hold(self, pixels: int) -> AsyncIterator[PixelHold]:
        """Wait until `pixels` fit, and hold them while the block runs and while they are used."""
        await self._take(pixels)
        held = PixelHold(pixels, self._give_back)
        try:
            yield held
        finally:
            held.end_use()

    async def _take(self, pixels: int) -> None:
        if not self._waiting and self._fits(pixels):
            self.held += pixels
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((pixels, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self._waiting = deque(entry for entry in self._waiting if entry[1] is not turn)
                self._admit()  # the next one may fit where this one did not
            else:
                self._give_back(pixels)  # the turn came while the task was being cancelled
            raise

    def _give_back(self, pixels: int) -> None:
        self.held -= pixels
        self._admit()

    def _admit(self) -> None:
        while self._waiting and self._fits(self._waiting[0][0]):
            pixels, turn = self._waiting.popleft()
            if not turn.done():
                self.held += pixels
                turn.set_result(None)

    def _fits(self, pixels: int) -> bool:
        return self.held == 0 or self.held + pixels <= self._max_pixels
