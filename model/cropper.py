"""`Cropper`: crops for people who want no server. The exported graph on OpenVINO; needs no torch.

The same transform, candidate views, graph and ranking as the service, so the same result: to the last digit of
OpenVINO's arithmetic for files, and for a photo that is already in memory up to the reduced JPEG decode that
only a file allows. Knows nothing of HTTP, queues and batches.
"""

import os
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import openvino
import pillow_heif

from vrn_cropper.model.cpu_flags import cpu_precision
from vrn_cropper.model.errors import CheckpointError
from vrn_cropper.model.network.export_info import ExportInfo, read_export_info
from vrn_cropper.model.photos.reading import Photo, read_photo
from vrn_cropper.model.views.crops import RankedCrops, plan_views, rank_crops
from vrn_cropper.model.views.options import (
    DEFAULT_TOP_K,
    AspectRatio,
    CropOptions,
    KeepBox,
    keep_boxes,
    unique_ratios,
)

DEFAULT_EXPORT = Path(__file__).resolve().parent / "weights" / "vrn-mobilenetv2.onnx"


class Cropper:
    """Crops photos on the CPU, one at a time. Safe to use from several threads, which take turns."""

    def __init__(self, export: ExportInfo, compiled: openvino.CompiledModel) -> None:
        """For ready parts; `Cropper.load()` makes them."""
        self._export = export
        self._request = compiled.create_infer_request()
        self._turn = threading.Lock()

    @classmethod
    def load(
        cls, path: str | os.PathLike[str] | None = None, *, threads: int = 0, precision: str = "auto"
    ) -> "Cropper":
        """Load an exported graph, by default the trained one of this package, on `threads` threads (0: all).
        `precision` is `f32`, `bf16` or `auto`: as the server chooses, bf16 where the CPU has instructions for it.

        Also teaches Pillow to open HEIC files. Raises CheckpointError.
        """
        export = read_export_info(Path(path) if path is not None else DEFAULT_EXPORT)
        pillow_heif.register_heif_opener(thumbnails=False)
        options = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": cpu_precision(precision),
            **({"INFERENCE_NUM_THREADS": threads} if threads else {}),
        }
        try:
            compiled = openvino.Core().compile_model(export.path, "CPU", options)
        except RuntimeError as error:
            raise CheckpointError(f"{export.path} is not a graph that OpenVINO can run: {error}") from error
        return cls(export, compiled)

    @property
    def model_name(self) -> str:
        """Name of the loaded model."""
        return self._export.name

    @property
    def model_version(self) -> str:
        """Version of the loaded model, as in the server's answers."""
        return self._export.version

    def crop(
        self,
        image: Photo,
        *,
        top_k: int = DEFAULT_TOP_K,
        aspect_ratios: Iterable[str | float | AspectRatio] = ("free",),
        max_overlap: float | None = None,
        keep: Iterable[Sequence[float] | KeepBox] = (),
        min_scale: float | None = None,
    ) -> RankedCrops:
        """The `top_k` best crops for each aspect ratio, best first, ratios as asked.

        Boxes are x1 y1 x2 y2 in pixels of the upright photo: `PIL.ImageOps.exif_transpose(photo).crop(
        crops[0].box_xyxy)` cuts the best one out.

        Args:
            image: a path, the bytes of a file, a Pillow image (left as it is), or uint8 (H, W, 3) RGB.
            aspect_ratios: "free", "16:9", "3/2", "1.91:1" or numbers, width / height.
            max_overlap: largest IoU of two crops of one ratio.
            keep: boxes (x, y, width, height) that every crop contains; pixels, or fractions if all are at
                most 1.
            min_scale: least size as a share of the largest crop that the ratio allows, by its sides.

        Raises CropOptionError for a wish out of range and CropRequestError for one that this photo cannot
        fulfil; Pillow's and the system's own errors for a file that cannot be read.
        """
        options = CropOptions(top_k, unique_ratios(aspect_ratios), max_overlap, keep_boxes(keep), min_scale)
        made = read_photo(image, self._export.input_shapes)
        plan = plan_views(made.width, made.height, options)
        with self._turn:
            outputs = self._request.infer(
                {"photos": made.model_input[None], "boxes_normalized": plan.boxes_normalized[None]}
            )
            scores = np.array(outputs["scores"][0])
        return rank_crops(plan, scores, options)
