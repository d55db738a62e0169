"""Options as clients give them: none unknown, none twice differently, the same from query and form."""

import pytest

from vrn_cropper.service.core.option_table import CROP_OPTIONS, ONE_PICTURE_OPTIONS, SCORE_OPTIONS
from vrn_cropper.service.errors import BadRequestError
from vrn_cropper.service.http.given_options import GivenOptions, nearest_name


@pytest.mark.parametrize(
    ("name", "known", "meant"),
    [
        ("ratio", CROP_OPTIONS, "aspect_ratio"), ("aspect_ratios", CROP_OPTIONS, "aspect_ratio"),
        ("aspectRatio", CROP_OPTIONS, "aspect_ratio"), ("topk", CROP_OPTIONS, "top_k"), ("k", CROP_OPTIONS, "top_k"),
        ("Top_K", CROP_OPTIONS, "top_k"), ("overlap", CROP_OPTIONS, "max_overlap"),
        ("scale", CROP_OPTIONS, "min_scale"),
        ("widht", ONE_PICTURE_OPTIONS, "width"), ("fmt", ONE_PICTURE_OPTIONS, "format"),
        ("top_k", ONE_PICTURE_OPTIONS, "rank"), ("boxes", SCORE_OPTIONS, "box"),
    ],
)  # fmt: skip
def test_an_unknown_option_is_refused_naming_the_one_that_was_meant(name, known, meant):
    with pytest.raises(BadRequestError) as refusal:
        GivenOptions(known, {name: ["1:1"]})
    assert repr(name) in str(refusal.value)
    assert f"did you mean {meant}?" in str(refusal.value)


def test_what_is_like_no_option_is_refused_with_the_list_of_all():
    assert nearest_name("zzz", CROP_OPTIONS) is None
    with pytest.raises(BadRequestError, match="'zzz' is no option here; the options are top_k, aspect_ratio"):
        GivenOptions(CROP_OPTIONS, {}, {"zzz": ["1"]})


def test_the_same_value_twice_is_that_value():
    given = GivenOptions(CROP_OPTIONS, {"top_k": ["2", "2"]}, {"top_k": ["2"], "keep": ["1,1,5,5"]})
    assert given.one("top_k") == "2"
    assert given.crop_options().top_k == 2


def test_two_values_of_one_option_are_refused_with_both():
    for sources in ([{"top_k": ["2", "3"]}], [{"top_k": ["2"]}, {"top_k": ["3"]}]):
        with pytest.raises(BadRequestError, match="give top_k once; got '2' and '3'"):
            GivenOptions(CROP_OPTIONS, *sources).one("top_k")


def test_a_list_that_query_and_form_both_say_counts_once():
    boxes = {"box": ["1,1,5,5", "2,2,5,5"]}
    assert GivenOptions(SCORE_OPTIONS, boxes, boxes).many("box") == boxes["box"]
    assert GivenOptions(SCORE_OPTIONS, boxes, {"box": ["3,3,5,5"]}).many("box") == [*boxes["box"], "3,3,5,5"]
