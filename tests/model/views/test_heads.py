"""A crop pays for the heads that it cuts, and only for those."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vrn_cropper.model.views.crops import plan_views, rank_crops
from vrn_cropper.model.views.heads import BEHEADED_COST, LOST_COST, NO_HEADS, head_costs, kept_shares
from vrn_cropper.model.views.options import AspectRatio, CropOptions
from vrn_cropper.model.views.own_boxes import BoxOptions, OwnBox, plan_boxes, tell_boxes

HEAD = np.array([[0.4, 0.2, 0.6, 0.4]])
WHOLE = [0.0, 0.0, 1.0, 1.0]


def cost(box, heads=HEAD) -> float:
    return float(head_costs(np.array([box]), heads)[0])


def test_a_view_that_keeps_every_head_costs_nothing():
    assert cost(WHOLE) == 0
    assert cost([0.3, 0.1, 0.7, 0.9]) == 0


def test_an_edge_through_a_head_costs_most_at_its_middle():
    nick, middle = cost([0.3, 0.22, 0.7, 1]), cost([0.3, 0.3, 0.7, 1])
    assert 0 < nick < middle
    assert middle == pytest.approx(BEHEADED_COST + LOST_COST / 2, rel=0.01)


def test_shoulders_without_their_head_are_beheaded_although_no_edge_goes_through_it():
    assert cost([0.3, 0.45, 0.7, 1]) == pytest.approx(BEHEADED_COST + LOST_COST)


def test_somebody_who_is_left_out_whole_is_lost_but_not_beheaded():
    assert cost([0.75, 0, 1, 1]) == pytest.approx(LOST_COST)


def test_a_head_touched_by_the_edge_has_too_little_room():
    assert cost([0.4, 0.2, 0.6, 1]) > 0


def test_the_largest_head_counts_most():
    both = np.array([[0.1, 0.2, 0.3, 0.4], [0.8, 0.3, 0.85, 0.35]])
    without_small, without_large = cost([0, 0, 0.7, 1], both), cost([0.6, 0, 1, 1], both)
    assert without_small < without_large / 4


boxes = st.lists(st.floats(0, 1), min_size=4, max_size=4).map(
    lambda v: [min(v[0], v[2]), min(v[1], v[3]), max(v[0], v[2]), max(v[1], v[3])]
)


@given(box=boxes, head=boxes)
def test_a_cost_is_finite_never_negative_and_the_same_in_the_mirror(box, head):
    def mirrored(b):
        return [1 - b[2], b[1], 1 - b[0], b[3]]

    found = cost(box, np.array([head]))
    assert 0 <= found < 2 * (BEHEADED_COST + LOST_COST)
    assert cost(mirrored(box), np.array([mirrored(head)])) == pytest.approx(found, abs=1e-3)


def test_kept_shares_are_those_of_a_plain_count():
    random = np.random.default_rng(0)
    grid = (np.stack(np.meshgrid(np.arange(400), np.arange(400)), -1).reshape(-1, 2) + 0.5) / 400

    def inside(box):
        return (grid > box[:2]).all(1) & (grid < box[2:]).all(1)

    views, parts = (np.sort(random.random((3, 2, 2)), axis=1).reshape(3, 4) for _ in range(2))
    plain = [[(inside(view) & inside(part)).sum() / inside(part).sum() for part in parts] for view in views]
    np.testing.assert_allclose(kept_shares(views, parts), plain, atol=0.03)


def test_without_heads_no_view_costs_anything():
    np.testing.assert_array_equal(head_costs(np.array([WHOLE, [0.1, 0.1, 0.5, 0.5]]), NO_HEADS), [0, 0])


def test_the_best_crop_of_a_ratio_moves_to_the_head():
    options = CropOptions(top_k=1, aspect_ratios=(AspectRatio.parse("9:16"),))
    plan = plan_views(600, 400, options, np.array([[0.85, 0.1, 0.95, 0.3]]))
    scores = np.zeros(len(plan.boxes_xyxy), np.float32)
    (crop,) = rank_crops(plan, scores, options).crops
    x1, y1, x2, y2 = crop.box_xyxy
    assert x1 <= 0.85 * 600
    assert x2 >= 0.95 * 600
    assert (y1, y2) == (0, 400) or (y1 <= 0.1 * 400 and y2 >= 0.3 * 400)


def test_scores_of_own_boxes_pay_for_heads_as_crops_do():
    head = np.array([[0.4, 0.1, 0.6, 0.3]])
    options = BoxOptions((OwnBox(0, 0, 600, 400), OwnBox(200, 80, 500, 400)))
    plan = plan_boxes(600, 400, options, head)
    scored = tell_boxes(plan, np.zeros(len(plan.boxes_xyxy), np.float32)).boxes
    assert scored[0].score == 0
    assert scored[1].score < -BEHEADED_COST / 2
    assert scored[1].preferred_to_whole < 0.05
