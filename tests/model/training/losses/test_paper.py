"""The losses against plain loops over the paper's equations, their gradients, and their edges."""

import math

import pytest
import torch
from scipy.stats import pearsonr

from vrn_cropper.model.training.losses.paper import (
    MAX_EXPONENT,
    GainScale,
    LossConfig,
    correlation_loss,
    ranking_gain,
    ranking_gain_loss,
    vrn_losses,
)


def plain_beta(scores: list[float], targets: list[float]) -> float:
    order = sorted(range(len(targets)), key=lambda i: -targets[i])
    return sum(
        (math.exp(targets[i] - abs(scores[i] - targets[i])) - 1) / math.log(rank + 1)
        for rank, i in enumerate(order, start=1)
    )


@pytest.fixture
def batch() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    targets = torch.randn(3, 16, generator=generator, dtype=torch.float64) * 0.7
    scores = targets + 0.3 * torch.randn(3, 16, generator=generator, dtype=torch.float64)
    return scores, targets - targets.mean(dim=1, keepdim=True)


def test_ranking_gain_is_the_papers_sum(batch: tuple[torch.Tensor, torch.Tensor]) -> None:
    scores, targets = batch
    betas = [plain_beta(s, t) for s, t in zip(scores.tolist(), targets.tolist(), strict=True)]
    torch.testing.assert_close(ranking_gain(scores, targets), torch.tensor(betas, dtype=torch.float64))


def test_each_form_of_the_loss_is_its_formula(batch: tuple[torch.Tensor, torch.Tensor]) -> None:
    scores, targets = batch
    rows = list(zip(scores.tolist(), targets.tolist(), strict=True))
    expected = {
        GainScale.PAPER: [math.exp(-plain_beta(s, t)) for s, t in rows],
        GainScale.PER_VIEW: [math.exp(-plain_beta(s, t) / 16) for s, t in rows],
        GainScale.IDEAL: [math.exp(-plain_beta(s, t) / plain_beta(t, t)) for s, t in rows],
    }
    for scale, values in expected.items():
        assert ranking_gain_loss(scores, targets, scale).item() == pytest.approx(sum(values) / 3)


@pytest.mark.parametrize("scale", GainScale)
def test_gradients_are_those_of_finite_differences(
    batch: tuple[torch.Tensor, torch.Tensor], scale: GainScale
) -> None:
    scores, targets = batch
    assert torch.autograd.gradcheck(lambda s: ranking_gain_loss(s, targets, scale), scores.requires_grad_())


@pytest.mark.parametrize("scale", GainScale)
@pytest.mark.parametrize(
    ("scores", "targets"),
    [
        ([[0.0]], [[0.0]]),
        ([[0.0, 0.0, 0.0]], [[0.0, 0.0, 0.0]]),
        ([[1e9, -1e9]], [[0.5, -0.5]]),
        ([[0.0] * 2000], [[1e-3 * i - 1 for i in range(2000)]]),
        ([[0.0, 0.0]], [[1e6, -1e6]]),
    ],
    ids=["one view", "ties", "extreme scores", "many views", "extreme targets"],
)
def test_the_loss_and_its_gradient_are_finite(
    scores: list[list[float]], targets: list[list[float]], scale: GainScale
) -> None:
    predicted = torch.tensor(scores, requires_grad=True)
    loss = ranking_gain_loss(predicted, torch.tensor(targets), scale)
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(predicted.grad).all()


def test_correlation_loss_is_one_minus_pearsons_r(batch: tuple[torch.Tensor, torch.Tensor]) -> None:
    scores, targets = batch
    expected = [1 - pearsonr(s, t).statistic for s, t in zip(scores.numpy(), targets.numpy(), strict=True)]
    assert correlation_loss(scores, targets).item() == pytest.approx(sum(expected) / 3)
    assert torch.autograd.gradcheck(lambda s: correlation_loss(s, targets), scores.requires_grad_())


@pytest.mark.parametrize(
    ("scores", "targets"),
    [([[0.3]], [[0.5]]), ([[0.2, 0.2]], [[1.0, 0.0]]), ([[1.0, 0.0]], [[0.5, 0.5]]), ([[1e9, -1e9]], [[0.5, -0.5]])],
    ids=["one view", "constant scores", "ties", "extreme scores"],
)
def test_correlation_loss_and_its_gradient_are_finite(scores: list[list[float]], targets: list[list[float]]) -> None:
    predicted = torch.tensor(scores, requires_grad=True)
    loss = correlation_loss(predicted, torch.tensor(targets))
    loss.backward()
    assert 0 <= loss <= 2
    assert torch.isfinite(predicted.grad).all()


def test_above_the_cap_the_loss_still_pulls_down() -> None:
    """A clamp alone would have no gradient exactly where the prediction is worst."""
    targets = torch.linspace(1, -1, 2000).unsqueeze(0)
    scores = torch.full_like(targets, -3.0).requires_grad_()
    loss = ranking_gain_loss(scores, targets, GainScale.PAPER)
    loss.backward()
    assert loss > math.exp(MAX_EXPONENT)
    assert (scores.grad < 0).any()


def test_ties_are_ranked_in_input_order() -> None:
    targets = torch.tensor([[0.5, 0.5, -1.0]])
    scores = torch.tensor([[0.5, 0.0, -1.0]])
    expected = plain_beta(scores[0].tolist(), targets[0].tolist())  # Python's sort is stable too
    assert ranking_gain(scores, targets).item() == pytest.approx(expected)


def test_the_total_is_equation_5(batch: tuple[torch.Tensor, torch.Tensor]) -> None:
    scores, targets = batch
    mean = torch.tensor([2.0, 3.0, 4.0], dtype=torch.float64)
    image_scores = torch.full_like(scores, 3.0)
    losses = vrn_losses(scores, image_scores, targets + mean[:, None], mean, LossConfig(3.0, GainScale.PER_VIEW))
    gain = ranking_gain_loss(scores, targets, GainScale.PER_VIEW)
    assert losses.image_l1.item() == pytest.approx(2 / 3)
    assert losses.view_l1.item() == pytest.approx((scores - targets).abs().mean().item())
    assert losses.total.item() == pytest.approx((losses.image_l1 + losses.view_l1 + 3 * gain).item())


def test_without_image_scores_the_mos_itself_is_predicted(batch: tuple[torch.Tensor, torch.Tensor]) -> None:
    _, targets = batch
    mean = torch.tensor([2.0, 3.0, 4.0], dtype=torch.float64)
    mos = targets + mean[:, None]
    losses = vrn_losses(mos, None, mos, mean, LossConfig(3.0, GainScale.PAPER))
    assert losses.view_l1.item() == pytest.approx(0, abs=1e-12)
    assert losses.image_l1.item() == 0
    assert losses.gain.item() == pytest.approx(ranking_gain_loss(targets, targets, GainScale.PAPER).item())
