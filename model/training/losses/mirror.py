"""Mirror consistency: a mirrored photo has the mirrored views' scores. Needs no labels.

Source: M. Sajjadi et al., "Regularization With Stochastic Transformations and Perturbations for Deep Semi-Supervised
Learning" (NeurIPS 2016). Where inference takes the mean of both (`VrnConfig.mirror_averaged`) the crop is the same
by construction, and this only brings the two nearer.
"""

from torch import Tensor


def mirror_loss(scores: Tensor, mirrored_scores: Tensor) -> Tensor:
    """Mean squared difference of scores (B, N) of the same views in both photos, each less its photo's mean."""
    difference = scores - mirrored_scores
    return (difference - difference.mean(dim=1, keepdim=True)).square().mean()
