"""Croppers of other packages: boxes of the wanted size, where the library put them."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vrn_cropper.model.data.gaicd import load_upright_rgb
from vrn_cropper.model.evaluation.geometry_prior import GAICD_PRIOR

# libvips' own ABI warning and the like are not this project's; a missing extra is no failure.
pyvips = pytest.importorskip("pyvips", reason="the extra `benchmarks` is not installed")
pytest.importorskip("smartcrop", reason="the extra `benchmarks` is not installed")

from vrn_cropper.model.evaluation.other_croppers import LibvipsCropper, SmartcropCropper, other_croppers  # noqa: E402

PHOTOS = sorted((Path(__file__).parent.parent.parent / "photos").glob("*.jpg"))
CROPPERS = {method.name: method.cropper for method in other_croppers(GAICD_PRIOR)}


def skin_at(x, y):
    """A flat photo with a noisy patch of skin colour, which all three look for, in 100 x 100 pixels from x, y."""
    pixels = np.full((300, 400, 3), 128, dtype=np.uint8)
    noise = np.random.default_rng(0).integers(-20, 21, (100, 100, 1))
    pixels[y : y + 100, x : x + 100] = np.array([199, 145, 112]) + noise
    return Image.fromarray(pixels)


@pytest.mark.parametrize("name", CROPPERS)
@pytest.mark.parametrize("path", PHOTOS, ids=lambda path: path.stem)
def test_a_box_lies_in_the_photo_and_has_the_wanted_size(name, path):
    photo = load_upright_rgb(path)
    box = CROPPERS[name].crop(photo)
    assert (box[:2] >= 0).all()
    assert (box[2:] <= 1).all()
    # Whole pixels: smartcrop rounds both to the photo's pixels and down.
    wanted = np.array([GAICD_PRIOR.view_width, GAICD_PRIOR.view_height]) * photo.size
    assert np.abs((box[2:] - box[:2]) * photo.size - wanted).max() < 2


@pytest.mark.parametrize("name", CROPPERS)
def test_the_box_follows_the_subject_along_both_sides(name):
    # Off the corners: smartcrop takes points off for a subject that touches the edge of its crop.
    near, far = (CROPPERS[name].crop(skin_at(x, y)) for x, y in [(50, 40), (250, 160)])
    assert near[0] < far[0] - 0.05
    assert near[1] < far[1] - 0.05
    for box, corner in [(near, (50, 40)), (far, (250, 160))]:
        assert (box[:2] * [400, 300] <= corner).all()
        assert (box[2:] * [400, 300] >= np.add(corner, 100)).all()


def test_libvips_box_is_the_very_crop_that_libvips_cuts():
    photo = load_upright_rgb(PHOTOS[0])
    x1, y1, x2, y2 = np.rint(LibvipsCropper("attention", 0.6, 0.7).crop(photo) * np.tile(photo.size, 2)).astype(int)
    pixels = np.asarray(photo)
    cut = pyvips.Image.new_from_array(pixels).smartcrop(x2 - x1, y2 - y1, interesting="attention").numpy()
    np.testing.assert_array_equal(pixels[y1:y2, x1:x2], cut)


def test_a_whole_frame_target_is_the_whole_frame():
    photo = load_upright_rgb(PHOTOS[0])
    np.testing.assert_allclose(SmartcropCropper(1, 1).crop(photo), [0, 0, 1, 1], atol=0.01)
    np.testing.assert_allclose(LibvipsCropper("entropy", 1, 1).crop(photo), [0, 0, 1, 1])
