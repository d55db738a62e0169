"""The field's measures of a ranking of candidate views, per photo and over photos. Numpy and scipy alone.

Knows nothing of photos, models or files. Protocol [G]: H. Zeng et al., "Grid Anchor based Image Cropping"
(TPAMI 2020) and its code, which the VRN paper follows. Accuracies are shares in [0, 1].

Order of predictions: best first, equal scores in the order of the candidates, so that a constant prediction
has one answer. A photo with fewer views than N or K counts those that it has.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

from vrn_cropper.model.views.boxes import boundary_displacement, pairwise_iou

MAX_K = 4  # Acc_N is the mean over K = 1..4 in GAIC's code and in all tables
# How fast weighted Acc forgives a returned view's distance from its ideal rank: exp(-decay * distance) [G].
WEIGHT_DECAY = {5: 0.2, 10: 0.1}
RESAMPLES = 5000


class PhotoMetrics(NamedTuple):
    """One photo: Acc_1/5, Acc_5, Acc_1/10, Acc_10, weighted Acc_5 and Acc_10 (shares), SRCC and PCC."""

    acc_1_5: float
    acc_5: float
    acc_1_10: float
    acc_10: float
    weighted_acc_5: float
    weighted_acc_10: float
    srcc: float
    pcc: float


class CropMetrics(NamedTuple):
    """One photo with human crops: IoU and boundary displacement (BDE) to the nearest one, mean IoU with all."""

    iou: float
    bde: float
    mean_iou: float


def evaluate_photo(scores: np.ndarray, mos: np.ndarray) -> PhotoMetrics:
    """All measures of one photo from predicted scores (N,) and ground truth (N,), N >= 1.

    Raises ValueError for different lengths, no views, or a score that is not finite.
    """
    scores, mos = np.asarray(scores, dtype=np.float64), np.asarray(mos, dtype=np.float64)
    if scores.shape != mos.shape or scores.ndim != 1 or not len(scores):
        raise ValueError(f"one score and one MOS a view, not {scores.shape} and {mos.shape}")
    if not np.isfinite(scores).all():
        raise ValueError("a score is not finite")
    order = np.argsort(-scores, kind="stable")
    return PhotoMetrics(
        acc_1_5=accuracy(order, mos, k=1, n=5),
        acc_5=mean_accuracy(order, mos, n=5),
        acc_1_10=accuracy(order, mos, k=1, n=10),
        acc_10=mean_accuracy(order, mos, n=10),
        weighted_acc_5=weighted_accuracy(order, mos, n=5),
        weighted_acc_10=weighted_accuracy(order, mos, n=10),
        srcc=correlation(stats.rankdata(scores), stats.rankdata(mos)),
        pcc=correlation(scores, mos),
    )


def summarize(rows: Sequence[PhotoMetrics] | Sequence[CropMetrics]) -> dict[str, float]:
    """Means over photos, by the name of the measure. Raises ValueError for no photos."""
    if not rows:
        raise ValueError("no photos to summarize")
    return dict(zip(rows[0]._fields, (float(mean) for mean in np.mean(rows, axis=0)), strict=True))


def accuracy(order: np.ndarray, mos: np.ndarray, k: int, n: int) -> float:
    """Acc_K/N: share of the first `k` views of `order` whose MOS is at least the `n`-th highest (ties are
    hits).
    """
    threshold = np.sort(mos)[::-1][min(n, len(mos)) - 1]
    return float(np.mean(mos[order[:k]] >= threshold))


def mean_accuracy(order: np.ndarray, mos: np.ndarray, n: int, max_k: int = MAX_K) -> float:
    """Acc_N: mean of Acc_K/N over K = 1..`max_k`; `max_k=n` is the formula as the VRN paper prints it."""
    return float(np.mean([accuracy(order, mos, k, n) for k in range(1, max_k + 1)]))


def weighted_accuracy(order: np.ndarray, mos: np.ndarray, n: int, max_k: int = MAX_K) -> float:
    """Weighted Acc_N: a hit at true rank r in place j of the sorted true ranks counts exp(-decay * (r - j)).

    As in GAIC's code equal MOS rank in the order of the candidates here, so ties are no hits beyond rank N.
    """
    true_ranks = np.empty(len(mos), dtype=np.int64)
    true_ranks[np.argsort(-mos, kind="stable")] = np.arange(len(mos))
    means = []
    for k in range(1, max_k + 1):
        ranks = np.sort(true_ranks[order[:k]])
        weights = np.exp(-WEIGHT_DECAY[n] * (ranks - np.arange(len(ranks))))
        means.append(np.mean(np.where(ranks < n, weights, 0.0)))
    return float(np.mean(means))


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Pearson's correlation (N,), (N,); 0 where either is constant or N = 1: such a ranking says nothing.

    Of ranks it is Spearman's. scipy's own warn and answer nan there.
    """
    # A constant may leave rounding noise after subtracting its mean, which would correlate at random.
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return 0.0
    # Scaled first: squares of very small or very large scores would leave the range of float64.
    a, b = (a - a.mean()) / np.ptp(a), (b - b.mean()) / np.ptp(b)
    return float(np.clip(a @ b / np.sqrt((a @ a) * (b @ b)), -1, 1))


def compare_with_crops(box_normalized: np.ndarray, crops_normalized: np.ndarray) -> CropMetrics:
    """One predicted box (4,) against the human crops (M, 4): the highest IoU, the lowest BDE, the mean IoU.

    All in fractions of the photo's sides; IoU is the same in pixels.
    """
    overlaps = pairwise_iou(box_normalized, crops_normalized)
    return CropMetrics(
        iou=float(overlaps.max()),
        bde=float(boundary_displacement(box_normalized, crops_normalized).min()),
        mean_iou=float(overlaps.mean()),
    )


def weighted_mean(values: np.ndarray, weights: np.ndarray) -> float:
    """Mean of values (P,) with weights (P,); nan where nothing is counted. A value of weight 0 may be anything."""
    counted = weights > 0
    total = weights[counted].sum()
    return float(values[counted] @ weights[counted] / total) if total else float("nan")


def bootstrap_interval(
    values: np.ndarray,
    weights: np.ndarray | None = None,
    *,
    seed: int = 0,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
) -> np.ndarray:
    """Percentile bootstrap interval over photos of the (weighted) mean: (P,) or (P, M) -> (2,) or (2, M), low, high.

    Whole photos are drawn, with all that is counted on them. The same seed resamples the same photos, so methods on
    one data set share their draws. One photo has no interval: nan.
    """
    values = np.asarray(values, dtype=np.float64)
    if len(values) < 2:
        return np.full((2, *values.shape[1:]), np.nan)
    weights = np.ones_like(values) if weights is None else np.asarray(weights, dtype=np.float64)
    # How often each photo is drawn: the mean of a resample is then one row of a matrix product.
    draws = np.random.default_rng(seed).multinomial(
        len(values), np.full(len(values), 1 / len(values)), size=resamples
    )
    sums, counts = draws @ np.where(weights > 0, values * weights, 0.0), draws @ weights
    means = np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0)
    tail = (1 - confidence) / 2
    return np.nanquantile(means, [tail, 1 - tail], axis=0)
