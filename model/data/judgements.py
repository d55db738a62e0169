"""What a judge said of a photo: boxes of subjects and disturbances, the best and the worst views.

`judgements.jsonl` beside `images/`, one photo a line, in twelfths of the sides; GAICD has none.
Knows nothing of torch or training.
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
NO_VIEWS = np.zeros((0, 4), np.float32)


class JudgedRegions(NamedTuple):
    """Boxes of one photo, normalized (x1, y1, x2, y2)."""

    subject_boxes_normalized: np.ndarray  # float32 (S, 4)
    subject_strengths: np.ndarray  # float32 (S,) in (0, 1]; 1 is a main subject
    disturbance_boxes_normalized: np.ndarray  # float32 (D, 4)
    best_views_normalized: np.ndarray = NO_VIEWS  # float32 (V, 4), the judge's own best views, best first
    poor_views_normalized: np.ndarray = NO_VIEWS  # float32 (W, 4), and the worst

    @property
    def main_subjects_normalized(self) -> np.ndarray:
        """Boxes of the main subjects, float32 (M, 4)."""
        return self.subject_boxes_normalized[self.subject_strengths >= 1]


def read_judgements(root: Path | str) -> dict[str, JudgedRegions]:
    """The judged regions by photo name without suffix; empty where the data set has none.

    Raises DataError naming file and line for a line that is not `{"id", "subj": [[x1, y1, x2, y2, kind]],
    "bad": [[x1, y1, x2, y2]]}`; `"best"` and `"poor"`, views in the form of `"bad"`, may be missing.
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
    disturbances, best, poor = (_boxes(boxes) for boxes in (row["bad"], row.get("best", []), row.get("poor", [])))
    return JudgedRegions(_boxes(subjects[:, :4]), np.clip(subjects[:, 4] / STRONGEST, 0, 1), disturbances, best, poor)


def _boxes(grid_units: Any) -> np.ndarray:
    return np.clip(np.array(grid_units, dtype=np.float32).reshape(-1, 4) / GRID_UNITS, 0, 1)
