"""Region maps: drawn where the boxes are, moved with the photo, learnt in training."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vrn_cropper.model.data.gaicd import RatedPhoto, read_gaicd
from vrn_cropper.model.data.judgements import JudgedRegions, read_judgements
from vrn_cropper.model.errors import DataError
from vrn_cropper.model.network.vrn import Vrn, VrnConfig
from vrn_cropper.model.photos.input_shapes import InputShape
from vrn_cropper.model.training.batches import Augmentation, BatchMaker
from vrn_cropper.model.training.config import TrainConfig
from vrn_cropper.model.training.region_maps import region_maps
from vrn_cropper.model.training.step import Trainer

LINE = {"id": "a", "subj": [[3, 6, 6, 9, 3], [0, 0, 6, 12, 1]], "face": "L", "bad": [[9, 0, 12, 6]]}
NOTHING = np.zeros((0, 4), np.float32)


def write_lines(root: Path, *lines: str) -> None:
    (root / "judgements.jsonl").write_text("\n".join(lines) + "\n")


def sampled_maps(regions: JudgedRegions, height: int, width: int, samples: int = 40) -> np.ndarray:
    """Plain reference: each cell is sampled on a fine grid, box by box."""
    maps = np.zeros((2, height, width))
    steps = (np.arange(samples) + 0.5) / samples
    kinds = [(0, b, s) for b, s in zip(regions.subject_boxes_normalized, regions.subject_strengths, strict=True)]
    kinds += [(1, b, 1.0) for b in regions.disturbance_boxes_normalized]
    for kind, (x1, y1, x2, y2), strength in kinds:
        for row in range(height):
            for column in range(width):
                x, y = (column + steps) / width, (row + steps) / height
                covered = np.mean((x > x1) & (x < x2)) * np.mean((y > y1) & (y < y2))
                maps[kind, row, column] = max(maps[kind, row, column], strength * covered)
    return maps


def test_maps_are_the_covered_share_of_each_cell(tmp_path: Path) -> None:
    write_lines(tmp_path, json.dumps(LINE))
    regions = read_judgements(tmp_path)["a"]
    np.testing.assert_allclose(region_maps(*regions[:3], 5, 7), sampled_maps(regions, 5, 7), atol=0.03)


@pytest.mark.parametrize(
    "augmentation", [Augmentation(flip=True), Augmentation(flip=False, outer_crop=True), Augmentation(flip=False)]
)
def test_maps_follow_the_photo(tmp_path: Path, augmentation: Augmentation) -> None:
    pixels = np.zeros((240, 320, 3), dtype=np.uint8)
    pixels[120:180, 80:160] = 255
    Image.fromarray(pixels).save(tmp_path / "a.png")
    mark = np.array([[0.25, 0.5, 0.5, 0.75]], np.float32)
    photo = RatedPhoto("a.png", tmp_path / "a.png", 320, 240, mark, np.array([3.0], np.float32))
    maker = BatchMaker(
        [photo], views_per_photo=1, augmentation=augmentation, seed=0,
        judgements={"a": JudgedRegions(mark, np.ones(1, np.float32), NOTHING)},
    )  # fmt: skip
    for step in range(8):
        batch = maker.make(np.array([0]), epoch=0, step=step)
        height, width = batch.photos.shape[1:3]
        light = batch.photos[0].numpy().mean(axis=2) / 255
        light = light.reshape(height // 16, 16, width // 16, 16).mean(axis=(1, 3))
        np.testing.assert_allclose(batch.region_maps[0, 0].numpy(), light, atol=0.12)
        assert not batch.region_maps[0, 1].any()


def test_cached_maps_are_flipped_with_the_boxes(tmp_path: Path) -> None:
    Image.new("RGB", (320, 240)).save(tmp_path / "a.png")
    left = np.array([[0, 0, 0.5, 1]], np.float32)
    photo = RatedPhoto("a.png", tmp_path / "a.png", 320, 240, left, np.array([3.0], np.float32))
    maker = BatchMaker(
        [photo], views_per_photo=1, augmentation=Augmentation(), seed=0,
        judgements={"a": JudgedRegions(left, np.ones(1, np.float32), NOTHING)},
    )  # fmt: skip
    seen = set()
    for step in range(8):
        batch = maker.make(np.array([0]), 0, step, with_pixels=False)
        seen.add(bool(batch.flipped[0]))
        half = batch.region_maps.shape[3] // 2
        assert batch.region_maps[0, 0, :, :half].mean() == (0 if batch.flipped[0] else 1)
    assert seen == {False, True}


def test_a_photo_without_judgement_is_named(tiny_gaicd: Path) -> None:
    photos = read_gaicd(tiny_gaicd, "train")
    regions = JudgedRegions(NOTHING, np.zeros(0, np.float32), NOTHING)
    with pytest.raises(DataError, match="p00"):
        BatchMaker(photos, views_per_photo=4, augmentation=Augmentation(), seed=0, judgements={"other": regions})


def test_training_learns_the_regions(tmp_path: Path) -> None:
    Image.new("RGB", (96, 96), "white").save(tmp_path / "a.png")
    whole = np.array([[0, 0, 1, 1]], np.float32)
    photo = RatedPhoto("a.png", tmp_path / "a.png", 96, 96, whole, np.array([3.0], np.float32))
    config = TrainConfig(
        network=VrnConfig(hidden_sizes=(8,)), region_weight=1.0, mixed_precision=False, head_lr=0.1, warm_up_steps=1
    )
    maker = BatchMaker(
        [photo], views_per_photo=1, augmentation=Augmentation(), seed=0,
        choose_shape=lambda _width, _height: InputShape(64, 64),
        judgements={"a": JudgedRegions(whole, np.ones(1, np.float32), NOTHING)},
    )  # fmt: skip
    torch.manual_seed(0)
    trainer = Trainer(Vrn(config.network), config, 40, torch.device("cpu"))
    losses = []
    for step in range(20):
        batch = maker.make(np.array([0]), 0, step)
        losses.append(float(trainer.train_step(batch.photos, batch).regions))
    assert losses[-1] < 0.7 * losses[0]


def test_without_weight_nothing_is_asked_of_the_regions(tiny_gaicd: Path) -> None:
    config = replace(TrainConfig(), network=VrnConfig(hidden_sizes=(8,)), region_weight=0.0)
    trainer = Trainer(Vrn(config.network), config, 1, torch.device("cpu"))
    assert trainer.objective.regions is None
