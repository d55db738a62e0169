"""The two learners: VDL scores views by their difference, IDL learns what they share. Know nothing of losses.

Source: paper section 2.3; layer sizes after GAIC.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn

from vrn_cropper.model.network.align import discard_mask, roi_align, whole_map_grid


def _tail(sizes: tuple[int, ...], dropout: float) -> nn.Sequential:
    """Hidden layers after the first, down to one number."""
    layers: list[nn.Module] = [nn.ReLU(), nn.Dropout(dropout)]
    for before, after in pairwise(sizes):
        layers += [nn.Linear(before, after), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(sizes[-1], 1))


class ViewwiseDifferenceLearner(nn.Module):
    """VDL: RoIAlign and RoDAlign of the view-wise map, concatenated -> fully connected layers -> one score a view.

    The first layer is written as two, one for each half of the concatenation, because the RoDAlign half needs no
    work per view beyond a mask: its weights meet the photo's shared resample once, and each view sums the bins
    that it discards. The result is the layer on the concatenation (a test holds the two together).
    """

    def __init__(self, channels: int, bins: int, sampling_ratio: int, sizes: tuple[int, ...], dropout: float) -> None:
        super().__init__()
        self.bins, self.sampling_ratio = bins, sampling_ratio
        # One Linear initialised at the width of the concatenation, cut in two.
        joint = nn.Linear(2 * channels * bins * bins, sizes[0])
        self.inside = nn.Linear(channels * bins * bins, sizes[0])
        self.discarded = nn.Linear(channels * bins * bins, sizes[0], bias=False)
        with torch.no_grad():
            self.inside.weight.copy_(joint.weight[:, : joint.in_features // 2])
            self.discarded.weight.copy_(joint.weight[:, joint.in_features // 2 :])
            self.inside.bias.copy_(joint.bias)
        self.tail = _tail(sizes, dropout)

    def forward(self, feature: Tensor, boxes_normalized: Tensor, added: Tensor | None = None) -> Tensor:
        """Map (B, C, H, W), boxes (B, N, 4) -> scores (B, N), on the mean-subtracted MOS scale.

        `added` (B, N, S) joins the first layer before its activation: what is known of a view beside the map.
        """
        roi = roi_align(feature, boxes_normalized, self.bins, self.sampling_ratio)  # (B, N, C, P, P)
        inside = self.inside(roi.flatten(2))  # (B, N, S)
        shared = whole_map_grid(feature, self.bins)  # (B, C, P, P)
        weight = self.discarded.weight.unflatten(1, (feature.shape[1], -1))  # (S, C, P*P)
        per_bin = torch.einsum("bcp,scp->bps", shared.flatten(2), weight)  # (B, P*P, S)
        mask = discard_mask(boxes_normalized, self.bins).flatten(2).to(per_bin.dtype)  # (B, N, P*P)
        discarded = mask @ per_bin  # (B, N, S)
        hidden = inside + discarded if added is None else inside + discarded + added
        return self.tail(hidden).squeeze(-1)  # (B, N)


class ImagewiseDifferenceLearner(nn.Module):
    """IDL: RoIAlign of the image-wise map -> fully connected layers -> the photo's mean MOS. Training only."""

    def __init__(self, channels: int, bins: int, sampling_ratio: int, sizes: tuple[int, ...], dropout: float) -> None:
        super().__init__()
        self.bins, self.sampling_ratio = bins, sampling_ratio
        self.inside = nn.Linear(channels * bins * bins, sizes[0])
        self.tail = _tail(sizes, dropout)

    def forward(self, feature: Tensor, boxes_normalized: Tensor) -> Tensor:
        """Map (B, C, H, W), boxes (B, N, 4) -> image-wise MOS (B, N)."""
        roi = roi_align(feature, boxes_normalized, self.bins, self.sampling_ratio)  # (B, N, C, P, P)
        return self.tail(self.inside(roi.flatten(2))).squeeze(-1)  # (B, N)
