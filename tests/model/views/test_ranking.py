"""From scores to the top-K views."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vrn_cropper.model.views.boxes import pairwise_iou
from vrn_cropper.model.views.candidates import grid_views
from vrn_cropper.model.views.ranking import rank_views

BOXES = np.array([[0, 0, 10, 10], [1, 0, 10, 10], [50, 50, 60, 60], [0, 0, 10, 10], [49, 50, 60, 60]])


def test_best_view_comes_first():
    assert rank_views(np.array([0.1, 0.5, 0.9, 0.0, 0.3]), BOXES, top_k=3).tolist() == [2, 1, 4]


def test_ties_keep_the_order_of_the_candidates():
    assert rank_views(np.zeros(5), BOXES, top_k=5).tolist() == [0, 1, 2, 4]


def test_a_box_is_named_once_and_at_its_best_score():
    assert rank_views(np.array([0.1, 0.2, 0.3, 0.9, 0.0]), BOXES, top_k=5).tolist() == [3, 2, 1, 4]


def test_overlapping_views_are_passed_over():
    assert rank_views(np.array([5, 4, 3, 2, 1]), BOXES, top_k=5, max_overlap=0.5).tolist() == [0, 2]


@given(
    scores=st.lists(st.sampled_from([0.0, 0.5, 1.0, 2.0]), min_size=90, max_size=90),
    top_k=st.integers(1, 100),
    max_overlap=st.sampled_from([None, 0.0, 0.5, 0.8, 1.0]),
)
def test_any_ranking_falls_and_respects_top_k_and_overlap(scores, top_k, max_overlap):
    boxes, scores = grid_views(100, 100), np.array(scores)
    ranked = rank_views(scores, boxes, top_k, max_overlap)
    assert 1 <= len(ranked) <= top_k
    assert (np.diff(scores[ranked]) <= 0).all()
    assert len(set(ranked.tolist())) == len(ranked)
    if max_overlap is None:
        np.testing.assert_array_equal(ranked, sorted(range(90), key=lambda i: (-scores[i], i))[:top_k])
    else:
        overlaps = pairwise_iou(boxes[ranked], boxes[ranked])
        assert (overlaps[np.triu_indices(len(ranked), 1)] <= max_overlap).all()


@pytest.mark.parametrize("top_k", [0, -1])
def test_no_view_is_ranked_when_none_is_wanted(top_k):
    assert rank_views(np.zeros(5), BOXES, top_k=top_k).tolist() == []


@pytest.mark.parametrize("scores", [np.zeros(4), np.full(5, np.nan), np.array([0, 0, 0, 0, np.inf])])
def test_scores_that_are_no_scores_are_refused(scores):
    with pytest.raises(ValueError, match="one finite number a view"):
        rank_views(scores, BOXES, top_k=1)
