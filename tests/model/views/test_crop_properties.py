"""What holds for every photo size from 1 x 1 to 20000 x 50 and for every option."""

import numpy as np
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from vrn_cropper.model.errors import CropRequestError
from vrn_cropper.model.views.boxes import pairwise_iou
from vrn_cropper.model.views.candidates import largest_view_of_ratio
from vrn_cropper.model.views.crops import focal_point, hull_of_keep_boxes, plan_views, rank_crops
from vrn_cropper.model.views.options import CropOptions, KeepBox, unique_ratios

RATIOS = ["free", "1:1", "16:9", "9:16", "4:5", "1.91:1", "3/2", "2.39", "10:1", "1:10", "100:1"]
sides = st.one_of(st.integers(1, 60), st.integers(1, 20_000))


@st.composite
def keep_boxes(draw, width, height):
    """A box inside the photo: pixels, or fractions where the photo is not a single pixel."""
    x1, y1 = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
    x2, y2 = draw(st.integers(x1 + 1, width)), draw(st.integers(y1 + 1, height))
    if draw(st.booleans()):
        return KeepBox(x1 / width, y1 / height, (x2 - x1) / width, (y2 - y1) / height)
    assume(max(x1, y1, x2 - x1, y2 - y1) > 1)
    return KeepBox(x1, y1, x2 - x1, y2 - y1)


@st.composite
def requests(draw):
    width, height = draw(sides), draw(sides)
    options = CropOptions(
        top_k=draw(st.integers(1, 50)),
        aspect_ratios=unique_ratios(draw(st.lists(st.sampled_from(RATIOS), max_size=4))),
        max_overlap=draw(st.none() | st.floats(0, 1)),
        keep=tuple(draw(st.lists(keep_boxes(width, height), max_size=2))),
        min_scale=draw(st.none() | st.floats(0.01, 1)),
    )
    return width, height, options, draw(st.integers(0, 2**31))


def ranked(width, height, options, seed):
    plan = plan_views(width, height, options)
    # Few different values, so that ties are common.
    scores = np.random.default_rng(seed).integers(0, 30, len(plan.boxes_xyxy)).astype(np.float32)
    return plan, scores, rank_crops(plan, scores, options)


@settings(max_examples=300, deadline=None)
@given(request=requests())
@example(request=(20_000, 50, CropOptions(aspect_ratios=unique_ratios(["16:9", "free"])), 0))
@example(request=(1, 1, CropOptions(aspect_ratios=unique_ratios(["16:9", "free"]), keep=(KeepBox(0, 0, 1, 1),)), 0))
def test_crops_are_valid_keep_what_they_must_match_the_ratio_and_come_ranked(request):
    width, height, options, seed = request
    try:
        plan, scores, result = ranked(width, height, options, seed)
    except CropRequestError:
        assert any(ratio.value is not None for ratio in options.aspect_ratios), "a free crop is always possible"
        return
    keep = hull_of_keep_boxes(options.keep, width, height)
    assert result == rank_crops(plan, scores, options), "the same options give the same crops"
    assert [c.aspect_ratio for c in result.crops] == [
        ratio for ratio in options.aspect_ratios for c in result.crops if c.aspect_ratio == ratio
    ], "ratios come as asked, each in one piece"
    for ratio in options.aspect_ratios:
        crops = [crop for crop in result.crops if crop.aspect_ratio == ratio]
        assert 1 <= len(crops) <= options.top_k
        assert [crop.rank for crop in crops] == list(range(1, len(crops) + 1))
        if ratio.value is not None:
            assert [crop.score for crop in crops] == sorted((crop.score for crop in crops), reverse=True)
        assert len({crop.box_xyxy for crop in crops}) == len(crops)
        if options.max_overlap is not None:
            overlaps = pairwise_iou([c.box_xyxy for c in crops], [c.box_xyxy for c in crops])
            assert (overlaps[~np.eye(len(crops), dtype=bool)] <= options.max_overlap).all()
    for crop in result.crops:
        x1, y1, x2, y2 = crop.box_xyxy
        w, h = x2 - x1, y2 - y1
        assert 0 <= x1 < x2 <= width
        assert 0 <= y1 < y2 <= height
        assert crop.area_share == w * h / (width * height)
        if keep:
            assert x1 <= keep[0]
            assert y1 <= keep[1]
            assert x2 >= keep[2]
            assert y2 >= keep[3]
        ratio = crop.aspect_ratio.value
        full = (width, height) if ratio is None else largest_view_of_ratio(width, height, ratio)
        if ratio is not None:
            assert abs(w - h * ratio) <= 1 or abs(h - w / ratio) <= 1, "the ratio to within a pixel"
        if options.min_scale is not None:
            assert w > options.min_scale * full[0] - 1 - 1e-6
            assert h > options.min_scale * full[1] - 1 - 1e-6


@settings(deadline=None)
@given(width=st.integers(2, 5000), height=st.integers(2, 5000), data=st.data())
def test_object_position_shows_the_whole_crop(width, height, data):
    x1, y1 = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    x2, y2 = data.draw(st.integers(x1 + 1, width)), data.draw(st.integers(y1 + 1, height))
    focus = focal_point((x1, y1, x2, y2), width, height)
    # CSS: with `object-fit: cover` the window of the crop's ratio starts at the position's share of what is spare.
    window_w, window_h = largest_view_of_ratio(width, height, (x2 - x1) / (y2 - y1))
    left, top = focus.x * (width - window_w), focus.y * (height - window_h)
    rounding = 1e-4 * max(width, height)  # positions have four digits
    assert left <= x1 + rounding
    assert top <= y1 + rounding
    assert left + window_w >= x2 - rounding
    assert top + window_h >= y2 - rounding
