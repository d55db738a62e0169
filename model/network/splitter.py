"""The feature splitter: one map in, a view-wise and an image-wise map out. Knows nothing of views or scores.

Source: paper section 2.2 and Fig. 3 (after the squeeze-and-excitation block).
"""

import torch
from torch import Tensor, nn


class FeatureSplitter(nn.Module):
    """Channel weights w_v from the whole map; view-wise map w_v * F, image-wise map (1 - w_v) * F."""

    def __init__(self, channels: int, reduction: int) -> None:
        super().__init__()
        self.compress = nn.Linear(channels, channels // reduction)
        self.restore = nn.Linear(channels // reduction, channels)

    def forward(self, feature: Tensor) -> tuple[Tensor, Tensor]:
        """(B, C, H, W) -> view-wise (B, C, H, W), image-wise (B, C, H, W); the two add up to the input."""
        pooled = feature.mean(dim=(2, 3))  # (B, C)
        view_weight = torch.sigmoid(self.restore(torch.relu(self.compress(pooled))))  # (B, C)
        view_wise = feature * view_weight[:, :, None, None]
        return view_wise, feature - view_wise
