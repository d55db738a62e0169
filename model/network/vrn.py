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
    MAP_NAMES,
    RegionHead,
    ViewJudge,
    attention_inside,
    attention_of_position,
    region_densities,
    spread_densities,
    subject_inside,
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
    free_maps: int = 0  # [c] more maps of that kind, which no label but the scores' own teaches
    mirror_averaged: bool = False  # inference scores the photo and its mirror image: the crop of one is the other's
    position_gain: float = 0.0  # [c] of the attention inside a view, less that of the centred view of its size
    fixed_ratio_gain: float = 0.0  # [c] the same where the ratio is given
    fixed_attention_gain: float = 0.0  # [c] of the attention inside a view of whatever size, where the ratio is given
    fixed_subject_gain: float = 0.0  # [c] of the subjects' share inside a view, where the ratio is given
    subject_power: float = 1.0  # [c] of the subject map, before its shares are taken
    region_gradient: float = 1.0  # [c] share of the region maps' gradient that reaches the backbone in training
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
    evidence_scores: Tensor | None  # (B, N), the part of s_i that the region maps decide; None without regions


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
        self.free_regions = RegionHead(MULTI_SCALE_CHANNELS, config.free_maps) if config.free_maps else None
        maps = len(MAP_NAMES) + config.free_maps
        self.judge = ViewJudge(config.hidden_sizes[0], maps) if config.has_regions else None
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
        self, multi_scale: Tensor, view_wise: Tensor, boxes_normalized: Tensor, is_fixed: Tensor | None
    ) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """Scores (B, N) from the backbone's map and the view-wise map, region logits, the evidence's part of scores.

        `is_fixed` (B, N), 1 where the ratio is given, or None where it is nowhere.
        """
        if self.regions is None or self.judge is None:
            return self.vdl(view_wise, boxes_normalized), None, None
        logits, densities = self._region_maps(self.regions, multi_scale, boxes_normalized.dtype)
        evidence = view_evidence(densities, boxes_normalized)
        own, joined = self.judge(view_geometry(boxes_normalized, view_wise), evidence)
        by_evidence = own + self._kept_by_position(densities, boxes_normalized, is_fixed)
        return by_evidence + self.vdl(view_wise, boxes_normalized, joined), logits, by_evidence

    def _region_maps(self, regions: RegionHead, multi_scale: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """Logits of the named maps (B, 3, H, W), and densities of all maps (B, M, H, W)."""
        taught = multi_scale
        if self.training and self.config.region_gradient < 1:
            share = self.config.region_gradient
            taught = share * multi_scale + (1 - share) * multi_scale.detach()
        logits = regions(taught)
        # Detached: only labels of where things are teach the maps. Taught by scores too they stop being maps
        # (model/EXPERIMENTS.md).
        densities = region_densities(logits.detach().to(dtype), self.config.subject_power)
        if self.free_regions is None:
            return logits, densities
        free = spread_densities(self.free_regions(multi_scale).to(dtype))
        return logits, torch.cat([densities, free], dim=1)

    def _kept_by_position(self, densities: Tensor, boxes_normalized: Tensor, is_fixed: Tensor | None) -> Tensor:
        """What the maps alone add to a score, (B, N): explicit, so that they decide also where the heads overfit."""
        config = self.config
        attention = attention_of_position(densities, boxes_normalized)
        if is_fixed is None:
            return config.position_gain * attention
        gain = config.position_gain + (config.fixed_ratio_gain - config.position_gain) * is_fixed
        kept = config.fixed_subject_gain * subject_inside(densities, boxes_normalized)
        if config.fixed_attention_gain:
            kept = kept + config.fixed_attention_gain * attention_inside(densities, boxes_normalized)
        return gain * attention + is_fixed * kept

    def forward_heads(
        self, multi_scale: Tensor, boxes_normalized: Tensor, is_fixed: Tensor | None = None
    ) -> VrnOutput:
        """Training on cached backbone maps (B, 448, H/16, W/16), boxes (B, N, 4); `is_fixed` as in `score_map`."""
        feature = self.reduce(multi_scale)
        view_wise, image_wise = self.split(feature)
        image_scores = self.idl(image_wise, boxes_normalized) if self.idl is not None else None
        view_scores, logits, by_evidence = self.score_map(multi_scale, view_wise, boxes_normalized, is_fixed)
        return VrnOutput(view_scores, image_scores, feature, logits, by_evidence)

    def forward(self, photos: Tensor, boxes_normalized: Tensor, is_fixed: Tensor | None = None) -> VrnOutput:
        """Training: normalised photos (B, 3, H, W), boxes (B, N, 4) -> both scores."""
        return self.forward_heads(self.backbone(photos), boxes_normalized, is_fixed)

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
        return self.score_map(multi_scale, view_wise, boxes_normalized, is_fixed)[0]
