"""Ratings brought to what people's depend on (`model.training.recalibration`): l1 and the paper's ranking gain.

The paper's losses (`losses.paper`) without the image-wise part, which says nothing of people's labels.
"""

from torch import Tensor

from vrn_cropper.model.training.losses.paper import GainScale, ranking_gain_loss


def rating_l1(view_scores: Tensor, targets: Tensor) -> Tensor:
    """Mean l1 of scores (B, N) against mean-subtracted ratings (B, N)."""
    return (view_scores - targets).abs().mean()


def rating_gain(view_scores: Tensor, targets: Tensor) -> Tensor:
    """The ranking gain loss of the same, beta divided by the number of views."""
    return ranking_gain_loss(view_scores, targets, GainScale.PER_VIEW)
