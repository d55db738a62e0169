"""Box arithmetic and the only conversions between box spaces. Numpy alone; knows nothing of photos or models.

Every box here is `x1 y1 x2 y2` with pixel *edges* (a box from 0 to w covers w pixels). `boxes_normalized` are
fractions of the photo's width and height in [0, 1]; `boxes_xyxy` are source pixels.
"""

import numpy as np


def normalize_boxes(boxes_xyxy: np.ndarray, width: int, height: int) -> np.ndarray:
    """Source pixels (..., 4) to fractions of the photo, float32."""
    return (np.asarray(boxes_xyxy, dtype=np.float64) / [width, height, width, height]).astype(np.float32)


def mark_fixed_ratio(boxes_normalized: np.ndarray) -> np.ndarray:
    """Views (N, 4) of a given ratio as the network is handed them: one photo's width to the right.

    Where the ratio is given a crop has to cut, and what people look at decides more. The mark travels in the boxes,
    so that views of free and of given ratios share one list and one pass.
    """
    return boxes_normalized + np.array([1, 0, 1, 0], dtype=boxes_normalized.dtype)


def area(boxes: np.ndarray) -> np.ndarray:
    """Area of boxes (..., 4) in the square of their own unit."""
    return (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])


def pairwise_iou(boxes_a: np.ndarray, boxes_b: np.ndarray) -> np.ndarray:
    """IoU of boxes (N, 4) with boxes (M, 4) in one space: (N, M) in [0, 1]. Empty boxes overlap nothing."""
    a = np.asarray(boxes_a, dtype=np.float64).reshape(-1, 1, 4)
    b = np.asarray(boxes_b, dtype=np.float64).reshape(1, -1, 4)
    sides = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    intersection = np.prod(np.clip(sides, 0, None), axis=-1)
    union = area(a) + area(b) - intersection
    return np.divide(intersection, union, out=np.zeros_like(intersection), where=union > 0)


def boundary_displacement(box_normalized: np.ndarray, boxes_normalized: np.ndarray) -> np.ndarray:
    """Boundary displacement error (BDE): mean distance of the four edges, in fractions of the sides. (N,)."""
    return np.abs(np.asarray(boxes_normalized, np.float64).reshape(-1, 4) - box_normalized).mean(axis=1)


def flip_boxes(boxes_normalized: np.ndarray) -> np.ndarray:
    """Boxes (N, 4) of the horizontally mirrored photo."""
    x1, y1, x2, y2 = boxes_normalized.T
    return np.stack([1 - x2, y1, 1 - x1, y2], axis=1)


def crop_boxes(boxes_normalized: np.ndarray, kept_normalized: np.ndarray) -> np.ndarray:
    """Boxes (N, 4) in the coordinates of the kept part (4,) of the photo."""
    origin = np.tile(kept_normalized[:2], 2)
    size = np.tile(kept_normalized[2:] - kept_normalized[:2], 2)
    return np.clip((boxes_normalized - origin) / size, 0, 1).astype(np.float32)
