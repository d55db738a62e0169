"""Photos with crops that people drew on them (FLMS, FCDB). Knows nothing of ratings, torch or training.

Layout: `annotations.json` `{name: {"size": [width, height], "boxes_xyxy": [[x1, y1, x2, y2], ...]}}`, source
pixels, beside `images/<name>`. Source: C. Fang et al., "Automatic Image Cropping using Visual Composition,
Boundary Simplicity and Content Preservation Models" (ACM MM 2014).
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vrn_cropper.model.data.checks import box_fault, read_all, read_json
from vrn_cropper.model.data.gaicd import load_upright_rgb
from vrn_cropper.model.errors import DataError
from vrn_cropper.model.views.boxes import normalize_boxes

# Drawn by hand, so a crop may overshoot the photo a little (FLMS has one by 8 of 768 pixels): it is clipped.
DRAWN_SLACK = 0.02  # share of the photo's longer side


@dataclass(frozen=True, eq=False)
class HumanCrops:
    """A photo with its human crops: `boxes_normalized` float32 (M, 4), M >= 1; size of the upright photo."""

    name: str
    path: Path
    width: int
    height: int
    boxes_normalized: np.ndarray


def read_human_crops(root: Path | str) -> list[HumanCrops]:
    """All photos that `annotations.json` lists, by name.

    Raises DataError for a missing or broken photo, another size than stated, or a box that is no box of the
    photo.
    """
    root = Path(root)
    source = root / "annotations.json"
    entries = sorted(read_json(source).items())
    found = read_all(lambda item: _read_entry(root, source, *item), entries)
    if not found:
        raise DataError(f"{source}: no photos listed")
    return found


def _read_entry(root: Path, source: Path, name: str, entry: dict) -> HumanCrops:
    path = root / "images" / name
    width, height = load_upright_rgb(path).size
    try:
        boxes_xyxy = np.array(entry["boxes_xyxy"], dtype=np.float64)
        stated = tuple(entry["size"])
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{source}: {name}: needs size and boxes_xyxy ({error!r})") from error
    if stated != (width, height):
        raise DataError(f"{source}: {name}: size {stated}, but the photo has {(width, height)}")
    if boxes_xyxy.ndim != 2 or boxes_xyxy.shape[1] != 4 or not np.isfinite(boxes_xyxy).all():
        raise DataError(f"{source}: {name}: boxes_xyxy must be a list of [x1, y1, x2, y2]")
    for index, box in enumerate(boxes_xyxy):
        if fault := box_fault(box, width, height, DRAWN_SLACK * max(width, height)):
            raise DataError(f"{source}: {name}: box {index}: {fault}")
    boxes = np.clip(normalize_boxes(boxes_xyxy, width, height), 0, 1)
    return HumanCrops(name=name, path=path, width=width, height=height, boxes_normalized=boxes)
