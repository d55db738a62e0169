"""What options clients may give, and how a wrong one is refused."""

import pytest

from vrn_cropper.model.errors import CropOptionError
from vrn_cropper.model.views.options import FREE, MAX_ASPECT_RATIOS, AspectRatio, CropOptions, KeepBox


@pytest.mark.parametrize(
    ("text", "value"),
    [("16:9", 16 / 9), ("3/2", 1.5), ("1.91:1", 1.91), ("1.5", 1.5), (" 4 : 5 ", 0.8), ("100:1", 100.0)],
)
def test_ratio_is_read_in_every_spelling_and_keeps_the_clients_own(text, value):
    ratio = AspectRatio.parse(text)
    assert ratio.value == pytest.approx(value)
    assert ratio.label == text.strip()


def test_free_ratio_is_no_ratio():
    assert AspectRatio.parse("Free") == FREE


@pytest.mark.parametrize(
    "text", ["", "0:1", "1:0", "0", "-1", "a:b", "1:2:3", "nan", "inf", "1e3", "101:1", "9" * 400]
)
def test_ratio_that_makes_no_sense_is_refused_with_an_example(text):
    with pytest.raises(CropOptionError, match="16:9"):
        AspectRatio.parse(text)


def test_missing_options_take_their_defaults():
    assert CropOptions.parse() == CropOptions(top_k=5, aspect_ratios=(FREE,))


@pytest.mark.parametrize("top_k", ["0", "51", "-1", "1.5", "five", "", "99999999999"])
def test_top_k_out_of_range_is_refused(top_k):
    with pytest.raises(CropOptionError, match="top_k is a whole number from 1 to 50"):
        CropOptions.parse(top_k=top_k)


def test_ratio_asked_twice_is_answered_once():
    assert [ratio.label for ratio in CropOptions.parse(None, ["1:1", "free", "1:1"]).aspect_ratios] == ["1:1", "free"]


def test_too_many_ratios_are_refused():
    with pytest.raises(CropOptionError, match="aspect ratios"):
        CropOptions.parse(None, [f"{n}:100" for n in range(1, MAX_ASPECT_RATIOS + 2)])


def test_repeated_ratios_count_towards_the_most_that_the_document_allows():
    with pytest.raises(CropOptionError, match="1 to 10 aspect ratios; got 11"):
        CropOptions.parse(None, ["1:1"] * (MAX_ASPECT_RATIOS + 1))


@pytest.mark.parametrize(("text", "value"), [("5e-1", 0.5), ("1e-05", 1e-5), ("5e-324", 5e-324), ("0.5e0", 0.5)])
def test_share_is_read_in_exponent_notation_as_json_writes_small_numbers(text, value):
    assert CropOptions.parse(min_scale=text).min_scale == value
    assert CropOptions.parse(max_overlap=text).max_overlap == value


@pytest.mark.parametrize("text", ["", "1,2,3", "1,2,3,4,5", "a,b,c,d", "-1,0,5,5", "0,0,0,5", "0,0,5,0", "nan,0,1,1",
                                  "0.5,0.5,0.6,0.1", "0,0,1e9,1"])  # fmt: skip
def test_keep_that_is_no_box_is_refused(text):
    with pytest.raises(CropOptionError, match="keep"):
        CropOptions.parse(keep=[text])


@pytest.mark.parametrize("text", ["", "-0.1", "1.1", "nan", "inf", "half", "0x1", "1e1", "9e999"])
def test_max_overlap_is_an_iou(text):
    with pytest.raises(CropOptionError, match="max_overlap is an IoU from 0 to 1"):
        CropOptions.parse(max_overlap=text)


@pytest.mark.parametrize("text", ["0", "1.01", "nan", "", "-1"])
def test_min_scale_is_a_share(text):
    with pytest.raises(CropOptionError, match="min_scale is a share above 0"):
        CropOptions.parse(min_scale=text)


def test_fraction_and_pixel_boxes_are_told_apart_by_their_numbers():
    assert KeepBox.parse("0.1, 0.2, 0.3, 0.4").is_normalized
    assert not KeepBox.parse("0,0,1,2").is_normalized


def test_a_label_cannot_hold_a_line_break():
    with pytest.raises(CropOptionError):
        AspectRatio.parse("4\n:5")
