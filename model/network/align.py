"""RoIAlign and RoDAlign in separable matrix form: exact, batched, exportable, on any device.

Bilinear sampling on a regular grid is linear and separable, so the 9 x 9 output of a view is `Wy F Wx^T` with one
small matrix a side. Knows nothing of photos, scores or where the map comes from.

Conventions (checked against `torchvision.ops.roi_align` and a plain loop in tests/model/test_align.py):
- pixel centres as torchvision's `aligned=True`: the normalized coordinate u lies at u * size - 0.5 on the map, and
  samples beyond the outermost centres take the border's value;
- RoIAlign takes `sampling_ratio` samples a bin and side, averaged (torchvision's `sampling_ratio`). Same numbers as
  torchvision for boxes inside the map; boxes that leave the map differ (there torchvision returns zeros);
- torchvision clips nothing at `aligned=True`, neither does this: an empty box samples one point;
- RoDAlign resamples the *whole* map once, at the centres of a grid of bins, and weighs each bin by the share of it
  that lies outside the view. GAIC's code averages 2 x 2 corner samples, which gives that share in quarters; the exact
  share is its limit for many samples. It is continuous: a view that moves by a pixel changes its score by little.

Source: paper section 2.3; RoDAlign from GAIC (CVPR 2019), section 3.2.
"""

import torch
from torch import Tensor


def interpolation_matrix(positions: Tensor, size: int) -> Tensor:
    """Rows of bilinear weights: (..., P) positions on an axis of `size` cells (map units) -> (..., P, size)."""
    cells = torch.arange(size, device=positions.device, dtype=positions.dtype)
    clamped = positions.clamp(0, size - 1).unsqueeze(-1)
    return (1 - (clamped - cells).abs()).clamp(min=0)


def bin_matrix(start: Tensor, end: Tensor, size: int, bins: int, sampling_ratio: int) -> Tensor:
    """Averaging matrix of one side: bins between normalized `start` and `end` (B, N) -> (B, N, bins, size)."""
    samples = bins * sampling_ratio
    steps = (torch.arange(samples, device=start.device, dtype=start.dtype) + 0.5) / samples
    positions = (start.unsqueeze(-1) + (end - start).unsqueeze(-1) * steps) * size - 0.5  # (B, N, samples)
    weights = interpolation_matrix(positions, size)  # (B, N, samples, size)
    return weights.unflatten(2, (bins, sampling_ratio)).mean(dim=3)


def roi_align(feature: Tensor, boxes_normalized: Tensor, bins: int, sampling_ratio: int) -> Tensor:
    """RoIAlign of every view: map (B, C, H, W) and boxes (B, N, 4) -> (B, N, C, bins, bins)."""
    height, width = feature.shape[-2:]
    x1, y1, x2, y2 = boxes_normalized.unbind(-1)
    along_y = bin_matrix(y1, y2, height, bins, sampling_ratio)  # (B, N, P, H)
    along_x = bin_matrix(x1, x2, width, bins, sampling_ratio)  # (B, N, Q, W)
    rows = torch.einsum("bnph,bchw->bncpw", along_y, feature)
    return torch.einsum("bncpw,bnqw->bncpq", rows, along_x)


def whole_map_grid(feature: Tensor, bins: int) -> Tensor:
    """RoDAlign's shared resample of the whole map, once per photo: (B, C, H, W) -> (B, C, bins, bins)."""
    steps = (torch.arange(bins, device=feature.device, dtype=feature.dtype) + 0.5) / bins
    along_y = interpolation_matrix(steps * feature.shape[-2] - 0.5, feature.shape[-2])  # (P, H)
    along_x = interpolation_matrix(steps * feature.shape[-1] - 0.5, feature.shape[-1])  # (Q, W)
    rows = torch.einsum("ph,bchw->bcpw", along_y, feature)
    return torch.einsum("bcpw,qw->bcpq", rows, along_x)


def coverage(start: Tensor, end: Tensor, cells: int) -> Tensor:
    """Share of each of `cells` equal cells of an axis between `start` and `end` (B, N) in 0..1 -> (B, N, cells)."""
    edges = torch.arange(cells + 1, device=start.device, dtype=start.dtype) / cells
    start, end = start.unsqueeze(-1), end.unsqueeze(-1)
    return (torch.minimum(edges[1:], end) - torch.maximum(edges[:-1], start)).clamp(min=0) * cells


def discard_mask(boxes_normalized: Tensor, bins: int) -> Tensor:
    """The share of each of RoDAlign's bins outside the view: boxes (B, N, 4) -> (B, N, bins, bins)."""
    x1, y1, x2, y2 = boxes_normalized.unbind(-1)
    return 1 - coverage(y1, y2, bins).unsqueeze(-1) * coverage(x1, x2, bins).unsqueeze(-2)
