"""Whether a change that nobody sees gives another crop: mirrored, saved again, half the size, moved by a pixel."""

from collections.abc import Callable, Sequence
from functools import partial
from io import BytesIO

import numpy as np
from PIL import Image, ImageOps

from vrn_cropper.model.data.gaicd import RatedPhoto, load_upright_rgb
from vrn_cropper.model.evaluation.methods import Method, Question
from vrn_cropper.model.evaluation.metrics import bootstrap_interval
from vrn_cropper.model.progress import track
from vrn_cropper.model.views.boxes import flip_boxes
from vrn_cropper.model.views.options import FREE, AspectRatio

SAME_WITHIN = 0.015  # of the photo's sides: no edge of the crop moves further. Half a size rounds to half a pixel
RATIOS = (FREE, *(AspectRatio.parse(text) for text in ("1:1", "4:5", "9:16", "16:9")))
PIXEL_VIEWS = 40  # square and free views a photo that are moved by a pixel


def same_crop(box_normalized: np.ndarray, others_normalized: np.ndarray) -> np.ndarray:
    """Whether boxes (..., 4) are the same crop to `SAME_WITHIN`: (...,)."""
    return (np.abs(box_normalized - others_normalized) <= SAME_WITHIN).all(axis=-1)


def as_jpeg(photo: Image.Image, quality: int) -> bytes:
    """A photo saved as a JPEG."""
    buffer = BytesIO()
    photo.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def as_png(photo: Image.Image) -> bytes:
    """A photo saved without loss."""
    buffer = BytesIO()
    photo.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def stability_markdown(method: Method, photos: Sequence[RatedPhoto], title: str) -> str:
    """Percent of photos with the same crop after each change, free and at fixed ratios, and one-pixel jumps."""
    changes: dict[str, list[np.ndarray]] = {"mirrored": [], "JPEG 60 instead of 95": [], "half the size": []}
    jumps = []
    for photo in track(photos, title):
        assert photo.path is not None  # the photos of a test set have their files
        source = load_upright_rgb(photo.path)

        def crops(picture: bytes, size: tuple[int, int]) -> np.ndarray:
            return method.answer(Question(picture, *size, RATIOS)).crops

        whole = crops(as_png(source), source.size)
        half = source.resize((max(1, source.width // 2), max(1, source.height // 2)), Image.Resampling.LANCZOS)
        mirrored = flip_boxes(crops(as_png(ImageOps.mirror(source)), source.size))
        fine, coarse = (crops(as_jpeg(source, quality), source.size) for quality in (95, 60))
        changes["mirrored"].append(same_crop(whole, mirrored))
        changes["JPEG 60 instead of 95"].append(same_crop(fine, coarse))
        changes["half the size"].append(same_crop(whole, crops(as_png(half), half.size)))
        jumps.append(pixel_jump(partial(method.scorer.score, photo.path), source.size))
    lines = [f"## {title}", f"{method.name}, {len(photos)} photos. Percent with the same crop after a change"]
    lines[-1] += f" (no edge moves by more than {SAME_WITHIN:.1%} of the side), 95 % bootstrap interval in brackets."
    rows = ["| change | free | fixed ratios |", "|---|---|---|"]
    for name, found in changes.items():
        same = np.array(found, dtype=float)
        rows.append(f"| {name} | {_percent(same[:, 0])} | {_percent(same[:, 1:].mean(axis=1))} |")
    largest, mean = float(np.max(jumps)), float(np.mean(jumps))
    note = (
        "Largest change of a score when a view moves by one pixel, as a share of the photo's range of scores:"
        f" {mean:.3f} on average over photos, {largest:.3f} at most."
    )
    return "\n\n".join([*lines, "\n".join(rows), note]) + "\n"


def pixel_jump(score: Callable[[np.ndarray], np.ndarray], size: tuple[int, int]) -> float:
    """The largest change of any view's score under a move of one pixel to the right or down, of the range."""
    rng = np.random.default_rng(0)
    steps = 1 / np.tile(size, 2)
    sides = rng.uniform(0.5, 0.9, (PIXEL_VIEWS, 2))
    starts = rng.uniform(0, 1, (PIXEL_VIEWS, 2)) * (1 - sides - steps[:2])
    still = np.concatenate([starts, starts + sides], axis=1)
    right, down = still + steps * [1, 0, 1, 0], still + steps * [0, 1, 0, 1]
    scores = score(np.concatenate([still, right, down]).astype(np.float32)).reshape(3, -1)
    spread = np.ptp(scores[0])
    return float(np.abs(scores[1:] - scores[0]).max() / spread) if spread > 0 else 0.0


def _percent(values: np.ndarray) -> str:
    low, high = 100 * bootstrap_interval(values)
    return f"{100 * values.mean():.1f} ({low:.1f} to {high:.1f})"
