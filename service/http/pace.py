"""When a transfer is too slow: a floor in bytes a second, with a pause allowed. Pure; knows no sockets."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PaceLimits:
    """`min_bytes_per_s` is the floor, `stall_timeout_s` how long a transfer may stand still; `timeout_s` ends it
    however fast it is.
    """

    min_bytes_per_s: float
    stall_timeout_s: float
    timeout_s: float = float("inf")


class Pace:
    """One transfer. Each byte buys the time that it takes at the floor; at most one stall's worth is saved up, so
    that a fast beginning does not pay for a long pause.
    """

    def __init__(self, limits: PaceLimits, began_at: float) -> None:
        self._limits = limits
        self._last_end_at = began_at + limits.timeout_s
        self.ends_at = min(began_at + limits.stall_timeout_s, self._last_end_at)

    def moved(self, size: int, now: float) -> None:
        """`size` bytes went over; `now` is a time of the clock, as `ends_at` is."""
        earned_at = self.ends_at + size / self._limits.min_bytes_per_s
        self.ends_at = min(earned_at, now + self._limits.stall_timeout_s, self._last_end_at)
