"""What a crop does to the heads in a photo, as a cost beside its score. Numpy alone.

The network sees a photo at a twentieth of a megapixel and ranks by what people like on the whole; that a crop goes
through somebody's forehead is a few pixels to it. A face detector knows better (`model.network.face_finder`): a view
that beheads somebody loses to almost any that does not. The two weights and the margin were chosen on training
photos (model/EXPERIMENTS.md).
"""

from collections.abc import Callable

import numpy as np

# An upright photo uint8 (H, W, 3) -> boxes of heads (F, 4), normalized.
HeadFinder = Callable[[np.ndarray], np.ndarray]
NO_HEADS = np.zeros((0, 4))
# In log-odds, as scores are; for the largest head of the photo, smaller ones weigh less.
BEHEADED_COST = 8.0
LOST_COST = 4.0
# Of a head's sides: how much room it wants, and how far the detector may be off.
MARGIN = 0.1
# Somebody is in a view from this share of the upper body on.
_PRESENT_SHARE = 0.15


def head_costs(boxes_normalized: np.ndarray, heads_normalized: np.ndarray) -> np.ndarray:
    """The cost (N,) of views (N, 4) for heads (F, 4): 0 where every head is kept whole.

    A head is beheaded where the view's edge goes through it, most at its middle, or where it is left out while the
    upper body below it is shown; and it is lost as far as it is left out, which counts for the largest heads.
    """
    if not len(heads_normalized):
        return np.zeros(len(boxes_normalized))
    heads = _grown(heads_normalized)
    kept = kept_shares(boxes_normalized, heads)
    is_present = kept_shares(boxes_normalized, _upper_bodies(heads)) > _PRESENT_SHARE
    beheaded = np.maximum(2 * np.minimum(kept, 1 - kept), (1 - kept) * is_present)
    sizes = np.sqrt(_areas(heads))
    weights = sizes / sizes.max()
    return BEHEADED_COST * (beheaded @ weights) + LOST_COST * ((1 - kept) @ weights**2)


def no_heads(pixels: np.ndarray) -> np.ndarray:
    """A `HeadFinder` that finds none."""
    return NO_HEADS


def kept_shares(boxes_normalized: np.ndarray, parts_normalized: np.ndarray) -> np.ndarray:
    """The share of each part (F, 4) inside each box (N, 4): (N, F)."""
    upper_left = np.maximum(boxes_normalized[:, None, :2], parts_normalized[None, :, :2])
    lower_right = np.minimum(boxes_normalized[:, None, 2:], parts_normalized[None, :, 2:])
    return np.clip(lower_right - upper_left, 0, None).prod(axis=-1) / _areas(parts_normalized)


def _grown(heads: np.ndarray) -> np.ndarray:
    margin = MARGIN * (heads[:, 2:] - heads[:, :2])
    return np.clip(np.concatenate([heads[:, :2] - margin, heads[:, 2:] + margin], axis=1), 0, 1)


def _upper_bodies(heads: np.ndarray) -> np.ndarray:
    """Shoulders and chest (F, 4): twice as wide as the head and twice as high, below it."""
    width, height = (heads[:, 2:] - heads[:, :2]).T
    x1, _, x2, y2 = heads.T
    return np.clip(np.stack([x1 - width / 2, y2, x2 + width / 2, y2 + 2 * height], axis=1), 0, 1)


def _areas(boxes: np.ndarray) -> np.ndarray:
    return np.maximum((boxes[:, 2:] - boxes[:, :2]).prod(axis=1), 1e-9)
