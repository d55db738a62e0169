"""Views planned in one list, ranked inside each ratio, and compared with the whole frame."""

import numpy as np
import pytest

from vrn_cropper.model.errors import CropRequestError
from vrn_cropper.model.views.boxes import pairwise_iou
from vrn_cropper.model.views.candidates import edge_views
from vrn_cropper.model.views.crops import focal_point, hull_of_keep_boxes, plan_views, rank_crops
from vrn_cropper.model.views.options import CropOptions, KeepBox


def options(*ratios, top_k=5):
    return CropOptions.parse(str(top_k), ratios)


def test_all_ratios_share_one_list_of_views():
    plan = plan_views(600, 400, options("free", "1:1", "16:9"))
    free, square, wide = plan.groups
    assert (free.start, free.stop) == (0, len(edge_views(600, 400)))
    assert (square.start, wide.stop) == (free.stop, len(plan.boxes_xyxy) - 3)
    assert plan.boxes_xyxy[-1].tolist() == [0, 0, 600, 400]
    assert plan.boxes_normalized.dtype == np.float32
    sides = plan.boxes_xyxy[square.start : square.stop, 2:] - plan.boxes_xyxy[square.start : square.stop, :2]
    assert (sides[:, 0] == sides[:, 1]).all()


def test_impossible_ratio_is_named():
    with pytest.raises(CropRequestError, match="100"):
        plan_views(10, 10, options("100:1"))


def test_crops_are_ranked_inside_each_ratio_in_the_order_asked():
    asked = options("1:1", "free", top_k=3)
    plan = plan_views(600, 400, asked)
    scores = np.linspace(-1, 1, len(plan.boxes_xyxy))
    crops = rank_crops(plan, scores, asked).crops
    assert [(crop.aspect_ratio.label, crop.rank) for crop in crops] == [
        ("1:1", 1), ("1:1", 2), ("1:1", 3), ("free", 1), ("free", 2), ("free", 3),
    ]  # fmt: skip
    best = plan.groups[0].stop - 1
    assert crops[0].score == scores[best]
    assert crops[0].box_xyxy == tuple(plan.boxes_xyxy[best])
    assert all(isinstance(edge, int) for crop in crops for edge in crop.box_xyxy)


def test_a_free_crop_that_scores_far_higher_than_all_others_comes_first():
    asked = options("free")
    plan = plan_views(600, 400, asked)
    scores = np.zeros(len(plan.boxes_xyxy))
    scores[7] = 5
    assert rank_crops(plan, scores, asked).crops[0].box_xyxy == tuple(plan.boxes_xyxy[7])


def test_a_view_amid_good_ones_comes_before_one_that_scores_little_higher_alone():
    asked = options("free")
    plan = plan_views(600, 400, asked)
    group = plan.boxes_xyxy[plan.groups[0].start : plan.groups[0].stop]
    overlaps = pairwise_iou(group, group)
    amid, alone = np.argmax(overlaps.sum(axis=1)), np.argmin(overlaps.sum(axis=1))
    scores = np.full(len(plan.boxes_xyxy), -5.0)
    scores[: len(group)][overlaps[amid] > 0.6] = 1.0
    scores[alone] = 1.05
    assert rank_crops(plan, scores, asked).crops[0].box_xyxy == tuple(group[amid])


def test_more_crops_than_views_gives_the_views_there_are():
    asked = options("1:1", top_k=50)
    crops = rank_crops(plan_views(1, 1, asked), np.zeros(3), asked).crops
    assert [crop.box_xyxy for crop in crops] == [(0, 0, 1, 1)]


def test_whole_frame_is_scored_in_the_same_pass_and_compared_with_the_best_of_all_ratios():
    asked = options("free", "1:1")
    plan = plan_views(600, 400, asked)
    scores = np.zeros(len(plan.boxes_xyxy))
    scores[plan.groups[1].start + 3], scores[-1] = 0.75, 0.5
    ranked = rank_crops(plan, scores, asked)
    assert (ranked.whole_frame_score, ranked.gain) == (0.5, 0.25)


@pytest.mark.parametrize(
    ("ratio", "keep", "reason"),
    [
        ("9:16", "0,0,300,200", "300 x 200 pixels: the largest in this 400 x 300 photo is 169 x 300"),
        ("1:1", "350,0,60,10", "outside the 400 x 300 photo"),
        ("free", "0,250,10,51", "outside the 400 x 300 photo"),
    ],
)
def test_box_that_cannot_be_kept_is_refused_with_the_reason(ratio, keep, reason):
    with pytest.raises(CropRequestError, match=reason):
        plan_views(400, 300, CropOptions.parse(None, [ratio], keep=[keep]))


def test_boxes_to_keep_are_fractions_or_pixels_and_rounded_outwards():
    keep = tuple(KeepBox.parse(text) for text in ("0.1,0.1,0.105,0.2", "10.5,20,3,4.5"))
    assert hull_of_keep_boxes(keep, 200, 100) == (10, 10, 41, 30)


def test_box_in_the_corner_still_leaves_a_choice_of_free_views():
    plan = plan_views(600, 400, CropOptions.parse(None, keep=["0,0,20,20"]))
    boxes = plan.boxes_xyxy[: plan.groups[0].stop]
    assert len(boxes) >= 10
    assert (boxes[:, :2] == 0).all()


def test_photo_of_the_ratio_may_stay_whole():
    plan = plan_views(1600, 900, CropOptions.parse(None, ["16:9"], min_scale="1"))
    assert plan.boxes_xyxy.tolist() == [[0, 0, 1600, 900]] * 3


@pytest.mark.parametrize(
    ("box", "position"),
    [((0, 0, 300, 400), "0% 50%"), ((300, 0, 600, 400), "100% 50%"), ((150, 0, 450, 400), "50% 50%"),
     ((0, 0, 600, 100), "50% 0%"), ((0, 0, 600, 400), "50% 50%")],
)  # fmt: skip
def test_focal_point_is_csss_object_position(box, position):
    assert focal_point(box, 600, 400).object_position == position


def test_a_crop_says_how_many_people_would_prefer_it_to_the_whole_photo_and_to_the_centred_crop():
    """The zero of the gain was wrong: preferences are log-odds, against the photo and against the centre."""
    asked = options("free", "1:1", top_k=1)
    plan = plan_views(600, 400, asked)
    free, square = plan.groups
    assert plan.boxes_xyxy[square.centre].tolist() == [100, 0, 500, 400]
    scores = np.zeros(len(plan.boxes_xyxy))
    scores[free.start + 1], scores[square.start + 1] = np.log(3), np.log(4)
    scores[square.centre] = np.log(2)
    of_free, of_square = rank_crops(plan, scores, asked).crops
    assert (of_free.preferred_to_whole, of_free.preferred_to_centre) == pytest.approx((0.75, 0.75))
    assert (of_square.preferred_to_whole, of_square.preferred_to_centre) == pytest.approx((0.8, 2 / 3))


def test_only_views_of_a_given_ratio_are_marked_for_the_network():
    plan = plan_views(600, 400, options("free", "1:1"))
    free, square = plan.groups
    assert (plan.boxes_normalized[free.start : free.stop, [0, 2]] <= 1).all()
    marked = plan.boxes_normalized[square.start : square.stop] - [1, 0, 1, 0]
    np.testing.assert_allclose(marked * [600, 400, 600, 400], plan.boxes_xyxy[square.start : square.stop], atol=1e-3)
