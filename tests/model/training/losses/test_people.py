"""Losses of people's labels: least where the scores say what people said, finite at the edges."""

import math

import pytest
import torch

from vrn_cropper.model.training.losses.listwise import listwise_loss
from vrn_cropper.model.training.losses.maps import region_loss
from vrn_cropper.model.training.losses.mirror import mirror_loss
from vrn_cropper.model.training.losses.ratings import rating_gain, rating_l1
from vrn_cropper.model.training.losses.viewing import viewing_map_loss
from vrn_cropper.model.training.losses.votes import vote_loss


def test_votes_are_least_surprising_where_the_difference_is_their_log_odds() -> None:
    shares = torch.tensor([[0.8, 0.4]])

    def loss(first: float, second: float, scale: float = 2.0) -> float:
        pairs = torch.tensor([[[first, 0.0], [second, 0.0]]])
        return float(vote_loss(pairs, shares, torch.tensor(scale)))

    right = (math.log(4) / 2, math.log(0.4 / 0.6) / 2)
    entropy = -sum(p * math.log(p) + (1 - p) * math.log(1 - p) for p in (0.8, 0.4)) / 2
    assert loss(*right) == pytest.approx(entropy, rel=1e-5)
    assert loss(right[0] + 0.3, right[1]) > entropy
    assert loss(right[0], -right[1]) > entropy


def test_the_listwise_loss_is_zero_where_scores_are_the_targets_logarithms() -> None:
    targets = torch.tensor([[0.7, 0.2, 0.1], [0.0, 0.0, 1.0]])
    found = listwise_loss(targets.clamp(min=1e-9).log() + 5, targets)
    torch.testing.assert_close(found, torch.zeros(2), atol=1e-5, rtol=0)
    assert (listwise_loss(-targets, targets) > 0.1).all()


def test_targets_of_zeros_count_nothing() -> None:
    scores = torch.randn(2, 5, requires_grad=True)
    found = listwise_loss(scores, torch.zeros(2, 5))
    assert not found.any()
    maps = torch.zeros(2, 3, 4)
    maps[0, 1, 2] = 1
    logits = torch.zeros(2, 3, 4)
    assert float(viewing_map_loss(logits, maps)) == pytest.approx(math.log(12) / 2, rel=1e-5)


def test_a_shift_of_all_scores_is_no_difference_to_the_mirror_image() -> None:
    scores = torch.randn(3, 6)
    assert float(mirror_loss(scores, scores + 4)) == pytest.approx(0, abs=1e-6)
    assert float(mirror_loss(scores, scores.flip(1))) > 0.1


def test_ratings_are_least_far_where_scores_equal_them() -> None:
    targets = torch.tensor([[1.0, 0.0, -1.0]])
    assert float(rating_l1(targets, targets)) == 0
    assert rating_gain(targets, targets) < rating_gain(-targets, targets)


def test_a_map_is_least_surprising_where_it_is_right() -> None:
    maps = torch.tensor([[[[1.0, 0.0]], [[0.5, 0.5]]]])
    right, wrong = (20 * (maps - 0.5), -20 * (maps - 0.5))
    assert region_loss(right, maps) < region_loss(wrong, maps)
