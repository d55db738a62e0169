"""`Cropper`: crops for people who want no server. The exported graph on the CPU, which needs no torch, or a GPU.

The same decoder, limits, candidate views, graph and ranking as the service, so the same result: to the last digit of
the arithmetic for files, and for a photo that is already in memory up to the reduced JPEG decode that only a
file allows. Knows nothing of HTTP, queues and deadlines.
"""

import functools
import importlib
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any, SupportsIndex

import numpy as np
from numpy.typing import ArrayLike

from vrn_cropper.model.call_options import Keep, Ratio, call_boxes, call_options
from vrn_cropper.model.errors import DeviceError, VrnError
from vrn_cropper.model.network.export_info import ExportInfo, read_export_info
from vrn_cropper.model.network.face_finder import FaceFinder
from vrn_cropper.model.photos.decode import DecodeLimits, Decoder
from vrn_cropper.model.photos.given import GivenPhoto, given_photo
from vrn_cropper.model.photos.reading import PhotoInput
from vrn_cropper.model.scoring import CpuScorer, ViewScorer
from vrn_cropper.model.views.content import content_of
from vrn_cropper.model.views.crops import RankedCrops, ViewPlan, plan_views, rank_crops
from vrn_cropper.model.views.heads import NO_HEADS, HeadFinder, no_heads
from vrn_cropper.model.views.options import DEFAULT_TOP_K, CropOptions
from vrn_cropper.model.views.own_boxes import ScoredBoxes, plan_boxes, tell_boxes

DEFAULT_EXPORT = Path(__file__).resolve().parent / "weights" / "vrn-mobilenetv2.onnx"
DEFAULT_LIMITS = DecodeLimits(max_pixels=100_000_000, max_side_px=32_768)  # the service's
# Errors that are values in `crop_many`: what may be wrong with one photo. Anything else is a mistake in the program.
PhotoFault = VrnError | OSError


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """What a `Cropper` was loaded from, so that a copy in another process can be."""

    path: str
    device: str
    threads: int
    precision: str
    max_pixels: int
    max_side_px: int


class Cropper:
    """Crops photos. Safe to use from several threads, which take turns; may be pickled: the copy loads the model."""

    def __init__(
        self, loaded_from: LoadOptions, export: ExportInfo, scorer: ViewScorer, find_heads: HeadFinder = no_heads
    ) -> None:
        """For ready parts; `Cropper.load()` makes them."""
        self._loaded_from = loaded_from
        self._export = export
        self._scorer = scorer
        self._find_heads = find_heads
        limits = DecodeLimits(loaded_from.max_pixels, loaded_from.max_side_px)
        self._decoder = Decoder(limits, export.input_shapes, owns_process=False)

    @classmethod
    def load(
        cls,
        path: str | os.PathLike[str] | None = None,
        *,
        device: str = "cpu",
        threads: int = 0,
        precision: str = "auto",
        max_pixels: int = DEFAULT_LIMITS.max_pixels,
        max_side_px: int = DEFAULT_LIMITS.max_side_px,
    ) -> "Cropper":
        """Load an exported graph, by default the trained one of this package.

        `device` is `cpu`, `cuda` or `cuda:N`; CUDA needs the extra `torch`. `threads` are of the CPU, 0 for all.
        `precision` is `f32`, `bf16` (CPU), `f16` (CUDA) or `auto`, the server's choice: on CUDA f16, on a CPU bf16
        where it has instructions for it. Photos of more pixels, or a longer side, are refused.

        Also teaches Pillow to open HEIC files. Raises CheckpointError, and DeviceError for a device that is not
        there.
        """
        export = read_export_info(Path(path) if path is not None else DEFAULT_EXPORT)
        scorer = _scorer(export, device, threads, precision)
        options = LoadOptions(str(export.path), device, threads, precision, max_pixels, max_side_px)
        return cls(options, export, scorer, FaceFinder.load())

    def __reduce__(self) -> tuple[Any, ...]:
        return functools.partial(type(self).load, **asdict(self._loaded_from)), ()

    @property
    def model_name(self) -> str:
        """Name of the loaded model."""
        return self._export.name

    @property
    def model_version(self) -> str:
        """Version of the loaded model, as in the server's answers."""
        return self._export.version

    @property
    def device(self) -> str:
        """Where the network runs: `cpu`, `cuda` or `cuda:N`."""
        return self._scorer.device

    def crop(
        self,
        photo: GivenPhoto,
        *,
        top_k: SupportsIndex = DEFAULT_TOP_K,
        aspect_ratios: Ratio | Iterable[Ratio] = "free",
        max_overlap: float | None = None,
        keep: Keep | Iterable[Keep] = (),
        min_scale: float | None = None,
        faces: str = "keep",
    ) -> RankedCrops:
        """The `top_k` best crops for each aspect ratio, best first, ratios as asked.

        Boxes are x1 y1 x2 y2 in pixels of the upright photo; `crop(photo).cut(photo)` cuts them out.

        Args:
            photo: a path, the bytes of a file, an open binary file, a Pillow picture (left as it is), or an array:
                (H, W, 3) or (3, H, W), uint8, or floats from 0 to 1.
            aspect_ratios: "free", "16:9", "3/2", "1.91:1", a number (width / height), or a list of such.
            max_overlap: largest IoU of two crops of one ratio.
            keep: boxes (x, y, width, height) that every crop contains; pixels, or fractions if all are at
                most 1.
            min_scale: least size as a share of the largest crop that the ratio allows, by its sides.
            faces: "keep" makes crops that cut a head lose to almost any that does not; "ignore" does not look.

        Raises CropOptionError for an option out of range, CropRequestError for one that this photo cannot fulfil,
        PhotoError for a photo of an unknown format, too large or damaged, and the system's OSError for a path that
        cannot be read.
        """
        options = call_options(top_k, aspect_ratios, max_overlap, keep, min_scale, faces)
        made, plan = self._read_and_plan(photo, options)
        (scores,) = self._scorer.score([(made.model_input, plan.boxes_normalized)])
        return rank_crops(plan, scores, options)

    def crop_many(
        self,
        photos: Iterable[GivenPhoto],
        *,
        top_k: SupportsIndex = DEFAULT_TOP_K,
        aspect_ratios: Ratio | Iterable[Ratio] = "free",
        max_overlap: float | None = None,
        keep: Keep | Iterable[Keep] = (),
        min_scale: float | None = None,
        faces: str = "keep",
    ) -> list[RankedCrops | PhotoFault]:
        """As `crop` for each photo, in order, with all cores busy. A photo that fails costs no other: in its place
        stands the error that `crop` would raise.

        `photos` may be a generator; a few dozen are in memory at once. Raises CropOptionError.
        """
        options = call_options(top_k, aspect_ratios, max_overlap, keep, min_scale, faces)
        results: list[RankedCrops | PhotoFault] = []
        waiting = iter(photos)
        with ThreadPoolExecutor(self._loaded_from.threads or os.cpu_count(), thread_name_prefix="decode") as pool:

            def begin() -> list[Future[tuple[PhotoInput, ViewPlan]]]:
                window = islice(waiting, 2 * self._scorer.best_batch_size)
                return [pool.submit(self._read_and_plan, photo, options) for photo in window]

            window = begin()
            while window:
                following = begin()  # is decoded while this one is scored
                results += self._score_window(window, options)
                window = following
        return results

    def score(
        self, photo: GivenPhoto, boxes: ArrayLike, *, aspect_ratio: Ratio = "free", faces: str = "keep"
    ) -> ScoredBoxes:
        """What your own boxes are worth, in their order; see `ScoredBoxes`, whose `scores` are an array.

        `boxes` are x1 y1 x2 y2 in pixels of the upright photo, (N, 4), as `Crop.box_xyxy`, at most 500. Their scores
        compare with those of the crops that `crop` finds for this `aspect_ratio`; it does not change the boxes.
        Raises as `crop` does.
        """
        options = call_boxes(boxes, aspect_ratio, faces)
        made = self._read(photo)
        plan = plan_boxes(made.width, made.height, options, self._heads(made, options.keeps_heads))
        (scores,) = self._scorer.score([(made.model_input, plan.boxes_normalized)])
        return tell_boxes(plan, scores)

    def _read(self, photo: object) -> PhotoInput:
        given = given_photo(photo)
        if isinstance(given, bytes):
            return self._decoder.decode(self._decoder.open(given))
        return self._decoder.read_picture(given)

    def _read_and_plan(self, photo: object, options: CropOptions) -> tuple[PhotoInput, ViewPlan]:
        made = self._read(photo)
        heads = self._heads(made, options.keeps_heads)
        return made, plan_views(made.width, made.height, options, heads, content_of(made.model_input))

    def _heads(self, photo: PhotoInput, keeps_heads: bool) -> np.ndarray:
        return self._find_heads(photo.model_input) if keeps_heads else NO_HEADS

    def _score_window(
        self, window: Sequence[Future[tuple[PhotoInput, ViewPlan]]], options: CropOptions
    ) -> Iterator[RankedCrops | PhotoFault]:
        read: list[tuple[PhotoInput, ViewPlan] | PhotoFault] = []
        for future in window:
            try:
                read.append(future.result())
            except (VrnError, OSError) as error:
                read.append(error)
        whole = [entry for entry in read if isinstance(entry, tuple)]
        scored = iter(self._scorer.score([(made.model_input, plan.boxes_normalized) for made, plan in whole]))
        for entry in read:
            yield rank_crops(entry[1], next(scored), options) if isinstance(entry, tuple) else entry


def _scorer(export: ExportInfo, device: str, threads: int, precision: str) -> ViewScorer:
    kind, _, index = device.partition(":")
    if kind == "cpu" and not index and precision in ("auto", "f32", "bf16"):
        return CpuScorer(export, threads=threads, precision=precision)
    if kind != "cuda" or (index and not index.isdigit()) or precision not in ("auto", "f32", "f16"):
        raise DeviceError(
            f"device is 'cpu' (precision 'auto', 'f32', 'bf16'), 'cuda' or 'cuda:N' (precision 'auto', 'f32', 'f16');"
            f" got {device!r} and {precision!r}"
        )
    try:
        # By its name: nothing else here needs torch, and importing it takes seconds.
        torch_scorer = importlib.import_module("vrn_cropper.model.network.torch_scorer")
    except ModuleNotFoundError as error:
        raise DeviceError(f"{device} needs {error.name}: pip install 'vrn-cropper[torch]'") from error
    scorer: ViewScorer = torch_scorer.TorchScorer(export, device=device, precision=precision)
    return scorer
