"""Rated photos on disk: the GAICD layout, and its annotations alone. Knows nothing of torch or training.

Everything that can be wrong with a data set is found while reading it, before any training starts, and named
by file and line (`DataError`).

GAICD layout: `images/<split>/<name>.jpg` and `annotations/<name>.txt` or `annotations/<split>/<name>.txt`, one
candidate view a line, `ymin xmin ymax xmax mos` in source pixels (y first). Splits are `train` and `test`, in the
journal version `val` too. Source: H. Zeng et al., "Grid Anchor based Image Cropping" (CVPR 2019; TPAMI 2020).
"""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from vrn_cropper.model.data.checks import box_fault, read_all, read_json
from vrn_cropper.model.errors import DataError
from vrn_cropper.model.photos.reading import Photo, read_upright
from vrn_cropper.model.views.boxes import normalize_boxes

UNRATED_MOS = -2.0  # GAICD's mark for a view that no rater saw: it does not exist
MOS_LIMITS = (1.0, 5.0)
EDGE_SLACK = 1.5  # pixels that an edge may lie outside its photo: other tools count from 1, or round up
VALIDATION_SPLIT = "val"
PHOTO_SUFFIXES = (".jpg", ".jpeg")


@dataclass(frozen=True, eq=False)
class RatedPhoto:
    """A photo with the MOS of its candidate views, in the order of `candidates.grid_views` (y1, x1, y2, x2).

    `boxes_normalized` float32 (N, 4) and `mos` float32 (N,), N >= 1; `width` and `height` of the upright
    photo in pixels; `path` is None where only the annotations are there.
    """

    name: str
    path: Path | None
    width: int
    height: int
    boxes_normalized: np.ndarray
    mos: np.ndarray


def load_upright_rgb(photo: Photo) -> Image.Image:
    """The source image, decoded in full: upright RGB in sRGB. Raises DataError naming the file."""
    try:
        return read_upright(photo)
    # Pillow has no error of its own for damaged content: the plugins raise any of these.
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        name = os.fspath(photo) if isinstance(photo, str | os.PathLike) else "a picture in memory"
        raise DataError(f"{name}: not a readable photo ({error})") from error


def read_gaicd(root: Path | str, split: str) -> list[RatedPhoto]:
    """The photos of `images/<split>` with their ratings, by name; every photo and line is checked.

    A photo's annotation is `annotations/<name>.txt` or `annotations/<split>/<name>.txt`. Raises DataError, naming
    file and line, for: no photos, a photo without annotation or with two, a broken photo, a malformed line, a box
    outside its photo, a photo without rated views, and a photo that another split has too.
    """
    root = Path(root)
    folder = root / "images" / split
    paths = _photo_paths(folder)
    if not paths:
        raise DataError(f"{folder}: no photos ({', '.join('*' + suffix for suffix in PHOTO_SUFFIXES)}) here")
    return read_all(lambda path: _read_rated(root, split, path), paths, _shared_names(root, split, paths))


def read_validation(root: Path | str) -> list[RatedPhoto] | None:
    """The photos of `images/val`, the validation set of GAICD's journal version; None where there is no such folder.

    Raises DataError as `read_gaicd` does.
    """
    return read_gaicd(root, VALIDATION_SPLIT) if (Path(root) / "images" / VALIDATION_SPLIT).is_dir() else None


def read_gaicd_annotations(root: Path | str, split: str) -> list[RatedPhoto]:
    """GAICD's annotations without its photos: `split.json` and `annotations/`; `path` is None.

    The annotations do not store the size of a photo. The grid's last corner is at 11.5 of 12 bins, so the
    width is estimated as max(xmax) * 12 / 11.5 and the height likewise, to about a pixel. Raises DataError.
    """
    root = Path(root)
    names = read_json(root / "split.json").get(split)
    if not isinstance(names, list) or not names:
        raise DataError(f"{root / 'split.json'}: no split named {split!r}")
    photos = []
    for name in sorted(names):
        annotation = _annotation_of(root, split, Path(name).stem)
        rows = _read_rows(annotation)
        height, width = (max(1, round(float(side) * 12 / 11.5)) for side in rows[:, 2:4].max(axis=0))
        photos.append(_rated(annotation, None, width, height, rows))
    return photos


def _photo_paths(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in PHOTO_SUFFIXES)


def _shared_names(root: Path, split: str, paths: list[Path]) -> list[str]:
    """Photos of this split that another split has too: no test number would mean anything."""
    others = {
        path.stem: path
        for folder in (root / "images").iterdir()
        if folder.is_dir() and folder.name != split
        for path in _photo_paths(folder)
    }
    return [f"{path}: the same name is in {others[path.stem]}" for path in paths if path.stem in others]


def _read_rated(root: Path, split: str, path: Path) -> RatedPhoto:
    annotation = _annotation_of(root, split, path.stem)
    rows = _read_rows(annotation)
    width, height = load_upright_rgb(path).size
    return _rated(annotation, path, width, height, rows)


def _annotation_of(root: Path, split: str, stem: str) -> Path:
    """The annotation file of a photo, in either of the layouts in which GAICD goes about. Raises DataError."""
    places = [root / "annotations" / f"{stem}.txt", root / "annotations" / split / f"{stem}.txt"]
    found = [place for place in places if place.is_file()]
    if not found:
        raise DataError(f"{stem}: no annotation; looked for {' and '.join(map(str, places))}")
    if len(found) > 1:
        raise DataError(f"{stem}: two annotations, {' and '.join(map(str, found))}; keep one")
    return found[0]


def _read_rows(annotation: Path) -> np.ndarray:
    """The lines of an annotation file as float64 (L, 5), unrated ones included. Raises DataError."""
    try:
        lines = annotation.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{annotation}: no readable annotation ({error})") from error
    rows = []
    for number, line in enumerate(lines, start=1):
        try:
            row = [float(field) for field in line.split()]
        except ValueError:
            row = []
        if len(row) != 5 or not np.isfinite(row).all():
            raise DataError(f"{annotation}:{number}: expected 'ymin xmin ymax xmax mos', found {line!r}")
        rows.append(row)
    if not rows:
        raise DataError(f"{annotation}: empty")
    return np.array(rows, dtype=np.float64)


def _rated(annotation: Path, path: Path | None, width: int, height: int, rows: np.ndarray) -> RatedPhoto:
    """Checks the lines against the photo's size and drops the unrated ones. Raises DataError."""
    boxes_xyxy, mos = rows[:, [1, 0, 3, 2]], rows[:, 4]
    for number, (box, score) in enumerate(zip(boxes_xyxy, mos, strict=True), start=1):
        if score != UNRATED_MOS and not MOS_LIMITS[0] <= score <= MOS_LIMITS[1]:
            raise DataError(f"{annotation}:{number}: a MOS is 1 to 5, or -2 for none, not {score:g}")
        if fault := box_fault(box, width, height, EDGE_SLACK):
            raise DataError(f"{annotation}:{number}: {fault}")
    rated = mos != UNRATED_MOS
    if not rated.any():
        raise DataError(f"{annotation}: every view is marked -2 (not rated)")
    # GAICD's files list the views from the best to the worst: kept, that order would break ties of a
    # prediction in favour of the ground truth (a constant prediction would reach Acc_5 = 100 %).
    boxes_xyxy, mos = boxes_xyxy[rated], mos[rated]
    order = np.lexsort(boxes_xyxy.T[[2, 3, 0, 1]])
    boxes = np.clip(normalize_boxes(boxes_xyxy[order], width, height), 0, 1)
    name = path.name if path else f"{annotation.stem}.jpg"
    return RatedPhoto(name, path, width, height, boxes, mos[order].astype(np.float32))
