"""The table of options keeps its word: what it says an option takes is what is read, to the bound."""

import pytest

from vrn_cropper.model.errors import CropOptionError
from vrn_cropper.model.views.options import CropOptions
from vrn_cropper.model.views.own_boxes import BoxOptions
from vrn_cropper.service.core.option_table import (
    CROP_OPTIONS,
    ONE_PICTURE_OPTIONS,
    PICTURE_OPTIONS,
    SCORE_OPTIONS,
    Kind,
    Option,
)
from vrn_cropper.service.core.picture_request import PictureOptions

ALL = [*CROP_OPTIONS.values(), *SCORE_OPTIONS.values(), *PICTURE_OPTIONS.values()]
NAMES = [f"{option.name} {option.kind.name}" for option in ALL]


def read(option: Option, texts: list[str]) -> object:
    """The value of one option, read as a client's text; what the others are does not matter."""
    value = texts if option.is_repeatable else texts[0]
    if option.name in PICTURE_OPTIONS:
        return PictureOptions.parse(**{option.name: value})
    if option in SCORE_OPTIONS.values():
        given = {"box": ["0,0,1,1"], option.name: value}
        return BoxOptions.parse(
            given["box"], given.get("box_xyxy", ()), given.get("aspect_ratio"), given.get("faces")
        )
    names = {"aspect_ratio": "aspect_ratios"}
    return CropOptions.parse(**{names.get(option.name, option.name): value})


def texts_of(option: Option) -> list[str]:
    return [str(value).lower() for value in (option.example, *option.more_examples)]


@pytest.mark.parametrize("option", ALL, ids=NAMES)
def test_examples_and_defaults_are_read(option):
    for text in (*texts_of(option), *([] if option.default is None else [str(option.default).lower()])):
        read(option, [text])


@pytest.mark.parametrize("option", ALL, ids=NAMES)
def test_bounds_are_read_and_what_is_beyond_them_is_refused(option):
    beyond = ["nonsense", ""]
    if option.most is not None:
        read(option, [f"{option.most:g}"])
        beyond.append(f"{option.most + 1:g}")
    if option.least is not None:
        read(option, [f"{option.least:g}"])
        beyond.append(f"{option.least - 1:g}")
    if option.above is not None:
        beyond.append(f"{option.above:g}")
    for choice in option.choices:
        read(option, [choice])
    for text in beyond:
        with pytest.raises(CropOptionError, match=option.name.partition("_")[0]):
            read(option, [text])


@pytest.mark.parametrize("option", [o for o in ALL if o.is_repeatable], ids=lambda o: o.name)
def test_repeatable_options_are_read_up_to_their_count(option):
    others = 1 if option.name == "box_xyxy" else 0  # the boxes of both spellings count together
    read(option, [str(option.example)] * (option.max_count - others))
    with pytest.raises(CropOptionError, match=f"{option.max_count}"):
        read(option, [str(option.example)] * (option.max_count + 1))


def test_the_default_of_each_option_is_what_is_taken_without_it():
    without = CropOptions.parse()
    assert (
        CropOptions.parse(str(CROP_OPTIONS["top_k"].default), [str(CROP_OPTIONS["aspect_ratio"].default)]) == without
    )
    defaults = {name: str(o.default).lower() for name, o in PICTURE_OPTIONS.items() if o.default is not None}
    assert PictureOptions.parse(**defaults) == PictureOptions.parse()


def test_what_an_option_takes_is_told_in_words_and_in_one_word():
    assert CROP_OPTIONS["top_k"].values == "1 to 50; default `5`"
    assert CROP_OPTIONS["min_scale"].values == "above 0, at most 1"
    assert (CROP_OPTIONS["top_k"].metavar, PICTURE_OPTIONS["format"].metavar) == ("1..50", "jpeg|png|webp|avif")
    assert CROP_OPTIONS["keep"].values == "`x,y,width,height`; repeatable, at most 100"


def test_one_picture_has_one_ratio_and_a_rank():
    assert not ONE_PICTURE_OPTIONS["aspect_ratio"].is_repeatable
    assert ONE_PICTURE_OPTIONS["rank"].kind is Kind.WHOLE
    assert "top_k" not in ONE_PICTURE_OPTIONS
