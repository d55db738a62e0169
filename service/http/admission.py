"""Whom a full service refuses: accepted photos and bytes of uploads are bounded, nobody waits for room, and nobody
waits longer than the answer is worth having.

Refusing happens here, before a photo is decoded: work spent on a request that is refused later is lost twice.
"""

import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

from vrn_cropper.service.core.accepted_photos import AcceptedPhotos, Permit
from vrn_cropper.service.core.wait_estimate import WaitEstimate
from vrn_cropper.service.errors import DeadlineError, OverloadedError


class ByteHold:
    """Bytes that one request holds in memory."""

    def __init__(self, admission: "Admission") -> None:
        self._admission = admission
        self.size = 0

    def grow(self, size: int) -> None:
        """Hold `size` more bytes. Raises OverloadedError if all requests together would hold too many."""
        self._admission.take_bytes(size)
        self.size += size


class Admission:
    """Refuses what the bounds do not take. For one event loop. `waits` is taught by each accepted photo."""

    def __init__(
        self,
        accepted: AcceptedPhotos,
        max_bytes: int,
        waits: WaitEstimate,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._accepted = accepted
        self._max_bytes = max_bytes
        self._waits = waits
        self._clock = clock
        self.bytes = 0

    @property
    def photos(self) -> int:
        """Accepted and unanswered."""
        return self._accepted.count

    @property
    def is_full(self) -> bool:
        """Whether one more photo would be refused."""
        return self._accepted.is_full

    def check_room(self, timeout_s: float) -> None:
        """Raises OverloadedError if one more photo, whose answer is due in `timeout_s`, would be refused now."""
        ahead = self.photos
        wait_s = self._waits.wait_s(ahead)
        if self.is_full:
            raise OverloadedError(f"the service is busy with {ahead} photos; try again later", wait_s)
        if self._waits.is_late(ahead, timeout_s):
            raise OverloadedError(
                f"the photo would wait about {wait_s:.1f} s behind {ahead} others, longer than its deadline allows;"
                " try again later",
                wait_s - timeout_s,
            )

    @asynccontextmanager
    async def accept(self, deadline_at: float) -> AsyncIterator[Permit]:
        """The permit of one photo, accepted while the block runs; its answer is due at that time of the clock.

        Raises OverloadedError, also where the answer would come too late; never waits.
        """
        began_at, ahead = self._clock(), self.photos
        self.check_room(deadline_at - began_at)
        async with self._accepted.accept() as permit:
            try:
                yield permit
            except DeadlineError:
                self._waits.gave_up(ahead, self._clock() - began_at)
                raise
        # Not of a photo that was refused: it took no engine.
        self._waits.answered(ahead, self._clock() - began_at)

    @contextmanager
    def hold_bytes(self) -> Iterator[ByteHold]:
        """Bytes held while the block runs; the hold grows as they arrive."""
        hold = ByteHold(self)
        try:
            yield hold
        finally:
            self.bytes -= hold.size

    def take_bytes(self, size: int) -> None:
        """For `ByteHold`. Raises OverloadedError. One upload alone always fits."""
        if self.bytes and self.bytes + size > self._max_bytes:
            raise OverloadedError("too many uploads at once; try again later", self._waits.wait_s(self.photos))
        self.bytes += size
