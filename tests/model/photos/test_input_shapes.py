"""Which input shape a photo gets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vrn_cropper.model.photos.input_shapes import (
    INPUT_SHAPES,
    InputShape,
    choose_input_shape,
    gaic_input_shape,
)


def test_input_shapes_are_multiples_of_32_with_a_short_side_of_160_both_ways_up():
    assert len(set(INPUT_SHAPES)) == len(INPUT_SHAPES)
    for shape in INPUT_SHAPES:
        assert min(shape) == 160
        assert shape.height % 32 == shape.width % 32 == 0
        assert InputShape(shape.width, shape.height) in INPUT_SHAPES


@pytest.mark.parametrize(
    ("width", "height", "shape"),
    [
        (1000, 1000, (160, 160)),
        (1024, 683, (160, 256)),
        (683, 1024, (256, 160)),
        (1920, 1080, (160, 288)),
        (1000, 500, (160, 320)),
        (10_000, 100, (160, 320)),
        (1, 60, (320, 160)),
    ],
)
def test_a_photo_gets_the_nearest_shape(width, height, shape):
    assert choose_input_shape(width, height) == shape


@given(width=st.integers(1, 10_000), height=st.integers(1, 10_000))
def test_no_other_shape_distorts_the_photo_less(width, height):
    def distortion(shape):
        stretch = (shape.width / shape.height) / (width / height)
        return max(stretch, 1 / stretch)

    chosen = choose_input_shape(width, height)
    assert distortion(chosen) <= min(map(distortion, INPUT_SHAPES)) * (1 + 1e-9)


@pytest.mark.parametrize(
    ("width", "height", "shape"), [(1024, 683, (256, 384)), (683, 1024, (384, 256)), (1024, 768, (256, 352))]
)
def test_gaics_rule_rounds_to_multiples_of_32(width, height, shape):
    assert gaic_input_shape(width, height) == shape
