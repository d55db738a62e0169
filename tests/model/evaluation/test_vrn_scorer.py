"""The network as a scorer: exactly what serves, and its mean over the mirrored photo."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import ImageOps

from vrn_cropper.model.data.gaicd import load_upright_rgb
from vrn_cropper.model.evaluation.vrn_scorer import VrnScorer
from vrn_cropper.model.network.vrn import Vrn, VrnConfig
from vrn_cropper.model.photos.reading import read_photo
from vrn_cropper.model.views.candidates import grid_views

PHOTOS = Path(__file__).parent.parent.parent / "photos"
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def vrn():
    torch.manual_seed(0)
    return Vrn(VrnConfig()).eval()


def mirrored(views):
    return np.stack([1 - views[:, 2], views[:, 1], 1 - views[:, 0], views[:, 3]], axis=1)


@pytest.mark.parametrize("name", ["chelsea", "astronaut-portrait", "rocket-panorama"])
def test_scores_are_those_of_the_serving_transform_and_network(vrn, name):
    path = PHOTOS / f"{name}.jpg"
    photo = load_upright_rgb(path)
    views = grid_views(*photo.size)
    pixels = torch.from_numpy(read_photo(path).model_input.copy())[None]
    with torch.inference_mode():
        expected = vrn.score_views(pixels, torch.from_numpy(views)[None])[0].numpy()
    found = VrnScorer(vrn, CPU).score(path, views)
    assert found.shape == (len(views),)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_mirror_averaging_is_the_mean_of_both_and_does_not_see_a_mirror(vrn):
    photo = load_upright_rgb(PHOTOS / "chelsea.jpg")
    views = grid_views(*photo.size)
    plain, both = VrnScorer(vrn, CPU), VrnScorer(vrn, CPU, mirror=True)
    turned = ImageOps.mirror(photo)
    scores = both.score(photo, views)
    expected = (plain.score(photo, views) + plain.score(turned, mirrored(views))) / 2
    # Resizing a mirrored photo rounds a few pixels otherwise than mirroring the resized one.
    np.testing.assert_allclose(scores, expected, atol=1e-3)
    np.testing.assert_allclose(scores, both.score(turned, mirrored(views)), atol=1e-3)
    assert np.abs(scores - plain.score(photo, views)).max() > 1e-5
