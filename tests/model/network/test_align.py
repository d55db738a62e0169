"""RoIAlign and RoDAlign against a slow plain loop and against torchvision."""

import numpy as np
import pytest
import torch
from torchvision.ops import roi_align as torchvision_roi_align

from vrn_cropper.model.network.align import discard_mask, roi_align, whole_map_grid

BOXES = torch.tensor([[[0.0, 0.0, 1.0, 1.0], [0.04, 0.21, 0.79, 0.96], [0.3, 0.1, 0.7, 0.9], [0.5, 0.5, 0.5, 0.5]]])


def sample(feature: np.ndarray, y: float, x: float) -> np.ndarray:
    """Bilinear value at (y, x) of a (C, H, W) map, border values beyond the outermost cell centres."""
    height, width = feature.shape[1:]
    y, x = min(max(y, 0), height - 1), min(max(x, 0), width - 1)
    top, left = int(y), int(x)
    bottom, right = min(top + 1, height - 1), min(left + 1, width - 1)
    v, u = y - top, x - left
    return (
        feature[:, top, left] * (1 - v) * (1 - u) + feature[:, top, right] * (1 - v) * u
        + feature[:, bottom, left] * v * (1 - u) + feature[:, bottom, right] * v * u
    )  # fmt: skip


def plain_roi_align(feature: np.ndarray, box: np.ndarray, bins: int, ratio: int) -> np.ndarray:
    channels, height, width = feature.shape
    out = np.zeros((channels, bins, bins))
    x1, y1, x2, y2 = box * [width, height, width, height]
    for p in range(bins):
        for q in range(bins):
            for i in range(ratio):
                for j in range(ratio):
                    y = y1 + (y2 - y1) * (p + (i + 0.5) / ratio) / bins - 0.5
                    x = x1 + (x2 - x1) * (q + (j + 0.5) / ratio) / bins - 0.5
                    out[:, p, q] += sample(feature, y, x) / ratio**2
    return out


def plain_rod_align(feature: np.ndarray, box: np.ndarray, bins: int) -> np.ndarray:
    """Each bin's sample, times the share of the bin outside the view."""
    channels, height, width = feature.shape
    out = np.zeros((channels, bins, bins))
    for p in range(bins):
        for q in range(bins):
            across = max(0, min((q + 1) / bins, box[2]) - max(q / bins, box[0])) * bins
            down = max(0, min((p + 1) / bins, box[3]) - max(p / bins, box[1])) * bins
            value = sample(feature, (p + 0.5) / bins * height - 0.5, (q + 0.5) / bins * width - 0.5)
            out[:, p, q] = value * (1 - across * down)
    return out


def rod_align(feature: torch.Tensor, boxes: torch.Tensor, bins: int) -> torch.Tensor:
    """Both halves put together, (B, N, C, bins, bins); the network multiplies each by its own weights first."""
    return discard_mask(boxes, bins).unsqueeze(2) * whole_map_grid(feature, bins).unsqueeze(1)


@pytest.fixture
def feature() -> torch.Tensor:
    return torch.randn(1, 3, 7, 11, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("ratio", [1, 2])
def test_roi_align_equals_a_plain_loop(feature: torch.Tensor, ratio: int) -> None:
    fast = roi_align(feature, BOXES, bins=9, sampling_ratio=ratio)[0].numpy()
    for view, box in zip(fast, BOXES[0].double().numpy(), strict=True):
        np.testing.assert_allclose(view, plain_roi_align(feature[0].double().numpy(), box, 9, ratio), atol=1e-5)


@pytest.mark.parametrize("ratio", [1, 2])
def test_roi_align_equals_torchvision_inside_the_map(feature: torch.Tensor, ratio: int) -> None:
    boxes = BOXES[:, :3]
    in_cells = boxes[0] * torch.tensor([11.0, 7.0, 11.0, 7.0])
    theirs = torchvision_roi_align(feature, [in_cells], (9, 9), sampling_ratio=ratio, aligned=True)
    torch.testing.assert_close(roi_align(feature, boxes, 9, ratio)[0], theirs, atol=1e-5, rtol=0)


def test_roi_align_beyond_the_map_takes_the_border_where_torchvision_takes_zero() -> None:
    """The stated difference between the two conventions."""
    ones, box = torch.ones(1, 1, 4, 4), torch.tensor([[[-2.0, 0.0, -1.0, 1.0]]])
    assert roi_align(ones, box, 3, 1).min() == 1
    assert torchvision_roi_align(ones, [box[0] * 4], (3, 3), sampling_ratio=1, aligned=True).max() == 0


def test_rod_align_equals_a_plain_loop(feature: torch.Tensor) -> None:
    fast = rod_align(feature, BOXES, bins=9)[0].numpy()
    for view, box in zip(fast, BOXES[0].double().numpy(), strict=True):
        np.testing.assert_allclose(view, plain_rod_align(feature[0].double().numpy(), box, 9), atol=1e-5)


def test_the_whole_frame_discards_nothing_and_an_empty_view_discards_everything() -> None:
    mask = discard_mask(BOXES, 8)
    assert mask[0, 0].sum() == 0
    assert mask[0, 3].sum() == 64


def test_a_view_that_moves_by_a_pixel_discards_a_little_more_or_less_and_never_a_whole_bin() -> None:
    """The mask was one hard sample a bin: a pixel could change a score by half of the photo's range."""
    starts = torch.linspace(0, 0.4, 401)
    boxes = torch.stack([starts, torch.zeros_like(starts), starts + 0.6, torch.ones_like(starts)], dim=-1)
    masks = discard_mask(boxes[None], 9)[0]
    assert (masks[1:] - masks[:-1]).abs().max() <= 0.001 * 9 + 1e-5
    torch.testing.assert_close(masks.mean(dim=(1, 2)), torch.full((401,), 0.4))


def test_alignment_is_differentiable() -> None:
    small = torch.randn(1, 2, 4, 5, dtype=torch.float64, requires_grad=True)
    boxes = BOXES[:, :3].double()
    assert torch.autograd.gradcheck(lambda f: roi_align(f, boxes, 3, 2), small)
    assert torch.autograd.gradcheck(lambda f: rod_align(f, boxes, 3), small)
