"""Cross entropy of a whole list of views: which of them a label stands for, as a probability of each.

Source: Z. Cao et al., "Learning to Rank: From Pairwise Approach to Listwise Approach" (ICML 2007), ListNet's top-one
loss. Shared by every label that says how near each view of a list is to what people chose.
"""

import numpy as np
from torch import Tensor
from torch.nn.functional import log_softmax

LEAST_TARGET = 1e-9  # a logarithm is taken of it


def soft_targets(values: np.ndarray, temperature: float) -> np.ndarray:
    """Probabilities (N,) that sum to 1: softmax of `values` (N,) / `temperature`."""
    raised = np.exp((values - values.max()) / temperature)
    return (raised / raised.sum()).astype(np.float32)


def listwise_loss(scores: Tensor, targets: Tensor) -> Tensor:
    """Cross entropy of softmax(scores) (B, N) to the targets (B, N), less its least value: (B,), 0 where equal."""
    own_entropy = (targets * targets.clamp(min=LEAST_TARGET).log()).sum(dim=1)
    return own_entropy - (targets * log_softmax(scores, dim=1)).sum(dim=1)
