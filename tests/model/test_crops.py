"""Views planned in one list, ranked inside each ratio, and compared with the whole frame."""

import numpy as np
import pytest

from model.candidates import grid_views
from model.crop_options import CropOptions
from model.crops import plan_views, rank_crops
from model.errors import CropRequestError


def options(*ratios, top_k=5):
    return CropOptions.parse(str(top_k), ratios)


def test_all_ratios_share_one_list_of_views():
    plan = plan_views(600, 400, options("free", "1:1", "16:9"))
    free, square, wide = plan.groups
    assert (free.start, free.stop) == (0, len(grid_views(600, 400)))
    assert (square.start, wide.stop) == (free.stop, len(plan.boxes_xyxy) - 1)
    assert plan.boxes_xyxy[-1].tolist() == [0, 0, 600, 400]
    assert plan.boxes_normalized.dtype == np.float32
    sides = plan.boxes_xyxy[square.start : square.stop, 2:] - plan.boxes_xyxy[square.start : square.stop, :2]
    assert (sides[:, 0] == sides[:, 1]).all()


def test_impossible_ratio_is_named():
    with pytest.raises(CropRequestError, match="100"):
        plan_views(10, 10, options("100:1"))


def test_crops_are_ranked_inside_each_ratio_in_the_order_asked():
    wishes = options("1:1", "free", top_k=3)
    plan = plan_views(600, 400, wishes)
    scores = np.linspace(-1, 1, len(plan.boxes_xyxy))
    crops = rank_crops(plan, scores, wishes).crops
    assert [(crop.aspect_ratio.label, crop.rank) for crop in crops] == [
        ("1:1", 1), ("1:1", 2), ("1:1", 3), ("free", 1), ("free", 2), ("free", 3),
    ]  # fmt: skip
    assert crops[3].score == scores[-2]
    assert crops[3].box_xyxy == tuple(plan.boxes_xyxy[-2])
    assert all(isinstance(edge, int) for crop in crops for edge in crop.box_xyxy)


def test_more_crops_than_views_gives_the_views_there_are():
    wishes = options("1:1", top_k=50)
    crops = rank_crops(plan_views(1, 1, wishes), np.zeros(2), wishes).crops
    assert [crop.box_xyxy for crop in crops] == [(0, 0, 1, 1)]
