"""Whom a full service refuses: accepted photos and bytes of uploads are bounded, and nobody waits for room.

Refusing happens here, before a photo is decoded: work spent on a request that is refused later is lost twice.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

from vrn_cropper.service.core.accepted_photos import AcceptedPhotos, Permit
from vrn_cropper.service.errors import OverloadedError


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
    """Refuses what the bounds do not take. For one event loop.

    `estimate_s(photos)` says how long that many accepted photos take: the advice in `Retry-After`.
    """

    def __init__(self, accepted: AcceptedPhotos, max_bytes: int, estimate_s: Callable[[int], float]) -> None:
        self._accepted = accepted
        self._max_bytes = max_bytes
        self._estimate_s = estimate_s
        self.bytes = 0

    @property
    def photos(self) -> int:
        """Accepted and unanswered."""
        return self._accepted.count

    @property
    def is_full(self) -> bool:
        """Whether one more photo would be refused."""
        return self._accepted.is_full

    def check_room(self) -> None:
        """Raises OverloadedError if one more photo would be refused now."""
        if self.is_full:
            raise OverloadedError(
                f"the service is busy with {self.photos} photos; try again later", self._estimate_s(self.photos)
            )

    @asynccontextmanager
    async def accept(self) -> AsyncIterator[Permit]:
        """The permit of one photo, accepted while the block runs. Raises OverloadedError; never waits."""
        self.check_room()
        async with self._accepted.accept() as permit:
            yield permit

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
            raise OverloadedError("too many uploads at once; try again later", self._estimate_s(self.photos))
        self.bytes += size
