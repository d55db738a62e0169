"""VDL as plain matrix products, for the exported graph: the same scores, cheaper on a CPU.

The learner's einsums become transposes and shape arithmetic around the multiplications. Here the map is laid out once
as (H, C x W), so that every step is one matrix product, and the first layer's weights are permuted to the order in
which the bins then come: (row, channel, column) instead of (channel, row, column). Training keeps the learner as the
paper draws it.
"""

import torch
from torch import Tensor, nn

from vrn_cropper.model.network.align import bin_matrix, discard_mask, interpolation_matrix
from vrn_cropper.model.network.learners import ViewwiseDifferenceLearner


class MatrixProductVdl(nn.Module):
    """Takes the place of a trained `ViewwiseDifferenceLearner`; equal to it up to rounding."""

    discarded_weight: Tensor

    def __init__(self, vdl: ViewwiseDifferenceLearner, channels: int) -> None:
        super().__init__()
        self.bins, self.sampling_ratio, self.channels = vdl.bins, vdl.sampling_ratio, channels
        bins, hidden = vdl.bins, vdl.inside.out_features
        self.inside = nn.Linear(vdl.inside.in_features, hidden)
        by_channel = vdl.inside.weight.detach().unflatten(1, (channels, bins, bins))  # (S, C, P, Q)
        with torch.no_grad():
            self.inside.weight.copy_(by_channel.permute(0, 2, 1, 3).flatten(1))  # (S, P x C x Q)
            self.inside.bias.copy_(vdl.inside.bias)
        discarded = vdl.discarded.weight.detach().unflatten(1, (channels, bins * bins))  # (S, C, P x Q)
        self.register_buffer("discarded_weight", discarded.permute(2, 1, 0).contiguous())  # (P x Q, C, S)
        self.tail = vdl.tail

    def forward(self, feature: Tensor, boxes_normalized: Tensor, added: Tensor | None = None) -> Tensor:
        """As the learner: map (B, C, H, W), boxes (B, N, 4), `added` (B, N, S) or None -> scores (B, N)."""
        rows = feature.permute(0, 2, 1, 3).flatten(2)  # (B, H, C x W)
        hidden = self._inside(feature, rows, boxes_normalized) + self._outside(feature, rows, boxes_normalized)
        return self.tail(hidden if added is None else hidden + added).squeeze(-1)  # (B, N)

    def _inside(self, feature: Tensor, rows: Tensor, boxes_normalized: Tensor) -> Tensor:
        """RoIAlign through the first layer: (B, N, S)."""
        height, width = feature.shape[-2:]
        batch, views = boxes_normalized.shape[:2]
        x1, y1, x2, y2 = boxes_normalized.unbind(-1)
        along_y = bin_matrix(y1, y2, height, self.bins, self.sampling_ratio)  # (B, N, P, H)
        along_x = bin_matrix(x1, x2, width, self.bins, self.sampling_ratio)  # (B, N, Q, W)
        cut = along_y.flatten(1, 2) @ rows  # (B, N x P, C x W)
        cut = cut.reshape(batch, views, self.bins * self.channels, width)
        roi = cut @ along_x.transpose(-1, -2)  # (B, N, P x C, Q)
        return self.inside(roi.flatten(2))

    def _outside(self, feature: Tensor, rows: Tensor, boxes_normalized: Tensor) -> Tensor:
        """RoDAlign through the first layer: each view sums the bins that it discards, (B, N, S)."""
        height, width = feature.shape[-2:]
        steps = (torch.arange(self.bins, device=feature.device, dtype=feature.dtype) + 0.5) / self.bins
        along_y = interpolation_matrix(steps * height - 0.5, height)  # (P, H)
        along_x = interpolation_matrix(steps * width - 0.5, width)  # (Q, W)
        shared = (along_y @ rows).unflatten(2, (self.channels, width)) @ along_x.transpose(0, 1)  # (B, P, C, Q)
        per_cell = shared.permute(0, 1, 3, 2).flatten(1, 2).unsqueeze(2)  # (B, P x Q, 1, C)
        per_bin = (per_cell @ self.discarded_weight).squeeze(2)  # (B, P x Q, S)
        mask = discard_mask(boxes_normalized, self.bins).flatten(2).to(per_bin.dtype)  # (B, N, P x Q)
        return mask @ per_bin
