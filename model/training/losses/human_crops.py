"""Crops that people drew, or a judge named: of a list of views, those that overlap them most.

A view's target is softmax(IoU / temperature). The wider the temperature, the nearer the best view comes to the one of
highest expected IoU, and the less the loss says (both limits: `soft_targets`).
"""

from collections.abc import Sequence

import numpy as np

from vrn_cropper.model.training.losses.listwise import soft_targets
from vrn_cropper.model.views.boxes import pairwise_iou

JUDGE_WEIGHTS = (0.5, 0.2, 0.1, 0.1, 0.1)  # of the judge's first to fifth choice


def crop_targets(
    views_normalized: np.ndarray,
    crops_normalized: np.ndarray,
    temperature: float,
    weights: Sequence[float] | None = None,
) -> np.ndarray:
    """Targets (N,) of views (N, 4): the mean over crops (M, 4), M >= 1, weighted where `weights` (M or more) say."""
    overlaps = pairwise_iou(views_normalized, crops_normalized)
    of_each = np.array([soft_targets(column, temperature) for column in overlaps.T])
    shares = np.ones(len(of_each)) if weights is None else np.array(weights[: len(of_each)])
    return (shares @ of_each / shares.sum()).astype(np.float32)
