"""Bounds what is in decode at once, in pixels. For threads; knows nothing of images."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class PixelBudget:
    """Lets threads hold pixels up to a limit; a photo above the limit waits until it is alone.

    Waiting threads are served in the order they came, so a large photo is not passed over for ever.
    """

    def __init__(self, max_pixels: int) -> None:
        self._max_pixels = max_pixels
        self._held = 0
        self._next_ticket = 0
        self._serving = 0
        self._changed = threading.Condition()

    @contextmanager
    def hold(self, pixels: int) -> Iterator[None]:
        """Wait until `pixels` fit, and hold them while the block runs."""
        with self._changed:
            ticket = self._next_ticket
            self._next_ticket += 1
            self._changed.wait_for(lambda: ticket == self._serving and self._fits(pixels))
            self._serving += 1
            self._held += pixels
            self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._held -= pixels
                self._changed.notify_all()

    @property
    def held(self) -> int:
        """Pixels in decode now."""
        return self._held

    def _fits(self, pixels: int) -> bool:
        return self._held == 0 or self._held + pixels <= self._max_pixels
