"""The losses of VRN. Pure functions of scores and MOS; know nothing of the network or of optimisation.

Source: paper section 2.4, eq. 1-5. All work on (B, N): B photos with N views each, every view real (no padding).
"""

import math
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

import torch
from torch import Tensor

# exp(-beta) is continued by its tangent above this exponent, so that value and gradient stay finite and the
# gradient never vanishes there. A constant prediction has about 4; the paper's curve below is untouched.
MAX_EXPONENT = 10.0
# sigma <= t, and t lies within 4 of its mean for any MOS in 1..5; the clamp only guards against absurd targets.
MAX_SIGMA = 20.0
# Where all MOS are equal the ideal beta is 0; typical is 15.
MIN_IDEAL_BETA = 1.0
# Of a photo's scores and targets, multiplied: typical is 1000 (64 views of standard deviation 0.7).
MIN_SQUARED_LENGTHS = 1e-6


class GainScale(Enum):
    """What beta is divided by before the exponential."""

    PAPER = "paper"  # nothing: eq. 4 as printed
    PER_VIEW = "per-view"  # N
    IDEAL = "ideal"  # beta of a perfect prediction


def ranking_gain(view_scores: Tensor, targets: Tensor) -> Tensor:
    """beta of eq. 3, (B,): gain of every view, discounted by its true rank.

    `targets` are mean-subtracted MOS t_i; sigma_i = t_i - |s_i - t_i| (eq. 1-2). Views with equal MOS keep their
    input order (stable sort): any fixed order serves, this one needs no second key.
    """
    order = torch.argsort(targets, dim=1, descending=True, stable=True)
    targets, view_scores = targets.gather(1, order), view_scores.gather(1, order)
    sigma = (targets - (view_scores - targets).abs()).clamp(max=MAX_SIGMA)
    ranks = torch.arange(1, targets.shape[1] + 1, device=targets.device, dtype=targets.dtype)
    return (torch.expm1(sigma) / torch.log(ranks + 1)).sum(dim=1)


def ranking_gain_loss(view_scores: Tensor, targets: Tensor, scale: GainScale) -> Tensor:
    """L_r = exp(-beta) of eq. 4, mean over photos; finite for any finite input, N = 1 and ties included."""
    exponent = -ranking_gain(view_scores, targets)
    if scale is GainScale.PER_VIEW:
        exponent = exponent / targets.shape[1]
    elif scale is GainScale.IDEAL:
        exponent = exponent / ranking_gain(targets, targets).clamp(min=MIN_IDEAL_BETA)
    capped = exponent.clamp(max=MAX_EXPONENT)
    tangent = math.exp(MAX_EXPONENT) * (exponent - capped)
    return (capped.exp() + tangent).mean()


def correlation_loss(view_scores: Tensor, targets: Tensor) -> Tensor:
    """1 - PCC of the scores of a photo with their targets, mean over photos. Not the paper's.

    Every photo weighs the same however little its views differ, where l1 hears the photos with a wide spread.
    Constant scores or targets count as uncorrelated; finite there and for N = 1.
    """
    scores = view_scores - view_scores.mean(dim=1, keepdim=True)
    targets = targets - targets.mean(dim=1, keepdim=True)
    lengths = (scores.square().sum(dim=1) * targets.square().sum(dim=1) + MIN_SQUARED_LENGTHS).sqrt()
    return (1 - (scores * targets).sum(dim=1) / lengths).mean()


@dataclass(frozen=True)
class LossConfig:
    """Which of the losses are used, and their weights (eq. 5)."""

    gain_weight: float = 3.0  # lambda [P]; 0 leaves the ranking gain loss out
    gain_scale: GainScale = GainScale.PAPER
    correlation_weight: float = 0.0  # of 1 - PCC; not the paper's


class Losses(NamedTuple):
    """Scalars of one batch, each before its weight; `regions` is filled in where maps are asked for."""

    total: Tensor
    view_l1: Tensor
    image_l1: Tensor
    gain: Tensor
    correlation: Tensor
    regions: Tensor


def vrn_losses(
    view_scores: Tensor, image_scores: Tensor | None, mos: Tensor, photo_mean_mos: Tensor, config: LossConfig
) -> Losses:
    """Total loss L = L_i + L_v + lambda L_r (eq. 5).

    With image-wise scores the view-wise ones are trained on mean-subtracted MOS. Without (the baseline of Tab. 2)
    the scores predict the MOS itself; the ranking gain loss then sees score and MOS less the photo's mean, since
    it underflows on raw MOS.

    Args:
        view_scores, mos: (B, N).  image_scores: (B, N) or None.  photo_mean_mos: (B,), over all views of a photo.
    """
    mean = photo_mean_mos.unsqueeze(1)
    targets = mos - mean
    relative_scores = view_scores if image_scores is not None else view_scores - mean
    view_l1 = (relative_scores - targets).abs().mean()
    image_l1 = (image_scores - mean).abs().mean() if image_scores is not None else view_l1.new_zeros(())
    if config.gain_weight > 0:
        gain = ranking_gain_loss(relative_scores, targets, config.gain_scale)
    else:
        gain = view_l1.new_zeros(())
    if config.correlation_weight > 0:
        correlation = correlation_loss(relative_scores, targets)
    else:
        correlation = view_l1.new_zeros(())
    total = image_l1 + view_l1 + config.gain_weight * gain + config.correlation_weight * correlation
    return Losses(total, view_l1, image_l1, gain, correlation, view_l1.new_zeros(()))
