"""Judged subjects: of windows of one size, those that cut the least of them, the main ones above all.

The labels are the boxes of `judgements.jsonl` (`model.data.judgements`). Not the paper's.
"""

import numpy as np

from vrn_cropper.model.views.boxes import area

TEMPERATURE = 0.1  # of the kept share
LEAST_AREA = 1e-6


def kept_subjects(views_normalized: np.ndarray, subjects_normalized: np.ndarray, strengths: np.ndarray) -> np.ndarray:
    """How much of the subjects (S, 4) of `strengths` (S,) each view (N, 4) keeps, 0 to 1: (N,).

    Half is the share of all subjects, weighted by the square of their strengths; half the share of the main subject
    that is cut most.
    """
    if not len(subjects_normalized):
        return np.zeros(len(views_normalized))
    views, subjects = views_normalized[:, None], subjects_normalized[None]
    sides = np.minimum(views[..., 2:], subjects[..., 2:]) - np.maximum(views[..., :2], subjects[..., :2])
    shares = np.clip(sides, 0, None).prod(axis=-1) / np.maximum(area(subjects_normalized), LEAST_AREA)  # (N, S)
    weights = strengths**2
    of_all = shares @ weights / weights.sum()
    is_main = strengths >= 1
    of_main = shares[:, is_main].min(axis=1) if is_main.any() else of_all
    return 0.5 * of_all + 0.5 * of_main
