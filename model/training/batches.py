"""Training batches: photos of one input shape, random views, augmentation that moves photo and boxes together.

Every random choice comes from (seed, epoch, step), never from a running generator, so that a training resumed at
any step sees the batches that an uninterrupted one sees. Knows nothing of the network.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torchvision.transforms.v2 import ColorJitter

from vrn_cropper.model.data.gaicd import RatedPhoto
from vrn_cropper.model.data.judgements import JudgedRegions
from vrn_cropper.model.errors import DataError
from vrn_cropper.model.network.backbone import MAP_STRIDE
from vrn_cropper.model.photos.input_shapes import InputShape, choose_input_shape
from vrn_cropper.model.photos.reading import StoredPhoto, open_photo, read_photo
from vrn_cropper.model.training.region_maps import region_maps
from vrn_cropper.model.views.boxes import crop_boxes, flip_boxes

WHOLE_FRAME = np.array([0.0, 0.0, 1.0, 1.0])
OUTER_MARGIN = 0.5 / 12  # no grid view touches this border, so a photo may lose it without losing a view


class Batch(NamedTuple):
    """B photos of one shape with N views each."""

    photos: Tensor  # uint8 (B, H, W, 3); (B, 0) where pixels were not asked for
    boxes_normalized: Tensor  # float32 (B, N, 4)
    mos: Tensor  # float32 (B, N)
    photo_mean_mos: Tensor  # float32 (B,), over all views of the photo
    region_maps: Tensor | None  # float32 (B, 2, H/16, W/16); None without judgements
    indices: np.ndarray  # (B,) photos in the training list
    flipped: np.ndarray  # (B,) bool


@dataclass(frozen=True)
class Augmentation:
    """What is varied. Strengths as in torchvision's ColorJitter; 0 is off."""

    flip: bool = True
    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    hue: float = 0.0
    outer_crop: bool = False  # lose up to OUTER_MARGIN at each side

    def jitter(self) -> ColorJitter | None:
        strengths = (self.brightness, self.contrast, self.saturation, self.hue)
        return ColorJitter(*strengths) if any(strengths) else None


def plan_epoch(shapes: list[InputShape], batch_size: int, seed: int, epoch: int) -> list[np.ndarray]:
    """Batches of photo indices for one epoch: each photo once, one shape a batch, order by (seed, epoch)."""
    rng = np.random.default_rng([seed, epoch])
    by_shape: dict[InputShape, list[int]] = defaultdict(list)
    for index in rng.permutation(len(shapes)):
        by_shape[shapes[index]].append(int(index))
    batches = [
        np.array(group[start : start + batch_size])
        for group in by_shape.values()
        for start in range(0, len(group), batch_size)
    ]
    return [batches[i] for i in rng.permutation(len(batches))]


class BatchMaker:
    """Decoded training photos, and batches of them.

    Holds every photo in memory as its file stores it (a 320 x 480 photo takes 0.5 MB), at the scale that serving
    decodes; what the network gets is made by the `read_photo` that serves.
    """

    def __init__(
        self,
        photos: list[RatedPhoto],
        *,
        views_per_photo: int,
        augmentation: Augmentation,
        seed: int,
        choose_shape: Callable[[int, int], InputShape] = choose_input_shape,
        judgements: Mapping[str, JudgedRegions] | None = None,
    ) -> None:
        """`judgements` by photo name without suffix, for the region maps. Raises DataError if one is missing."""
        self.photos, self.seed = photos, seed
        self.views_per_photo, self.augmentation = views_per_photo, augmentation
        self.shapes = [choose_shape(photo.width, photo.height) for photo in photos]
        self.means = np.array([photo.mos.mean() for photo in photos], dtype=np.float32)
        self._judged: list[JudgedRegions] | None = None
        if judgements:
            try:
                self._judged = [judgements[Path(photo.name).stem] for photo in photos]
            except KeyError as error:
                raise DataError(f"there are judgements, but none of the photo {error}") from error
        paths = [photo.path for photo in photos if photo.path is not None]
        if len(paths) < len(photos):
            raise DataError("batches need the photos; the annotations alone are not enough")
        self._stored: list[StoredPhoto] = [open_photo(path) for path in paths]
        self._jitter = augmentation.jitter()

    def network_pixels(self, index: int) -> np.ndarray:
        """One photo as the network takes it, without augmentation: uint8 (H, W, 3)."""
        return read_photo(self._stored[index], (self.shapes[index],)).model_input

    def make(self, indices: np.ndarray, epoch: int, step: int, *, with_pixels: bool = True) -> Batch:
        """The batch of these photos at this step; the same arguments give the same batch.

        Without pixels (training on cached maps) only the flip is applied.
        """
        rng = np.random.default_rng([self.seed, epoch, step])
        count = min([self.views_per_photo, *(len(self.photos[i].mos) for i in indices)])
        rows = [self._make_one(int(i), count, rng, with_pixels) for i in indices]
        photos, boxes, mos, flipped, maps = zip(*rows, strict=True)
        return Batch(
            photos=torch.from_numpy(np.stack(photos)),
            boxes_normalized=torch.from_numpy(np.stack(boxes)),
            mos=torch.from_numpy(np.stack(mos)),
            photo_mean_mos=torch.from_numpy(self.means[indices]),
            region_maps=torch.from_numpy(np.stack(maps)) if self._judged is not None else None,
            indices=indices,
            flipped=np.array(flipped),
        )

    def _make_one(
        self, index: int, count: int, rng: np.random.Generator, with_pixels: bool
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, bool, np.ndarray | None]:
        photo = self.photos[index]
        views = rng.permutation(len(photo.mos))[:count]
        boxes, mos = photo.boxes_normalized[views], photo.mos[views]
        flipped = self.augmentation.flip and bool(rng.random() < 0.5)
        kept = WHOLE_FRAME
        if not with_pixels:
            boxes = flip_boxes(boxes) if flipped else boxes
            return np.zeros(0, np.uint8), boxes.astype(np.float32), mos, flipped, self._maps(index, kept, flipped)
        if self.augmentation.outer_crop:
            # Never more than the outermost of the photo's own views allows.
            low = np.minimum(photo.boxes_normalized[:, :2].min(axis=0), OUTER_MARGIN)
            high = np.minimum(1 - photo.boxes_normalized[:, 2:].max(axis=0), OUTER_MARGIN)
            kept = np.concatenate([low * rng.random(2), 1 - high * rng.random(2)])
            boxes = crop_boxes(boxes, kept)
        pixels = read_photo(self._stored[index], (self.shapes[index],), tuple(kept.tolist())).model_input
        if flipped:
            pixels, boxes = pixels[:, ::-1], flip_boxes(boxes)
        if self._jitter is not None:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(int(rng.integers(2**31)))
                tensor = torch.from_numpy(pixels.copy()).permute(2, 0, 1)
                pixels = self._jitter(tensor).permute(1, 2, 0).numpy()
        return (
            np.ascontiguousarray(pixels), boxes.astype(np.float32), mos, flipped, self._maps(index, kept, flipped)
        )  # fmt: skip

    def _maps(self, index: int, kept_normalized: np.ndarray, flipped: bool) -> np.ndarray | None:
        """The region maps of what is left of the photo, at the size of the network's map."""
        if self._judged is None:
            return None
        subjects, strengths, disturbances = self._judged[index][:3]
        moved = [crop_boxes(boxes, kept_normalized) for boxes in (subjects, disturbances)]
        if flipped:
            moved = [flip_boxes(boxes) for boxes in moved]
        shape = self.shapes[index]
        return region_maps(moved[0], strengths, moved[1], shape.height // MAP_STRIDE, shape.width // MAP_STRIDE)
