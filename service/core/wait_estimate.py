"""How long an accepted photo will wait for its answer, from what others took. Pure; knows no clock and no photos.

While the process is busy, a photo that came as the n-th takes n times what one photo costs it. So each answer tells
that cost: its time divided by the photos that were there, itself included. With fewer photos than the process works
on at once that is only an upper bound, and with a deadline that passed a lower one.
"""

_SMOOTHING = 0.2  # weight of the newest measurement
# Photos differ: one whose expected wait just fits its deadline would miss it half of the time, its decode wasted.
_MARGIN = 1.25


class WaitEstimate:
    """`parallel`: photos that the process works on at once."""

    def __init__(self, parallel: int) -> None:
        self._parallel = parallel
        self.seconds_per_photo = 0.0  # of a busy process; 0 before anything was measured

    def wait_s(self, ahead: int) -> float:
        """Until the answer of a photo that is accepted behind `ahead` others, with a margin."""
        return (ahead + 1) * self.seconds_per_photo * _MARGIN

    def is_late(self, ahead: int, deadline_s: float) -> bool:
        """Whether an answer within `deadline_s` is not to be expected. With nobody ahead it is always tried: that is
        how an estimate that has become too high is corrected.
        """
        return ahead > 0 and self.wait_s(ahead) > deadline_s

    def answered(self, ahead: int, took_s: float) -> None:
        """A photo was answered `took_s` after it was accepted behind `ahead` others."""
        cost_s = took_s / (ahead + 1)
        if ahead + 1 >= self._parallel or not self.seconds_per_photo or cost_s < self.seconds_per_photo:
            self._learn(cost_s)

    def gave_up(self, ahead: int, took_s: float) -> None:
        """A photo's deadline passed `took_s` after it was accepted behind `ahead` others."""
        cost_s = took_s / (ahead + 1)
        if cost_s > self.seconds_per_photo:
            self._learn(cost_s)

    def _learn(self, cost_s: float) -> None:
        known = self.seconds_per_photo
        self.seconds_per_photo = cost_s if known == 0 else known + _SMOOTHING * (cost_s - known)
