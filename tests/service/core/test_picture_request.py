"""Options of the picture: the rule of its ratio, the same for a request and for the command line."""

import pytest

from vrn_cropper.model.views.options import CropOptions
from vrn_cropper.service.core.picture_request import PictureOptions, match_ratio


@pytest.mark.parametrize(
    ("sides", "given", "expected"),
    [
        (("400", "300"), [], ("400:300", True)),
        (("400", None), [], ("free", True)),
        ((None, None), [], ("free", True)),
        (("400", "300"), ["16:9"], ("16:9", False)),
    ],
)
def test_width_and_height_set_the_ratio_where_none_is_asked_for(sides, given, expected):
    crops, picture = match_ratio(
        CropOptions.parse("1", given), PictureOptions.parse(*sides), is_ratio_given=bool(given)
    )
    assert ([ratio.label for ratio in crops.aspect_ratios], picture.is_exact) == ([expected[0]], expected[1])


def test_ratios_that_are_asked_for_stay_all_of_them():
    crops, _ = match_ratio(CropOptions.parse("1", ["1:1", "4:5"]), PictureOptions(width=10), is_ratio_given=True)
    assert [ratio.label for ratio in crops.aspect_ratios] == ["1:1", "4:5"]
