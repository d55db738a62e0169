"""Bars around a picture are no part of it, plain backgrounds are; of one colour nothing is better than the centre."""

import numpy as np
import pytest

from vrn_cropper.model.views.content import WHOLE, PhotoContent, content_of
from vrn_cropper.model.views.crops import plan_views, rank_crops
from vrn_cropper.model.views.options import CropOptions, KeepBox, unique_ratios

HEIGHT, WIDTH = 160, 224


def scene(height=HEIGHT, width=WIDTH):
    """A photo without a plain edge: bright noise."""
    return np.random.default_rng(0).integers(60, 255, (height, width, 3), dtype=np.uint8)


def framed(top, right, bottom, left, colour=0):
    photo = np.full((HEIGHT, WIDTH, 3), colour, np.uint8)
    inner = scene(HEIGHT - top - bottom, WIDTH - left - right)
    photo[top : HEIGHT - bottom, left : WIDTH - right] = inner
    return photo


def compressed(photo):
    """As JPEG leaves it: a little noise in the bars."""
    noise = np.random.default_rng(1).integers(-2, 3, photo.shape)
    return np.clip(photo.astype(int) + noise, 0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("bars", "colour"),
    [((20, 0, 20, 0), 0), ((0, 30, 0, 30), 0), ((20, 30, 20, 30), 255), ((20, 0, 21, 0), 0), ((4, 0, 4, 0), 20)],
)
def test_bars_are_cut_off_to_within_two_of_the_networks_pixels(bars, colour):
    top, right, bottom, left = bars
    x1, y1, x2, y2 = content_of(compressed(framed(*bars, colour))).box_normalized
    for found, true in (
        (x1 * WIDTH, left), (y1 * HEIGHT, top), ((1 - x2) * WIDTH, right), ((1 - y2) * HEIGHT, bottom),
    ):  # fmt: skip
        assert true <= found + 1e-6 <= true + (2 if true else 0) + 1e-5


def product_on_white():
    photo = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    photo[(rows - 80) ** 2 + (columns - 112) ** 2 < 50**2] = (180, 30, 30)
    return photo


def sky_over_land():
    photo = scene()
    photo[:60] = (120, 170, 230)
    return photo


@pytest.mark.parametrize(
    "photo",
    [scene(), product_on_white(), sky_over_land(), framed(20, 0, 0, 0), framed(20, 0, 40, 0), framed(60, 0, 60, 0)],
    ids=["scene", "product", "sky", "one bar", "bars of unlike width", "hardly a picture left"],
)
def test_what_is_no_pair_of_bars_stays(photo):
    assert content_of(photo) == WHOLE


def test_views_lie_inside_the_bars_and_boxes_are_of_the_whole_photo():
    content = PhotoContent((0.0, 0.125, 1.0, 0.875))
    plan = plan_views(800, 600, CropOptions(aspect_ratios=unique_ratios(["free", "16:9"])), content=content)
    for group in plan.groups:
        boxes = plan.boxes_xyxy[group.start : group.stop]
        assert boxes[:, 1].min() >= 75
        assert boxes[:, 3].max() <= 525
        assert boxes[:, [0, 2]].min() == 0
        assert boxes[:, [0, 2]].max() == 800
    assert [0, 75, 800, 525] in plan.boxes_xyxy.tolist()
    assert plan.boxes_xyxy[-1].tolist() == [0, 0, 800, 600]  # crops are compared with what was sent


def test_a_box_to_keep_that_reaches_into_a_bar_is_kept():
    content = PhotoContent((0.0, 0.125, 1.0, 0.875))
    inside, outside = KeepBox(100, 100, 200, 200), KeepBox(100, 10, 200, 200)
    for keep, top in ((inside, 75), (outside, 0)):
        plan = plan_views(800, 600, CropOptions(keep=(keep,)), content=content)
        boxes = plan.boxes_xyxy[: plan.groups[0].stop]
        assert boxes[:, 1].min() == top
        assert (boxes[:, 0] <= 100).all()
        assert (boxes[:, 1] <= keep.y).all()
        assert (boxes[:, 2:] >= (300, keep.y + 200)).all()


@pytest.mark.parametrize("size", [(600, 400), (400, 600), (601, 399), (1, 1)])
def test_crops_of_one_colour_are_centred_and_no_better_than_the_whole(size):
    content = content_of(np.full((HEIGHT, WIDTH, 3), 128, np.uint8))
    assert content.is_flat
    options = CropOptions(top_k=3, aspect_ratios=unique_ratios(["free", "1:1"]))
    plan = plan_views(*size, options, content=content)
    scores = np.random.default_rng(0).normal(size=len(plan.boxes_xyxy))
    ranked = rank_crops(plan, scores, options)
    assert ranked.gain == 0
    for crop in ranked.crops:
        assert (crop.preferred_to_whole, crop.preferred_to_centre) == (0.5, 0.5)
        if crop.rank == 1:
            x1, y1, x2, y2 = crop.box_xyxy
            assert abs(x1 + x2 - size[0]) <= 1
            assert abs(y1 + y2 - size[1]) <= 1
            side = min(size)
            assert (x2 - x1, y2 - y1) == (size if crop.aspect_ratio.value is None else (side, side))
