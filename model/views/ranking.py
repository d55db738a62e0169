"""From scores to the top-K views: which come first, ties and diversity. Numpy alone."""

import numpy as np

from vrn_cropper.model.views.boxes import pairwise_iou

# How sure scores are of the one view that a person would choose: the logarithm of its share per log-odds. Chosen on
# validation photos (model/EXPERIMENTS.md).
CHOICE_SHARPNESS = 2.5


def expected_overlaps(log_odds: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """How much of each view (N, 4) people are expected to agree with: IoU with the view that one would choose, (N,).

    `log_odds` (N,) are scores whose differences are log-odds of a preference. A view amid others that are nearly as
    good is a safer choice than one that scores a little higher alone: noise in single scores averages out.
    """
    shares = np.exp(CHOICE_SHARPNESS * (np.asarray(log_odds, dtype=np.float64) - np.max(log_odds)))
    return pairwise_iou(boxes, boxes) @ (shares / shares.sum())


def rank_views(
    scores: np.ndarray, boxes_xyxy: np.ndarray, top_k: int, max_overlap: float | None = None
) -> np.ndarray:
    """Indices of the best `top_k` views, best first; fewer where there are fewer different ones.

    Ties keep the order of the candidates, so the answer is deterministic. Views that are the same box to the
    pixel are named once. With `max_overlap` in [0, 1] a view is passed over if its IoU with a better one that
    was taken is above it (greedy, as in non-maximum suppression).

    Args:
        scores: (N,) float, higher is better; all finite.
        boxes_xyxy: (N, 4), source pixels.
    """
    scores, boxes_xyxy = np.asarray(scores), np.asarray(boxes_xyxy)
    if scores.shape != (len(boxes_xyxy),) or not np.isfinite(scores).all():
        raise ValueError("scores must be one finite number a view")
    taken: list[int] = []
    seen: set[bytes] = set()
    for index in np.argsort(-scores, kind="stable"):
        if len(taken) >= top_k:
            break
        key = boxes_xyxy[index].tobytes()
        if key in seen:
            continue
        if max_overlap is not None and taken:
            overlaps = pairwise_iou(boxes_xyxy[index], boxes_xyxy[taken])
            if overlaps.max() > max_overlap:
                continue
        seen.add(key)
        taken.append(int(index))
    return np.array(taken, dtype=np.int64)


def nearness_to_centre(boxes_xyxy: np.ndarray, width: int, height: int) -> np.ndarray:
    """float (N,), higher for boxes (N, 4) whose centre is nearer to the photo's, and among equals for larger ones."""
    away = np.abs(boxes_xyxy[:, :2] + boxes_xyxy[:, 2:] - (width, height)).sum(axis=1)
    sides = (boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]).astype(float)
    return sides.prod(axis=1) / (width * height) - 2.0 * away
