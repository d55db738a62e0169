"""The figures: right photos, right boxes, right maps, and files that are pictures."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vrn_cropper.model.data.gaicd import load_upright_rgb
from vrn_cropper.model.errors import CheckpointError, DataError
from vrn_cropper.model.evaluation.baselines import CentreCrop, WholeFrame
from vrn_cropper.model.evaluation.figures import (
    FeatureMaps,
    choose_photos,
    draw_crops,
    draw_features,
    feature_maps,
    main,
    top_crop,
)
from vrn_cropper.model.evaluation.methods import Method
from vrn_cropper.model.network.checkpoint import save_checkpoint
from vrn_cropper.model.network.vrn import Vrn, VrnConfig

PHOTOS = Path(__file__).parent.parent.parent / "photos"
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def vrn():
    torch.manual_seed(0)
    return Vrn(VrnConfig()).eval()


def pixels_of(figure):
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())[..., :3].astype(int)


def test_photos_are_spread_over_the_names_and_test_photos_come_first(tmp_path):
    for folder in ("", "images", "images/test"):
        (tmp_path / folder).mkdir(exist_ok=True)
        for index in range(9):
            Image.new("RGB", (4, 4)).save(tmp_path / folder / f"{index}.jpg")
    assert choose_photos(tmp_path, 3) == [tmp_path / "images" / "test" / f"{i}.jpg" for i in (0, 4, 8)]
    assert len(choose_photos(tmp_path, 20)) == 9
    with pytest.raises(DataError, match="no photos"):
        choose_photos(tmp_path / "nowhere", 3)


def test_a_method_without_a_box_shows_its_best_view():
    class LowestScorer:
        def score(self, photo, boxes_normalized):
            return boxes_normalized[:, 1] + boxes_normalized[:, 3]

    photo = Image.new("RGB", (90, 90))
    assert top_crop(Method("lowest", LowestScorer()), photo)[[1, 3]] == pytest.approx([3.5 / 12, 11.5 / 12])
    assert top_crop(Method.of_cropper("whole", WholeFrame()), photo).tolist() == [0, 0, 1, 1]


def test_what_a_crop_leaves_out_is_dimmed():
    photo = Image.new("RGB", (300, 200), (200, 100, 50))
    methods = [Method.of_cropper("whole", WholeFrame()), Method.of_cropper("centre", CentreCrop(0.5, 0.5))]
    pixels = pixels_of(draw_crops([photo], methods))
    bright = (np.abs(pixels - [200, 100, 50]).max(axis=2) <= 2).sum()
    dimmed = (np.abs(pixels - [70, 35, 17]).max(axis=2) <= 2).sum()
    # Of the two photos one and a quarter are kept, three quarters are left out; frames take some pixels.
    assert bright / dimmed == pytest.approx(1.25 / 0.75, rel=0.1)


def test_maps_have_the_networks_stride_and_run_from_0_to_1(vrn):
    found = feature_maps(vrn, load_upright_rgb(PHOTOS / "coffee.jpg"), CPU)
    for heat in found:
        assert heat.shape == (10, 16)  # coffee.jpg is 3:2, so 160 x 256 to the network
        assert (heat.min(), heat.max()) == (0, 1)
    assert np.abs(found.view_wise - found.image_wise).max() > 1e-3


def test_a_network_without_a_splitter_has_no_two_maps():
    plain = Vrn(VrnConfig(has_splitter=False)).eval()
    with pytest.raises(CheckpointError, match="no splitter"):
        feature_maps(plain, load_upright_rgb(PHOTOS / "coffee.jpg"), CPU)


def test_heat_lies_where_the_map_is_strong():
    left, right = np.zeros((10, 20), np.float32), np.zeros((10, 20), np.float32)
    left[:, :10], right[:, 10:] = 1, 1
    photo = Image.new("RGB", (400, 200), (128, 128, 128))
    pixels = pixels_of(draw_features([photo], [FeatureMaps(view_wise=left, image_wise=right)]))
    red = (pixels[..., 0] - pixels[..., 2]) > 60
    columns = np.flatnonzero(red.any(axis=0)) / pixels.shape[1]
    # Middle panel: the image-wise map, right half; last panel: the view-wise map, left half.
    assert columns.min() == pytest.approx(0.5, abs=0.03)
    assert columns.max() == pytest.approx(1 - 1 / 6, abs=0.03)


def test_the_command_writes_both_figures(vrn, tmp_path):
    save_checkpoint(tmp_path / "vrn.safetensors", vrn, {})
    checkpoint, out = str(tmp_path / "vrn.safetensors"), tmp_path / "out"
    assert main(["--data", str(PHOTOS), "--checkpoint", checkpoint, "--count", "2", "--out", str(out)]) == 0
    for name in ("fig4-top1-crops.png", "fig5-feature-maps.png"):
        with Image.open(out / name) as figure:
            assert min(figure.size) > 300


def test_a_missing_checkpoint_is_one_line_and_status_1(tmp_path, capsys):
    assert main(["--data", str(PHOTOS), "--checkpoint", str(tmp_path / "none")]) == 1
    assert capsys.readouterr().err.startswith("error: there is no checkpoint")
