"""The rows that bulk writes: one a photo, cropped or failed, in one fixed Arrow schema. Knows no files and no Ray."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from vrn_cropper.model.cropper import Cropper
from vrn_cropper.model.views.crops import RankedCrops
from vrn_cropper.service.error_codes import status_and_code

if TYPE_CHECKING:
    import pandas as pd

CROP = pa.struct(
    [
        pa.field("aspect_ratio", pa.string(), nullable=False),
        pa.field("rank", pa.int32(), nullable=False),
        pa.field("x", pa.int32(), nullable=False),
        pa.field("y", pa.int32(), nullable=False),
        pa.field("width", pa.int32(), nullable=False),
        pa.field("height", pa.int32(), nullable=False),
        pa.field("score", pa.float32(), nullable=False),
        pa.field("preferred_to_whole", pa.float32(), nullable=False),
        pa.field("preferred_to_centre", pa.float32(), nullable=False),
        pa.field("focal_x", pa.float32(), nullable=False),
        pa.field("focal_y", pa.float32(), nullable=False),
        pa.field("picture", pa.string()),
    ]
)
# `error_code` and `error_message` are null for a photo that was cropped; size, crops and scores for one that failed.
SCHEMA = pa.schema(
    [
        pa.field("path", pa.string(), nullable=False),
        pa.field("width", pa.int32()),
        pa.field("height", pa.int32()),
        pa.field("crops", pa.list_(pa.field("element", CROP, nullable=False))),
        pa.field("whole_score", pa.float32()),
        pa.field("best_crop_gain", pa.float32()),
        pa.field("error_code", pa.string()),
        pa.field("error_message", pa.string()),
        pa.field("model", pa.string(), nullable=False),
        pa.field("model_version", pa.string(), nullable=False),
        pa.field("options", pa.string(), nullable=False),
    ],
    metadata={"vrn_rows": "1"},
)


def options_key(options: dict[str, Any]) -> str:
    """A short name of the options that rows were made with."""
    return hashlib.sha256(repr(sorted(options.items())).encode()).hexdigest()[:16]


def row_of(
    path: str, result: RankedCrops | Exception, cropper: Cropper, options: str, pictures: Sequence[str] = ()
) -> dict[str, Any]:
    """The row of one photo; `pictures` are the paths of its cropped pictures, one a crop, if they were written."""
    row: dict[str, Any] = dict.fromkeys(SCHEMA.names)
    row |= {"path": path, "model": cropper.model_name, "model_version": cropper.model_version, "options": options}
    if not isinstance(result, RankedCrops):
        is_file = isinstance(result, OSError)
        return row | {
            "error_code": "file_error" if is_file else status_and_code(result)[1],
            "error_message": (is_file and getattr(result, "strerror", None)) or str(result),
        }
    crops = []
    for index, crop in enumerate(result.crops):
        x1, y1, x2, y2 = crop.box_xyxy
        crops.append(
            {
                "aspect_ratio": crop.aspect_ratio.label, "rank": crop.rank, "score": crop.score,
                "x": x1, "y": y1, "width": x2 - x1, "height": y2 - y1,
                "preferred_to_whole": crop.preferred_to_whole, "preferred_to_centre": crop.preferred_to_centre,
                "focal_x": crop.focal_point.x, "focal_y": crop.focal_point.y,
                "picture": pictures[index] if pictures else None,
            }
        )  # fmt: skip
    size = {"width": result.width, "height": result.height}
    return row | size | {"crops": crops, "whole_score": result.whole_frame_score, "best_crop_gain": result.gain}


def table_of(rows: Iterable[dict[str, Any]]) -> pa.Table:
    """Rows as a table of `SCHEMA`."""
    return pa.Table.from_pylist(list(rows), schema=SCHEMA)


def crop_frames(frames: "Iterable[pd.DataFrame]", cropper: Cropper, **options: Any) -> "Iterator[pd.DataFrame]":
    """For Spark's `mapInPandas`: frames with `path` and `content` (bytes) -> frames of `SCHEMA`'s columns.

    `options` are those of `Cropper.crop_many`. Raises CropOptionError.
    """
    key = options_key(options)
    for frame in frames:
        results = cropper.crop_many(frame["content"].tolist(), **options)
        pairs = zip(frame["path"].tolist(), results, strict=True)
        yield table_of(row_of(path, result, cropper, key) for path, result in pairs).to_pandas()
