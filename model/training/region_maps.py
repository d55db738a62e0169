"""Judged regions of a photo as maps: what training may ask the network to find besides ranking views.

Not the paper's: `data/crops` comes with `judgements.jsonl`, the boxes of subjects and disturbances that its ratings
were made from, and maps of them are a denser teacher than the ratings (model/EXPERIMENTS.md has what it brought).
A data set without that file (GAICD) trains without. Never used at inference. Knows nothing of the network.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from vrn_cropper.model.errors import DataError

JUDGEMENTS = "judgements.jsonl"
GRID_UNITS = 12.0  # boxes are stored in twelfths of the photo's sides
STRONGEST = 3.0  # kinds of subject: 1 minor, 2 secondary, 3 main
MAP_NAMES = ("subject", "disturbance")


class JudgedRegions(NamedTuple):
    """Boxes of one photo, normalized (x1, y1, x2, y2)."""

    subject_boxes_normalized: np.ndarray  # float32 (S, 4)
    subject_strengths: np.ndarray  # float32 (S,) in (0, 1]; 1 is a main subject
    disturbance_boxes_normalized: np.ndarray  # float32 (D, 4)


def read_judgements(root: Path | str) -> dict[str, JudgedRegions]:
    """The judged regions by photo name without suffix; empty where the data set has none.

    Raises DataError naming file and line for a line that is not `{"id", "subj": [[x1, y1, x2, y2, kind]],
    "bad": [[x1, y1, x2, y2]]}`.
    """
    path = Path(root) / JUDGEMENTS
    if not path.exists():
        return {}
    judged = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            row = json.loads(line)
            judged[row["id"]] = _regions(row)
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(f"{path}:{number}: not a judgement ({error})") from error
    return judged


def _regions(row: Mapping[str, Any]) -> JudgedRegions:
    subjects = np.array(row["subj"], dtype=np.float32).reshape(-1, 5)
    disturbances = np.array(row["bad"], dtype=np.float32).reshape(-1, 4)
    return JudgedRegions(
        np.clip(subjects[:, :4] / GRID_UNITS, 0, 1),
        np.clip(subjects[:, 4] / STRONGEST, 0, 1),
        np.clip(disturbances / GRID_UNITS, 0, 1),
    )


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
