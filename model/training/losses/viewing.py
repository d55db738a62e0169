"""Viewing points: of windows of one size, those that keep most of the viewing time; and the map of where it went.

Source of the labels: J. Xu et al., "Predicting human gaze beyond pixels" (Journal of Vision 2014), OSIE
(`model.data.attention`). They say what must not be cut, not what is beautiful.
"""

import numpy as np
from torch import Tensor

from vrn_cropper.model.training.losses.listwise import listwise_loss

TEMPERATURE = 0.05  # of the kept share
BLUR = 0.045  # of the photo's width: what a viewing point stands for in the map


def kept_times(views_normalized: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Share of the viewing time of points (F, 3) inside each view (N, 4): (N,)."""
    x, y, time = points.T
    x1, y1, x2, y2 = np.expand_dims(views_normalized.T, 2)
    return ((x >= x1) & (x <= x2) & (y >= y1) & (y <= y2)) @ time / time.sum()


def viewing_map(points: np.ndarray, aspect: float, height: int, width: int) -> np.ndarray:
    """Viewing time by cell, float32 (height, width), sum 1; `aspect` is the photo's width / height."""
    x, y = (np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height
    along_x = np.exp(-0.5 * ((x - points[:, :1]) / BLUR) ** 2)
    along_y = np.exp(-0.5 * ((y - points[:, 1:2]) / (BLUR * aspect)) ** 2)
    found = np.einsum("p,py,px->yx", points[:, 2], along_y, along_x)
    return (found / found.sum()).astype(np.float32)


def viewing_map_loss(attention_logits: Tensor, maps: Tensor) -> Tensor:
    """Mean cross entropy, over all B photos, of logits (B, h, w) to maps (B, h, w); a map of zeros counts nothing."""
    targets = maps.flatten(1)
    return (listwise_loss(attention_logits.flatten(1), targets) * (targets.sum(dim=1) > 0)).mean()
