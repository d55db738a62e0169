"""Maps of judged subjects and disturbances (`model.training.region_maps`): a denser teacher than ratings.

Not the paper's.
"""

from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits


def region_loss(region_logits: Tensor, region_maps: Tensor) -> Tensor:
    """Mean binary cross-entropy of maps (B, 2, h, w) in 0..1 against logits of that shape."""
    return binary_cross_entropy_with_logits(region_logits, region_maps)
