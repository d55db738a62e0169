"""A caller's own boxes: read, planned as views, and compared with the whole photo and the centred crop."""

import numpy as np
import pytest

from vrn_cropper.model.errors import CropOptionError, CropRequestError
from vrn_cropper.model.views.boxes import mark_fixed_ratio
from vrn_cropper.model.views.crops import plan_views, rank_crops
from vrn_cropper.model.views.options import MAX_BOXES, CropOptions
from vrn_cropper.model.views.own_boxes import BoxOptions, plan_boxes, tell_boxes


def scores_by_area(plan):
    boxes = plan.boxes_xyxy
    return ((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]) / 1e5).astype(np.float32)


@pytest.mark.parametrize(
    "options",
    [
        BoxOptions.parse(["60,40,300,200", "0.5,0,0.5,1"]),
        BoxOptions.parse(box_xyxy=["60,40,360,240", "300,0,600,400"]),
        BoxOptions.parse(["0.1,0.1,0.5,0.5", "300,0,300,400"]),
        BoxOptions.parse(["60,40,300,200"], ["300,0,600,400"]),
    ],
)
def test_a_box_is_the_same_in_every_spelling_and_stays_in_its_place(options):
    assert plan_boxes(600, 400, options).boxes_xyxy[:2].tolist() == [[60, 40, 360, 240], [300, 0, 600, 400]]


def test_any_place_and_size_is_taken_down_to_one_pixel():
    plan = plan_boxes(
        600, 400, BoxOptions.parse(["599,399,1,1", "0,0,600,400", "0.99999,0.5,0.00001,0.5", "5,5,2,0.4"])
    )
    assert plan.boxes_xyxy[:3].tolist() == [[599, 399, 600, 400], [0, 0, 600, 400], [599, 200, 600, 400]]
    assert (plan.boxes_xyxy[:, 2:] > plan.boxes_xyxy[:, :2]).all()


@pytest.mark.parametrize("ratio", ["free", "1:1"])
def test_a_ranked_crop_sent_back_as_a_box_gets_what_the_ranking_told(ratio):
    asked = CropOptions.parse("3", [ratio])
    ranked_plan = plan_views(600, 400, asked)
    ranked = rank_crops(ranked_plan, scores_by_area(ranked_plan), asked)
    edges = [",".join(map(str, crop.box_xyxy)) for crop in ranked.crops]
    plan = plan_boxes(600, 400, BoxOptions.parse(box_xyxy=edges, aspect_ratio=ratio))
    told = tell_boxes(plan, scores_by_area(plan))
    assert told.whole_frame_score == ranked.whole_frame_score
    for box, crop in zip(told.boxes, ranked.crops, strict=True):
        for name in ("box_xyxy", "score", "area_share", "focal_point", "preferred_to_whole", "preferred_to_centre"):
            assert getattr(box, name) == getattr(crop, name), name


def test_views_of_a_given_ratio_are_scored_as_such():
    free = plan_boxes(600, 400, BoxOptions.parse(["0,0,300,300"])).boxes_normalized
    given = plan_boxes(600, 400, BoxOptions.parse(["0,0,300,300"], aspect_ratio="1:1")).boxes_normalized
    np.testing.assert_array_equal(given[0], mark_fixed_ratio(free[0]))
    np.testing.assert_array_equal(given[-1], [0, 0, 1, 1])


@pytest.mark.parametrize(
    ("box", "box_xyxy", "says"),
    [
        ([], [], "box=x,y,width,height"),
        (["1,2,3"], [], "box is x,y,width,height"),
        ([], ["a,b,c,d"], "box_xyxy is x1,y1,x2,y2"),
        (["0,0,0,10"], [], "above 0"),
        ([], ["10,10,10,20"], "above 0"),
        ([], ["20,10,10,20"], "above 0"),
        (["0,0,1,1"] * 300, ["0,0,1,1"] * 300, "got 600"),
        (["0,0,1,1"] * (MAX_BOXES + 1), [], f"1 to {MAX_BOXES} boxes to score; got {MAX_BOXES + 1}"),
    ],
)
def test_what_is_no_list_of_boxes_is_refused_with_what_is(box, box_xyxy, says):
    with pytest.raises(CropOptionError, match=says):
        BoxOptions.parse(box, box_xyxy)


@pytest.mark.parametrize("options", [{"box": ["0,0,5,5", "500,0,101,5"]}, {"box_xyxy": ["0,0,5,5", "1,1,2,401"]}])
def test_a_box_outside_is_named_by_its_place_in_the_request(options):
    with pytest.raises(CropRequestError, match=r"box 2 of 2 .* outside the 600 x 400 photo"):
        plan_boxes(600, 400, BoxOptions.parse(**options))


def test_a_fraction_outside_is_named_too():
    with pytest.raises(CropRequestError, match="box 1 of 1"):
        plan_boxes(600, 400, BoxOptions.parse(["0.5,0,0.6,1"]))
