"""The options of a call in Python, as people write them, as `CropOptions`. Knows nothing of photos."""

import operator
from collections.abc import Iterable, Sequence
from typing import Any, SupportsFloat, SupportsIndex, cast

import numpy as np

from vrn_cropper.model.errors import CropOptionError
from vrn_cropper.model.views.options import AspectRatio, CropOptions, KeepBox, keep_boxes, parse_faces, unique_ratios
from vrn_cropper.model.views.own_boxes import BoxOptions, OwnBox

# "free", "16:9", "3/2", "1.91:1", or a number, width / height.
Ratio = str | SupportsFloat | AspectRatio
# (x, y, width, height), or the same as "x,y,width,height".
Keep = str | Sequence[float] | KeepBox


def call_options(
    top_k: SupportsIndex,
    aspect_ratios: Ratio | Iterable[Ratio],
    max_overlap: float | None,
    keep: Keep | Iterable[Keep],
    min_scale: float | None,
    faces: str = "keep",
) -> CropOptions:
    """A lone ratio or box needs no list around it, and numpy's numbers are numbers. Raises CropOptionError."""
    try:
        count: Any = top_k if isinstance(top_k, bool) else operator.index(top_k)
    except TypeError:
        count = top_k  # refused below, in the words of the option
    ratios = cast(
        "list[Ratio]",
        [aspect_ratios] if _is_one_ratio(aspect_ratios) else _listed("aspect_ratios", aspect_ratios),
    )
    return CropOptions(
        count,
        unique_ratios(_with_short_label(ratio) for ratio in ratios),
        _share("max_overlap", max_overlap),
        keep_boxes(_box(box) for box in ([keep] if _is_one_box(keep) else _listed("keep", keep))),
        _share("min_scale", min_scale),
        parse_faces(str(faces)),
    )


def call_boxes(boxes: object, aspect_ratio: Ratio, faces: str = "keep") -> BoxOptions:
    """A caller's boxes: (N, 4) or one of 4, edges x1 y1 x2 y2 in pixels. Raises CropOptionError."""
    try:
        edges = np.asarray(boxes, dtype=np.float64)
    except (TypeError, ValueError):
        edges = np.empty(())
    if edges.shape == (4,):
        edges = edges[None]
    if edges.ndim != 2 or edges.shape[1] != 4:
        raise CropOptionError("boxes are numbers (N, 4): left, top, right and bottom edge in pixels")
    (ratio,) = unique_ratios([_with_short_label(aspect_ratio)])
    return BoxOptions(tuple(OwnBox(*row) for row in edges.tolist()), ratio, parse_faces(str(faces)))


def _is_one_ratio(value: object) -> bool:
    return isinstance(value, str | AspectRatio) or (hasattr(value, "__float__") and not np.ndim(cast(Any, value)))


def _is_one_box(value: object) -> bool:
    if isinstance(value, KeepBox | str):
        return True
    return isinstance(value, Sequence | np.ndarray) and len(value) > 0 and all(np.isscalar(item) for item in value)


def _box(box: object) -> Sequence[float] | KeepBox:
    if isinstance(box, KeepBox):
        return box
    if isinstance(box, str):
        return KeepBox.parse(box)
    try:
        return [float(number) for number in cast("Iterable[float]", box)]
    except (TypeError, ValueError):
        raise CropOptionError(f"a box to keep is four numbers (x, y, width, height); got {box!r:.60}") from None


def _with_short_label(ratio: Ratio) -> str | AspectRatio:
    """A number such as 16 / 9 has more digits than a ratio is written with."""
    if isinstance(ratio, str | AspectRatio):
        return ratio
    try:
        value = float(ratio)
    except (TypeError, ValueError):
        raise CropOptionError(f"an aspect ratio is 'free', 'W:H' or a number; got {ratio!r:.40}") from None
    AspectRatio.parse(f"{value:.6f}")  # refuses what is out of range, in the words of the option
    return AspectRatio(f"{value:.6g}", value)


def _share(name: str, value: object) -> float | None:
    try:
        return None if value is None else float(cast(Any, value))
    except (TypeError, ValueError):
        raise CropOptionError(f"{name} is a number from 0 to 1; got {value!r:.40}") from None


def _listed(name: str, value: object) -> list[object]:
    try:
        return list(cast("Iterable[object]", value))
    except TypeError:
        raise CropOptionError(f"{name} is a list; got {type(value).__name__}") from None
