"""Votes on pairs of crops: score differences become log-odds that a person prefers A to B.

Source: R. Bradley, M. Terry, "Rank Analysis of Incomplete Block Designs" (Biometrika 1952); the labels are FCDB's
(`model.data.fcdb`).
"""

from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits


def vote_loss(pair_scores: Tensor, shares_for_first: Tensor, log_odds_per_score: Tensor) -> Tensor:
    """Mean logistic loss of scores (B, P, 2) against the shares of votes for the first of each pair (B, P)."""
    differences = pair_scores[..., 0] - pair_scores[..., 1]
    return binary_cross_entropy_with_logits(log_odds_per_score * differences, shares_for_first)
