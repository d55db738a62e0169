"""The View Ranking Network, drawn as the paper's Fig. 2: backbone -> splitter -> (VDL, IDL).

Takes uint8 photos and normalises them itself, by constants that belong to its config and so to the checkpoint.
Knows nothing of files, losses or how photos are batched.
"""

from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from vrn_cropper.model.network.backbone import MULTI_SCALE_CHANNELS, Backbone
from vrn_cropper.model.network.learners import ImagewiseDifferenceLearner, ViewwiseDifferenceLearner
from vrn_cropper.model.network.regions import (
    RegionHead,
    ViewJudge,
    attention_of_position,
    region_densities,
    view_evidence,
    view_geometry,
)
from vrn_cropper.model.network.splitter import FeatureSplitter


@dataclass(frozen=True)
class VrnConfig:
    """Every number that shapes the network. [P] paper, [G] GAIC, [c] chosen here (model/EXPERIMENTS.md)."""

    map_channels: int = 32  # [P]
    splitter_reduction: int = 4  # [c]
    align_bins: int = 9  # [G] RoIAlign and RoDAlign give 9 x 9
    roi_sampling_ratio: int = 2  # [c]
    hidden_sizes: tuple[int, ...] = (512, 128)  # [c] GAIC's 768 would make each file 5 MB larger
    dropout: float = 0.0  # [c]
    has_regions: bool = False  # maps that stay at inference, and heads that know a view's place (regions.py)
    mirror_averaged: bool = False  # inference scores the photo and its mirror image: the crop of one is the other's
    position_gain: float = 0.0  # [c] of the attention inside a view, less that of the centred view of its size
    fixed_ratio_gain: float = 0.0  # [c] the same where the ratio is given
    score_scale: float = 1.0  # fitted on validation votes: score differences are log-odds of a person's preference
    has_splitter: bool = True  # False: the ablation's baseline, MOS directly from RoIAlign + RoDAlign, no IDL
    # One number for all channels, or one each for red, green and blue.
    pixel_mean: float | tuple[float, ...] = (
        0.5  # normalised pixel = (pixel / 255 - mean) / std, as the backbone's weights want it
    )
    pixel_std: float | tuple[float, ...] = 0.5

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "VrnConfig":
        """Inverse of `to_dict`; raises TypeError on unknown or missing keys."""
        known: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
        }
        return cls(**known)


class VrnOutput(NamedTuple):
    """What training sees."""

    view_scores: Tensor  # s_i (B, N)
    image_scores: Tensor | None  # (B, N); None without a splitter
    feature: Tensor  # (B, 32, H/16, W/16), the reduced map before the splitter
    region_logits: Tensor | None  # (B, 3, H/16, W/16) of `regions.MAP_NAMES`; None without regions


class Vrn(nn.Module):
    """View Ranking Network (paper section 2)."""

    def __init__(self, config: VrnConfig) -> None:
        super().__init__()
        self.config = config
        channels = config.map_channels
        learner = (
            channels,
            config.align_bins,
            config.roi_sampling_ratio,
            config.hidden_sizes,
            config.dropout,
        )
        self.backbone = Backbone()
        self.reduce = nn.Conv2d(MULTI_SCALE_CHANNELS, channels, kernel_size=1)
        self.splitter = FeatureSplitter(channels, config.splitter_reduction) if config.has_splitter else None
        self.vdl = ViewwiseDifferenceLearner(*learner)
        self.regions = RegionHead(MULTI_SCALE_CHANNELS) if config.has_regions else None
        self.judge = ViewJudge(config.hidden_sizes[0]) if config.has_regions else None
        self.idl = ImagewiseDifferenceLearner(*learner) if config.has_splitter else None

    def normalise(self, photos: Tensor) -> Tensor:
        """uint8 (B, H, W, 3) -> normalised (B, 3, H, W) in the dtype of the weights."""
        pixels = photos.permute(0, 3, 1, 2).to(self.reduce.weight.dtype)
        mean, std = self.config.pixel_mean, self.config.pixel_std
        if isinstance(mean, tuple) or isinstance(std, tuple):
            by_channel = [pixels.new_tensor(value).reshape(1, -1, 1, 1) for value in (mean, std)]
            return (pixels / 255 - by_channel[0]) / by_channel[1]
        return (pixels / 255 - mean) / std

    def split(self, feature: Tensor) -> tuple[Tensor, Tensor | None]:
        """Reduced map -> view-wise and image-wise maps, all (B, 32, H/16, W/16)."""
        return self.splitter(feature) if self.splitter is not None else (feature, None)

    def score_map(
        self, multi_scale: Tensor, view_wise: Tensor, boxes_normalized: Tensor
    ) -> tuple[Tensor, Tensor | None]:
        """Scores (B, N) of views from the backbone's map and the view-wise map, and the region logits."""
        if self.regions is None or self.judge is None:
            return self.vdl(view_wise, boxes_normalized), None
        logits = self.regions(multi_scale)
        evidence = view_evidence(region_densities(logits.to(boxes_normalized.dtype)), boxes_normalized)
        own, joined = self.judge(view_geometry(boxes_normalized, view_wise), evidence)
        return own + self.vdl(view_wise, boxes_normalized, joined), logits

    def forward_heads(self, multi_scale: Tensor, boxes_normalized: Tensor) -> VrnOutput:
        """Training on cached backbone maps (B, 448, H/16, W/16), boxes (B, N, 4)."""
        feature = self.reduce(multi_scale)
        view_wise, image_wise = self.split(feature)
        image_scores = self.idl(image_wise, boxes_normalized) if self.idl is not None else None
        view_scores, region_logits = self.score_map(multi_scale, view_wise, boxes_normalized)
        return VrnOutput(view_scores, image_scores, feature, region_logits)

    def forward(self, photos: Tensor, boxes_normalized: Tensor) -> VrnOutput:
        """Training: normalised photos (B, 3, H, W), boxes (B, N, 4) -> both scores."""
        return self.forward_heads(self.backbone(photos), boxes_normalized)

    def score_views(self, photos: Tensor, boxes_normalized: Tensor) -> Tensor:
        """Inference, without IDL: uint8 photos (B, H, W, 3), boxes (B, N, 4) -> scores (B, N)."""
        pixels = self.normalise(photos)
        # Views of a given ratio come one photo's width to the right (`views.boxes.mark_fixed_ratio`).
        is_fixed = (boxes_normalized[..., 0] >= 1).to(boxes_normalized.dtype)
        offset = torch.stack([is_fixed, torch.zeros_like(is_fixed)] * 2, dim=-1)
        return self.config.score_scale * self._score_both_ways(pixels, boxes_normalized - offset, is_fixed)

    def _score_both_ways(self, pixels: Tensor, boxes_normalized: Tensor, is_fixed: Tensor) -> Tensor:
        if not self.config.mirror_averaged:
            return self._score(pixels, boxes_normalized, is_fixed)
        x1, y1, x2, y2 = boxes_normalized.unbind(-1)
        mirrored = torch.stack([1 - x2, y1, 1 - x1, y2], dim=-1)
        both = torch.cat([pixels, pixels.flip(3)]), torch.cat([boxes_normalized, mirrored])
        scores = self._score(*both, torch.cat([is_fixed, is_fixed]))
        return scores.unflatten(0, (2, -1)).mean(dim=0)

    def _score(self, pixels: Tensor, boxes_normalized: Tensor, is_fixed: Tensor) -> Tensor:
        multi_scale = self.backbone(pixels)
        view_wise, _ = self.split(self.reduce(multi_scale))
        scores, logits = self.score_map(multi_scale, view_wise, boxes_normalized)
        if logits is None:
            return scores
        gain = self.config.position_gain + (self.config.fixed_ratio_gain - self.config.position_gain) * is_fixed
        return scores + gain * attention_of_position(region_densities(logits.to(scores.dtype)), boxes_normalized)
