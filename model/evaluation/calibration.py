"""Whether a stated probability is what people do: expected calibration error and the reliability plot.

Score differences are read as log-odds, times a scale, that a person prefers A to B. Knows nothing of photos.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

BINS = 10
RESAMPLES = 500
STEPS = 60  # of a bisection


class VoteCounts(NamedTuple):
    """The pairs of one photo: score of A less that of B (P,), and votes (P, 2) for A and for B."""

    differences: np.ndarray
    votes: np.ndarray


class Reliability(NamedTuple):
    """Per bin of stated probability: mean stated, share of votes, number of votes; and the error over all."""

    stated: np.ndarray
    voted: np.ndarray
    counts: np.ndarray
    error: float


def preference(differences: np.ndarray, log_odds_per_score: float) -> np.ndarray:
    """Probability that a person prefers A, from score differences."""
    return 1 / (1 + np.exp(-np.clip(log_odds_per_score * differences, -50, 50)))


def fit_scale(photos: Sequence[VoteCounts]) -> float:
    """The log-odds per unit of score that make the votes most likely. To be fitted on validation photos."""
    differences, votes = _joined(photos)

    def slope(scale: float) -> float:
        return float(((votes[:, 0] - votes.sum(axis=1) * preference(differences, scale)) * differences).sum())

    low, high = 0.0, 1.0
    while slope(high) > 0 and high < 1e6:
        high *= 2
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle) > 0 else (low, middle)
    return (low + high) / 2


def reliability(photos: Sequence[VoteCounts], log_odds_per_score: float, bins: int = BINS) -> Reliability:
    """Votes against stated probabilities; every pair counts both ways round, so the plot is symmetric."""
    differences, votes = _joined(photos)
    stated = preference(np.concatenate([differences, -differences]), log_odds_per_score)
    votes = np.concatenate([votes, votes[:, ::-1]])
    totals = votes.sum(axis=1)
    index = np.minimum((stated * bins).astype(int), bins - 1)
    counts = np.bincount(index, totals, bins)
    filled = counts > 0
    mean_stated = np.bincount(index, stated * totals, bins)[filled] / counts[filled]
    mean_voted = np.bincount(index, votes[:, 0], bins)[filled] / counts[filled]
    error = float(counts[filled] @ np.abs(mean_stated - mean_voted) / counts.sum())
    return Reliability(mean_stated, mean_voted, counts[filled], error)


def error_interval(photos: Sequence[VoteCounts], log_odds_per_score: float, seed: int = 0) -> np.ndarray:
    """95 % bootstrap interval over photos of the expected calibration error: (2,)."""
    rng = np.random.default_rng(seed)
    errors = [
        reliability([photos[i] for i in rng.integers(len(photos), size=len(photos))], log_odds_per_score).error
        for _ in range(RESAMPLES)
    ]
    return np.quantile(errors, [0.025, 0.975])


def draw_reliability(found: Reliability, path: Path) -> None:
    """The reliability plot as a PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4, 4), layout="tight")
    FigureCanvasAgg(figure)
    axis = figure.add_subplot()
    axis.plot([0, 1], [0, 1], color="grey", linewidth=1)
    axis.plot(found.stated, found.voted, marker="o")
    axis.set(xlabel="stated share of people who prefer A", ylabel="share of votes for A", xlim=(0, 1), ylim=(0, 1))
    axis.set_title(f"expected calibration error {found.error:.3f}")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)


def _joined(photos: Sequence[VoteCounts]) -> tuple[np.ndarray, np.ndarray]:
    differences = np.concatenate([photo.differences for photo in photos]).astype(np.float64)
    return differences, np.concatenate([photo.votes for photo in photos]).astype(np.float64)
