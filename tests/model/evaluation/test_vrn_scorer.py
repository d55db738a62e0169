"""The network as a scorer: exactly what serves, its mean over the mirrored photo, and GAIC's own input shapes."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

from vrn_cropper.model.cropper import Cropper
from vrn_cropper.model.data.gaicd import load_upright_rgb
from vrn_cropper.model.evaluation.methods import RATIOS, Method, Question
from vrn_cropper.model.evaluation.vrn_scorer import VrnScorer
from vrn_cropper.model.network.checkpoint import DEFAULT_CHECKPOINT, load_checkpoint
from vrn_cropper.model.network.face_finder import FaceFinder
from vrn_cropper.model.network.vrn import Vrn, VrnConfig
from vrn_cropper.model.photos.input_shapes import InputShape
from vrn_cropper.model.photos.reading import read_photo
from vrn_cropper.model.views.boxes import flip_boxes, mark_fixed_ratio, normalize_boxes
from vrn_cropper.model.views.candidates import grid_views
from vrn_cropper.model.views.options import FREE, AspectRatio

PHOTOS = Path(__file__).parents[2] / "photos"
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def vrn():
    torch.manual_seed(0)
    return Vrn(VrnConfig()).eval()


@pytest.fixture(scope="module")
def cropper():
    """What serves: the shipped graph through the public class."""
    return Cropper.load(threads=1, precision="f32")


@pytest.fixture(scope="module")
def shipped():
    return Method(
        "VRN",
        VrnScorer(load_checkpoint(DEFAULT_CHECKPOINT, CPU), CPU),
        find_heads=FaceFinder.load(),
        states_log_odds=True,
    )


@pytest.mark.parametrize("name", ["chelsea", "astronaut-portrait", "rocket-panorama"])
def test_the_crops_evaluated_are_those_that_are_served(cropper, shipped, name):
    path = PHOTOS / f"{name}.jpg"
    ratios = (FREE, *RATIOS)
    served = cropper.crop(path, top_k=1, aspect_ratios=ratios)
    found = shipped.answer(Question(path, served.width, served.height, ratios))
    boxes = normalize_boxes([crop.box_xyxy for crop in served.crops], served.width, served.height)
    np.testing.assert_array_equal(found.crops, boxes)
    # What crops do to heads is no part of a given view's score, and the free crop is scored before its edges are
    # rounded to pixels: its score is not compared.
    served = cropper.crop(path, top_k=1, aspect_ratios=ratios, faces="ignore")
    boxes = normalize_boxes([crop.box_xyxy for crop in served.crops], served.width, served.height)
    views = np.concatenate([mark_fixed_ratio(boxes[1:]), [[0, 0, 1, 1]]])
    scores = shipped.answer(Question(path, served.width, served.height, (), views_normalized=views)).scores
    served_scores = [*(crop.score for crop in served.crops[1:]), served.whole_frame_score]
    np.testing.assert_allclose(scores, served_scores, atol=2e-3)


def test_mirror_averaging_is_the_mean_of_both_and_does_not_see_a_mirror(vrn):
    photo = load_upright_rgb(PHOTOS / "chelsea.jpg")
    views = grid_views(*photo.size)
    plain, both = VrnScorer(vrn, CPU), VrnScorer(vrn, CPU, mirror=True)
    turned = ImageOps.mirror(photo)
    scores = both.score(photo, views)
    expected = (plain.score(photo, views) + plain.score(turned, flip_boxes(views))) / 2
    # Resizing a mirrored photo rounds a few pixels otherwise than mirroring the resized one.
    np.testing.assert_allclose(scores, expected, atol=1e-3)
    np.testing.assert_allclose(scores, both.score(turned, flip_boxes(views)), atol=1e-3)
    assert np.abs(scores - plain.score(photo, views)).max() > 1e-5


def test_free_shapes_give_the_network_gaic_s_own_input(vrn):
    photo = Image.effect_noise((1000, 400), 60).convert("RGB")
    views = grid_views(*photo.size)
    # 256 x 640 by GAIC's rule; the fixed set has nothing longer than 256 x 512.
    pixels = read_photo(photo, (InputShape(256, 640),)).model_input
    with torch.inference_mode():
        expected = vrn.score_views(torch.from_numpy(pixels.copy())[None], torch.from_numpy(views)[None])[0].numpy()
    np.testing.assert_allclose(VrnScorer(vrn, CPU, free_shapes=True).score(photo, views), expected, atol=1e-8)
    assert np.abs(VrnScorer(vrn, CPU).score(photo, views) - expected).max() > 1e-7


def test_bars_are_left_out_of_the_crops_evaluated_as_of_those_served(cropper, shipped, tmp_path):
    path = tmp_path / "letterbox.png"
    with Image.open(PHOTOS / "chelsea.jpg") as photo:
        barred = Image.new("RGB", (photo.width, photo.height + 160))
        barred.paste(photo, (0, 80))
    barred.save(path)
    served = cropper.crop(path, top_k=1, aspect_ratios=("1:1",)).crops[0].box_xyxy
    found = shipped.answer(Question(path, *barred.size, (AspectRatio.parse("1:1"),))).crops
    np.testing.assert_array_equal(found, normalize_boxes([served], *barred.size))
    assert served[1] >= 80
