"""Candidate views: GAIC's grid on every photo shape, and views of one exact aspect ratio."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vrn_cropper.model.errors import CropRequestError
from vrn_cropper.model.views.boxes import area
from vrn_cropper.model.views.candidates import (
    RATIO_MIN_AREA,
    edge_views,
    fixed_ratio_views,
    grid_views,
    largest_view_of_ratio,
)

RATIOS = [1.0, 4 / 3, 3 / 4, 3 / 2, 2 / 3, 16 / 9, 9 / 16, 2.0, 0.5, 2.39, 1 / 3]


def plain_grid(width, height):
    """GAIC's rule as its paper says it, one view at a time."""
    views = []
    for y1, x1, y2, x2 in itertools.product(range(4), range(4), range(8, 12), range(8, 12)):
        columns, rows = x2 - x1, y2 - y1
        if columns * rows > 0.4999 * 144 and 0.5 < (columns * width) / (rows * height) < 2:
            views.append([(x1 + 0.5) / 12, (y1 + 0.5) / 12, (x2 + 0.5) / 12, (y2 + 0.5) / 12])
    return np.array(views, dtype=np.float32)


@pytest.mark.parametrize(
    ("width", "height", "count"),
    [(900, 900, 90), (800, 600, 87), (600, 800, 87), (900, 600, 83), (1600, 900, 60), (1000, 500, 38)],
)
def test_grid_has_gaics_number_of_views(width, height, count):
    views = grid_views(width, height)
    assert views.shape == (count, 4)
    assert views.dtype == np.float32


@pytest.mark.parametrize(("width", "height"), [(900, 900), (800, 600), (683, 1024), (1600, 900), (1000, 500)])
def test_grid_equals_a_plain_loop_in_gaics_order(width, height):
    np.testing.assert_array_equal(grid_views(width, height), plain_grid(width, height))


@pytest.mark.parametrize(("width", "height"), [(300, 100), (100, 300), (400, 100), (1000, 100), (100, 1000)])
def test_long_strips_get_all_90_views_and_keep_those_of_gaics_rule(width, height):
    views = grid_views(width, height)
    assert len(views) == 90
    assert {tuple(view) for view in plain_grid(width, height).reshape(-1, 4)} <= {tuple(view) for view in views}


@given(width=st.integers(1, 20_000), height=st.integers(1, 20_000))
def test_every_photo_shape_has_a_choice_of_views_inside_it(width, height):
    views = grid_views(width, height)
    assert 10 <= len(views) <= 90
    assert ((views > 0) & (views < 1)).all()
    assert (area(views) > 0.499).all()


@pytest.mark.parametrize(("width", "height"), [(0, 5), (5, 0), (-1, 5)])
def test_a_photo_without_pixels_is_refused(width, height):
    with pytest.raises(ValueError, match="at least 1 x 1"):
        grid_views(width, height)


@given(width=st.integers(1, 6000), height=st.integers(1, 6000), ratio=st.sampled_from(RATIOS))
def test_fixed_ratio_views_lie_inside_and_have_the_ratio_to_half_a_pixel(width, height, ratio):
    try:
        views = fixed_ratio_views(width, height, ratio)
    except CropRequestError:
        assert min(largest_view_of_ratio(width, height, ratio)) < 1
        return
    assert views.dtype == np.int64
    sides = views[:, 2:] - views[:, :2]
    assert (views[:, :2] >= 0).all()
    assert (views[:, 2:] <= [width, height]).all()
    assert (sides >= 1).all()
    w, h = sides.T
    shorter_error = np.abs(h - w / ratio) if ratio >= 1 else np.abs(w - h * ratio)
    assert (shorter_error <= 0.5 + 1e-9).all()
    assert len({tuple(view) for view in views.tolist()}) == len(views)


@given(width=st.integers(50, 6000), height=st.integers(50, 6000), ratio=st.sampled_from(RATIOS))
def test_largest_view_comes_first_and_the_smallest_has_two_fifths_of_it(width, height, ratio):
    views = fixed_ratio_views(width, height, ratio)
    w, h = (views[0, 2:] - views[0, :2]).tolist()
    full_w, full_h = largest_view_of_ratio(width, height, ratio)
    assert full_w - w < 1 + (ratio < 1) * 0.5
    assert full_h - h < 1 + (ratio >= 1) * 0.5
    assert area(views).max() == w * h
    # One pixel less on either side is what rounding may take.
    assert area(views).min() >= RATIO_MIN_AREA * full_w * full_h - (full_w + full_h)
    assert area(views).min() <= RATIO_MIN_AREA * full_w * full_h + (full_w + full_h)


def test_views_of_one_size_come_from_the_centre_outwards():
    views = fixed_ratio_views(400, 300, 1.0)
    squares = views[(views[:, 2] - views[:, 0]) == 300]
    assert squares[0].tolist() == [50, 0, 350, 300]
    assert sorted(squares[:, 0].tolist()) == [0, 8, 17, 25, 33, 42, 50, 58, 67, 75, 83, 92, 100]


@pytest.mark.parametrize("ratio", [0.0, -1.0, float("nan"), float("inf")])
def test_an_aspect_ratio_that_is_none_is_refused(ratio):
    with pytest.raises(ValueError, match="positive finite"):
        fixed_ratio_views(100, 100, ratio)


@pytest.mark.parametrize(("width", "height", "ratio"), [(1, 1, 3.0), (1, 1, 1 / 3), (300, 300, 10_000)])
def test_a_ratio_that_a_photo_is_too_small_for_is_named(width, height, ratio):
    with pytest.raises(CropRequestError, match=f"{width} x {height}"):
        fixed_ratio_views(width, height, ratio)


def mirrored(views, width):
    return {(width - x2, y1, width - x1, y2) for x1, y1, x2, y2 in views.tolist()}


@given(width=st.integers(1, 2000), height=st.integers(1, 2000))
def test_free_views_hold_the_whole_photo_lie_inside_it_and_are_mirrored_with_it(width, height):
    views = edge_views(width, height)
    assert views[0].tolist() == [0, 0, width, height]
    assert (views[:, :2] >= 0).all()
    assert (views[:, 2:] <= [width, height]).all()
    assert (views[:, 2:] > views[:, :2]).all()
    assert mirrored(views, width) == {tuple(view) for view in views.tolist()}


@given(width=st.integers(20, 2000), height=st.integers(20, 2000), ratio=st.sampled_from(RATIOS))
def test_a_mirrored_photo_has_the_mirrored_views_of_a_ratio(width, height, ratio):
    """Rounding half to even moved some of them to one side: a mirrored photo then got another crop."""
    views = fixed_ratio_views(width, height, ratio)
    assert mirrored(views, width) == {tuple(view) for view in views.tolist()}


@pytest.mark.parametrize(("width", "min_scale"), [(22, 0.859375), (26, 0.921875), (30, 0.9609375)])
def test_least_size_holds_for_both_sides_where_one_is_rounded_after_the_other(width, min_scale):
    full_w, full_h = largest_view_of_ratio(width, width, 0.8)
    views = fixed_ratio_views(width, width, 0.8, min_scale=min_scale)
    sides = views[:, 2:] - views[:, :2]
    assert (sides >= [min_scale * full_w - 1, min_scale * full_h - 1]).all()
