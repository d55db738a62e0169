"""Where the time of a photo or a request goes: every moment belongs to one named stage, so the stages add up.

For one task at a time; knows nothing of what the stages do.
"""

from collections.abc import Callable

# In the order in which a request meets them. `photos` is a batch request's own: its photos run side by side.
STAGES = (
    "receive", "decode_wait", "decode", "queue", "inference", "rank", "encode_wait", "encode", "photos", "answer",
)  # fmt: skip


class Stages:
    """A stopwatch that is always in exactly one stage, from `began_at` (a time of the clock) on."""

    def __init__(self, first: str, clock: Callable[[], float], began_at: float | None = None) -> None:
        self._clock = clock
        self._seconds = {first: 0.0}
        self._current = first
        self._changed_at = clock() if began_at is None else began_at

    def begin(self, name: str) -> None:
        """The current stage ends, and `name` begins or goes on."""
        self._close()
        self._current = name
        self._seconds.setdefault(name, 0.0)

    def split(self, name: str, seconds: float) -> None:
        """Of the current stage so far, `seconds` belong to `name`: it measured itself while it was waited for."""
        self._close()
        moved = min(seconds, self._seconds[self._current])
        self._seconds[self._current] -= moved
        self._seconds[name] = self._seconds.get(name, 0.0) + moved

    def seconds(self) -> dict[str, float]:
        """Each stage's seconds until now."""
        self._close()
        return dict(self._seconds)

    def _close(self) -> None:
        now = self._clock()
        self._seconds[self._current] += now - self._changed_at
        self._changed_at = now
