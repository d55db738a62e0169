"""Judged regions of a photo as maps: what training may ask the network to find besides ranking views.

Not the paper's: `data/crops` comes with `judgements.jsonl`, the boxes of subjects and disturbances that its ratings
were made from, and maps of them are a denser teacher than the ratings (model/EXPERIMENTS.md has what it brought).
A data set without that file (GAICD) trains without. Never used at inference. Knows nothing of the network.
"""

import numpy as np

MAP_NAMES = ("subject", "disturbance")


def region_maps(
    subject_boxes_normalized: np.ndarray,
    subject_strengths: np.ndarray,
    disturbance_boxes_normalized: np.ndarray,
    height: int,
    width: int,
) -> np.ndarray:
    """Maps float32 (2, height, width), each cell in 0..1: the strongest subject there, and disturbance.

    A cell has a box's strength times the share of the cell that the box covers.
    """
    maps = np.zeros((len(MAP_NAMES), height, width), np.float32)
    for box, strength in zip(subject_boxes_normalized, subject_strengths, strict=True):
        maps[0] = np.maximum(maps[0], strength * _coverage(box, height, width))
    for box in disturbance_boxes_normalized:
        maps[1] = np.maximum(maps[1], _coverage(box, height, width))
    return maps


def _coverage(box_normalized: np.ndarray, height: int, width: int) -> np.ndarray:
    """Share of each cell (height, width) that the box covers: separable, like the box."""
    x1, y1, x2, y2 = box_normalized

    def along(low: float, high: float, cells: int) -> np.ndarray:
        edges = np.arange(cells + 1) / cells
        return np.clip(np.minimum(edges[1:], high) - np.maximum(edges[:-1], low), 0, None) * cells

    return np.outer(along(y1, y2, height), along(x1, x2, width)).astype(np.float32)
