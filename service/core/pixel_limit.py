"""Bounds decoded photos that wait, in pixels. For one event loop; knows nothing of images.

`PixelBudget` bounds what threads decode and blocks them; this one bounds what is kept *between* decode and
encode, where no thread may be held: a blocked thread could be the one that the next step needs.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class PixelReserve:
    """Lets tasks hold pixels up to a limit, in the order they came; a photo above the limit is held alone."""

    def __init__(self, max_pixels: int) -> None:
        self._max_pixels = max_pixels
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()
        self.held = 0

    @asynccontextmanager
    async def hold(self, pixels: int) -> AsyncIterator[None]:
        """Wait until `pixels` fit, and hold them while the block runs."""
        await self._take(pixels)
        try:
            yield
        finally:
            self._give_back(pixels)

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
