"""Batches: one shape each, every photo once, and augmentation that moves photo and boxes together."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vrn_cropper.model.data.gaicd import RatedPhoto, read_gaicd
from vrn_cropper.model.photos.input_shapes import InputShape
from vrn_cropper.model.training.batches import (
    OUTER_MARGIN,
    Augmentation,
    BatchMaker,
    plan_epoch,
)

MARK = np.array([[0.25, 0.5, 0.5, 0.75]], dtype=np.float32)  # a white rectangle, and the view that frames it


@pytest.fixture
def marked_photo(tmp_path: Path) -> RatedPhoto:
    pixels = np.zeros((240, 320, 3), dtype=np.uint8)
    pixels[120:180, 80:160] = 255
    Image.fromarray(pixels).save(tmp_path / "a.png")
    return RatedPhoto("a", tmp_path / "a.png", 320, 240, MARK, np.array([3.0], dtype=np.float32))


def white_box(pixels: np.ndarray) -> np.ndarray:
    """The bounding box of what is brighter than half, normalized."""
    ys, xs = np.nonzero(pixels.mean(axis=2) > 127)
    height, width = pixels.shape[:2]
    return np.array([xs.min() / width, ys.min() / height, (xs.max() + 1) / width, (ys.max() + 1) / height])


@pytest.mark.parametrize(
    "augmentation",
    [Augmentation(flip=True), Augmentation(flip=False, outer_crop=True), Augmentation(True, outer_crop=True)],
)
def test_boxes_follow_the_photo(marked_photo: RatedPhoto, augmentation: Augmentation) -> None:
    maker = BatchMaker([marked_photo], views_per_photo=1, augmentation=augmentation, seed=0)
    seen = set()
    for step in range(12):
        batch = maker.make(np.array([0]), epoch=0, step=step)
        box = batch.boxes_normalized[0, 0].numpy()
        np.testing.assert_allclose(white_box(batch.photos[0].numpy()), box, atol=0.008)
        seen.add(tuple(box.round(3)))
    assert len(seen) > 1


def test_the_outer_crop_cuts_no_view(tiny_gaicd: Path) -> None:
    photos = read_gaicd(tiny_gaicd, "train")
    maker = BatchMaker(photos, views_per_photo=64, augmentation=Augmentation(False, outer_crop=True), seed=0)
    for step in range(5):
        batch = maker.make(np.array([0, 3]), epoch=0, step=step)
        sides = (batch.boxes_normalized[..., 2:] - batch.boxes_normalized[..., :2]).numpy()
        assert (sides > 5 / 12 - 2 * OUTER_MARGIN).all()
        assert batch.boxes_normalized.min() >= 0
        assert batch.boxes_normalized.max() <= 1


def test_an_epoch_holds_each_photo_once_in_batches_of_one_shape() -> None:
    shapes = [InputShape(256, 256), InputShape(256, 384)] * 10 + [InputShape(384, 256)]
    plan = plan_epoch(shapes, batch_size=4, seed=0, epoch=0)
    assert sorted(np.concatenate(plan).tolist()) == list(range(21))
    assert all(len({shapes[i] for i in batch}) == 1 and len(batch) <= 4 for batch in plan)


def test_epochs_differ_and_repeat_by_seed() -> None:
    shapes = [InputShape(256, 256)] * 20

    def order(seed: int, epoch: int) -> list[int]:
        return np.concatenate(plan_epoch(shapes, 4, seed, epoch)).tolist()

    assert order(0, 0) == order(0, 0)
    assert order(0, 0) != order(0, 1)
    assert order(0, 0) != order(1, 0)


def test_colour_jitter_changes_pixels_and_repeats_by_step(marked_photo: RatedPhoto) -> None:
    augmentation = Augmentation(flip=False, brightness=0.4, hue=0.1)
    maker = BatchMaker([marked_photo], views_per_photo=1, augmentation=augmentation, seed=0)
    first, again, other = (maker.make(np.array([0]), 0, step).photos for step in (0, 0, 1))
    assert (first == again).all()
    assert (first != other).any()


def test_views_are_drawn_without_repeats_and_keep_their_ratings(tiny_gaicd: Path) -> None:
    photos = read_gaicd(tiny_gaicd, "train")
    maker = BatchMaker(photos, views_per_photo=16, augmentation=Augmentation(flip=False), seed=0)
    batch = maker.make(np.array([0]), 0, 0)
    known = {tuple(box): mos for box, mos in zip(photos[0].boxes_normalized, photos[0].mos, strict=True)}
    drawn = [tuple(box) for box in batch.boxes_normalized[0].numpy()]
    assert len(set(drawn)) == 16
    assert [known[box] for box in drawn] == batch.mos[0].tolist()
    assert batch.photo_mean_mos[0] == pytest.approx(photos[0].mos.mean())
