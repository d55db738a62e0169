"""How much the process takes on: accepted requests and bytes held, both bounded. Knows nothing of HTTP.

Refusing happens here, before a photo is decoded: work spent on a request that is refused later is lost twice.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

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
    """Counts what is accepted and unanswered. For one event loop.

    `estimate_s(items)` says how long that many accepted items take: the advice in `Retry-After`.
    """

    def __init__(self, max_items: int, max_bytes: int, estimate_s: Callable[[int], float]) -> None:
        self._max_items = max_items
        self._max_bytes = max_bytes
        self._estimate_s = estimate_s
        self.items = 0
        self.bytes = 0

    @property
    def is_full(self) -> bool:
        """Whether one more item would be refused."""
        return self.items >= self._max_items

    def check_room(self) -> None:
        """Raises OverloadedError if one more item would be refused now."""
        if self.is_full:
            raise OverloadedError(
                f"the service is busy with {self.items} photos; try again later", self._estimate_s(self.items)
            )

    @contextmanager
    def accept(self) -> Iterator[None]:
        """One item is accepted while the block runs. Raises OverloadedError."""
        self.check_room()
        self.items += 1
        try:
            yield
        finally:
            self.items -= 1

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
            raise OverloadedError("too many uploads at once; try again later", self._estimate_s(self.items))
        self.bytes += size
