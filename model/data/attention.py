"""Where people looked: viewing points of several people a photo (OSIE). Knows nothing of torch or training.

Layout: a JSON file `{split: {photo name: [one list a viewer: [[x, y, milliseconds], ...]]}}`, x and y as fractions
of the upright photo's sides, beside photos in the GAICD layout (`images/<split>/<name>`). Source: J. Xu et al.,
"Predicting human gaze beyond pixels" (Journal of Vision 2014).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vrn_cropper.model.data.checks import read_all, read_json, split_validation
from vrn_cropper.model.data.gaicd import load_upright_rgb
from vrn_cropper.model.errors import DataError

# Which photos of `train` validate, as in `model.data.fcdb`: VALIDATION_COUNT of OSIE's 630.
VALIDATION_SEED, VALIDATION_SHARE, VALIDATION_COUNT = 0, 0.15, 90


@dataclass(frozen=True, eq=False)
class ViewedPhoto:
    """A photo and the viewing points of each viewer: float64 (F, 3) x, y (fractions) and milliseconds.

    A viewer without any point (the tracker lost the eye) is left out; at least one viewer has some.
    """

    name: str
    path: Path
    width: int
    height: int
    viewers: tuple[np.ndarray, ...]

    def points(self) -> np.ndarray:
        """All viewers' points, float64 (F, 3)."""
        return np.concatenate(self.viewers)


def read_attention(source: Path | str, photos_root: Path | str, split: str) -> list[ViewedPhoto]:
    """The photos of a split, by name; `photos_root` has them under `images/<split>`.

    Raises DataError, naming file, photo and viewer, for a split that is not there, a missing or broken photo, points
    of another form or outside the photo, and a photo that nobody looked at.
    """
    source, folder = Path(source), Path(photos_root) / "images" / split
    entries = read_json(source).get(split)
    if not isinstance(entries, dict) or not entries:
        raise DataError(f"{source}: no split named {split!r}")
    return read_all(lambda item: _read_entry(source, folder / item[0], item[1]), sorted(entries.items()))


def split_attention(photos: list[ViewedPhoto]) -> tuple[list[ViewedPhoto], list[ViewedPhoto]]:
    """(training, validation) photos of `train`, the same for every run."""
    return split_validation(photos, seed=VALIDATION_SEED, share=VALIDATION_SHARE)


def _read_entry(source: Path, path: Path, entry: Any) -> ViewedPhoto:
    if not isinstance(entry, list):
        raise DataError(f"{source}: {path.name}: needs one list of points a viewer")
    viewers = [_points(f"{source}: {path.name}: viewer {index}", viewer) for index, viewer in enumerate(entry)]
    viewers = [points for points in viewers if len(points)]
    if not viewers:
        raise DataError(f"{source}: {path.name}: nobody looked at it")
    width, height = load_upright_rgb(path).size
    return ViewedPhoto(path.name, path, width, height, tuple(viewers))


def _points(where: str, viewer: Any) -> np.ndarray:
    try:
        points = np.array(viewer, dtype=np.float64)
    except (TypeError, ValueError):
        points = np.empty(())
    if points.size == 0 and points.ndim == 1:
        return points.reshape(0, 3)
    if points.ndim != 2 or points.shape[1] != 3 or not np.isfinite(points).all():
        raise DataError(f"{where}: points must be a list of [x, y, milliseconds]")
    if points[:, :2].min() < 0 or points[:, :2].max() > 1:
        raise DataError(f"{where}: x and y are fractions of the photo's sides, from 0 to 1")
    if points[:, 2].min() <= 0:
        raise DataError(f"{where}: a point lasts longer than 0 ms")
    return points
