"""The one bound of accepted photos: from the first byte decoded to the answer. For one event loop; knows no photos.

A permit is taken once for each photo and handed on with it: the crop service takes no photo without one. Whom a full
service refuses and who waits for room is the caller's decision.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Permit:
    """The right to have one photo cropped, while the block that took it runs."""

    def __init__(self) -> None:
        self._is_valid = True

    def spend(self) -> None:
        """Called by who crops the photo. Raises RuntimeError for a second photo, and after the block."""
        if not self._is_valid:
            raise RuntimeError("a permit is for one photo, and ends with its block")
        self._is_valid = False

    def end(self) -> None:
        """The block ends: nothing can be cropped by this permit any more."""
        self._is_valid = False


class AcceptedPhotos:
    """Counts photos that are accepted and unanswered, at most `max_photos`."""

    def __init__(self, max_photos: int) -> None:
        self._room = asyncio.Semaphore(max_photos)
        self.count = 0

    @property
    def is_full(self) -> bool:
        """Whether the next photo has to wait."""
        return self._room.locked()

    @asynccontextmanager
    async def accept(self) -> AsyncIterator[Permit]:
        """A permit for one photo; waits for room, in the order asked, and never if `is_full` is false."""
        async with self._room:
            self.count += 1
            permit = Permit()
            try:
                yield permit
            finally:
                self.count -= 1
                permit.end()
