"""Batches of the second stage: photos of one kind and one input shape, read by the `read_photo` that serves.

Every random choice comes from (seed, pass, step), never from a running generator, so that a resumed run sees the
batches that an uninterrupted one sees. Knows nothing of the network.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from vrn_cropper.model.errors import DataError
from vrn_cropper.model.photos.input_shapes import InputShape, choose_input_shape
from vrn_cropper.model.photos.reading import open_photo, read_photo
from vrn_cropper.model.training.batches import plan_epoch
from vrn_cropper.model.training.people.config import PeopleConfig
from vrn_cropper.model.training.people.photos import PeoplePhotos
from vrn_cropper.model.training.people.targets import PhotoTargets, Shown, rated_targets, voted_targets
from vrn_cropper.model.views.boxes import flip_boxes

OUTER_CROPS = 0.6  # how often a photo loses some of its border
OUTER_MARGIN = 0.04  # of a side, at most; never more than its labelled views leave
AHEAD = 4  # batches made while steps run


class Planned(NamedTuple):
    """One step: photos of `kind` ("voted" or "rated") by their index."""

    kind: str
    indices: np.ndarray


class PeopleBatch(NamedTuple):
    """B photos of one kind and shape, with N views each and the targets of their kind's losses."""

    photos: Tensor  # uint8 (B, H, W, 3)
    boxes_normalized: Tensor  # float32 (B, N, 4)
    targets: dict[str, Tensor]


class PeopleBatches:
    """Decoded photos in memory, and batches of them."""

    def __init__(
        self,
        photos: PeoplePhotos,
        config: PeopleConfig,
        choose_shape: Callable[[int, int], InputShape] = choose_input_shape,
    ) -> None:
        self.photos, self.config = photos, config
        crops = [photo.human_crops for photo in photos.voted]
        self.shapes = {
            "voted": [choose_shape(crop.width, crop.height) for crop in crops],
            "rated": [choose_shape(photo.width, photo.height) for photo in photos.rated],
        }
        self._stored = {
            "voted": [open_photo(crop.path) for crop in crops],
            "rated": [open_photo(_path(photo.path)) for photo in photos.rated],
        }

    def plan(self, number: int) -> list[Planned]:
        """The steps of pass `number`, the same each time it is asked."""
        seed, size, repeats = self.config.seed, self.config.batch_size, self.config.votes_per_pass
        shares = [("voted", repeat) for repeat in range(repeats)] + [("rated", 0)]
        steps = [
            Planned(kind, indices)
            for kind, repeat in shares
            for indices in plan_epoch(self.shapes[kind], size, seed, number * repeats + repeat)
        ]
        return [steps[i] for i in np.random.default_rng([seed, number]).permutation(len(steps))]

    def make(self, planned: Planned, number: int, step: int) -> PeopleBatch:
        """The batch of a step of pass `number`; the same arguments give the same batch."""
        rng = np.random.default_rng([self.config.seed, number, step])
        rows = [self._make_one(planned.kind, int(index), rng) for index in planned.indices]
        pixels, found = zip(*rows, strict=True)
        targets = {
            name: torch.from_numpy(np.stack([np.asarray(one.targets[name], np.float32) for one in found]))
            for name in found[0].targets
        }
        boxes = np.stack([one.boxes_normalized for one in found]).astype(np.float32)
        return PeopleBatch(torch.from_numpy(np.stack(pixels)), torch.from_numpy(boxes), targets)

    def _make_one(self, kind: str, index: int, rng: np.random.Generator) -> tuple[np.ndarray, PhotoTargets]:
        stored, shape = self._stored[kind][index], self.shapes[kind][index]
        kept = self._kept(kind, index, rng)
        shown = _shown(self._size(kind, index), kept, shape)
        pixels = read_photo(stored, (shape,), tuple(kept.tolist())).model_input
        temperature = self.config.crop_temperature
        if kind == "voted":
            found = voted_targets(self.photos.voted[index], shown, temperature, rng)
        else:
            photo = self.photos.rated[index]
            judged = self.photos.judged[Path(photo.name).stem]
            found = rated_targets(photo, judged, self.photos.points.get(photo.name), shown, temperature, rng)
        return _mirrored(pixels, found) if rng.random() < 0.5 else (pixels, found)

    def _size(self, kind: str, index: int) -> tuple[int, int]:
        photo = self.photos.voted[index].human_crops if kind == "voted" else self.photos.rated[index]
        return photo.width, photo.height

    def _kept(self, kind: str, index: int, rng: np.random.Generator) -> np.ndarray:
        """The part of the photo that is shown: it holds every labelled view."""
        if rng.random() >= OUTER_CROPS:
            return np.array([0.0, 0.0, 1.0, 1.0])
        if kind == "voted":
            photo = self.photos.voted[index]
            views = np.concatenate([photo.human_crops.boxes_normalized, photo.pairs_normalized.reshape(-1, 4)])
        else:
            views = self.photos.rated[index].boxes_normalized
        low = np.minimum(views[:, :2].min(axis=0), OUTER_MARGIN)
        high = np.minimum(1 - views[:, 2:].max(axis=0), OUTER_MARGIN)
        return np.concatenate([low * rng.random(2), 1 - high * rng.random(2)])


def made_ahead(batches: PeopleBatches, plan: Sequence[Planned], number: int, first: int) -> Iterator[PeopleBatch]:
    """The batches of a plan from step `first`, a few of them made on another thread while steps run."""
    with ThreadPoolExecutor(1) as pool:
        waiting = [pool.submit(batches.make, plan[i], number, i) for i in range(first, min(first + AHEAD, len(plan)))]
        for step in range(first, len(plan)):
            yield waiting.pop(0).result()
            if step + AHEAD < len(plan):
                waiting.append(pool.submit(batches.make, plan[step + AHEAD], number, step + AHEAD))


def _path(path: Path | None) -> Path:
    if path is None:
        raise DataError("batches need the photos; the annotations alone are not enough")
    return path


def _shown(size: tuple[int, int], kept: np.ndarray, shape: InputShape) -> Shown:
    width, height = size
    return Shown(kept, width * float(kept[2] - kept[0]), height * float(kept[3] - kept[1]), shape)


def _mirrored(pixels: np.ndarray, found: PhotoTargets) -> tuple[np.ndarray, PhotoTargets]:
    """Photo, views and maps (the targets of two and more dimensions), all mirrored."""
    targets = {name: value[..., ::-1] if value.ndim > 1 else value for name, value in found.targets.items()}
    boxes = flip_boxes(found.boxes_normalized)
    return np.ascontiguousarray(pixels[:, ::-1]), PhotoTargets(boxes, targets)
