"""Every setting of the second stage, frozen; the defaults made the shipped weights (model/EXPERIMENTS.md)."""

from dataclasses import asdict, dataclass, field
from typing import Any

from vrn_cropper.model.network.vrn import VrnConfig


@dataclass(frozen=True)
class LossWeights:
    """What each source of labels counts; 0 switches it off. In brackets the module of `model.training.losses`."""

    votes: float = 8.0  # (votes) on pairs of crops
    human_crops: float = 1.0  # (human_crops) that people drew, among views of any shape
    human_crops_of_ratio: float = 0.25  # (human_crops) the same among views of the crop's own ratio
    judge_crops: float = 0.3  # (human_crops) the judge's five best views
    rating_l1: float = 0.5  # (ratings) recalibrated ratings
    rating_gain: float = 0.25  # (ratings)
    viewing: float = 0.25  # (viewing) windows of one size, by kept viewing time
    subjects: float = 0.1  # (subjects) the same windows, by kept subjects
    viewing_map: float = 1.0  # (viewing)
    region_maps: float = 1.0  # (maps)
    mirror: float = 0.0  # (mirror) doubles the time of a step


@dataclass(frozen=True)
class PeopleConfig:
    """A run is a pure function of this, the data and the weights that it starts from."""

    network: VrnConfig = field(
        default_factory=lambda: VrnConfig(
            hidden_sizes=(256, 128), dropout=0.3, has_regions=True, mirror_averaged=True,
            position_gain=1.0, fixed_ratio_gain=6.0, fixed_subject_gain=2.0, subject_power=2.0,
            region_gradient=0.5, free_maps=4,
        )
    )  # fmt: skip
    weights: LossWeights = field(default_factory=LossWeights)
    crop_temperature: float = 0.12  # of the IoU with a human crop
    seed: int = 0
    passes: int = 3
    votes_per_pass: int = 2  # how often a pass shows each photo with votes; every other photo comes once
    batch_size: int = 8
    backbone_lr: float = 1e-4
    head_lr: float = 3e-4
    new_lr: float = 2e-3  # of the layers that the first stage does not have
    weight_decay: float = 0.02
    warm_up_steps: int = 60
    final_lr_share: float = 0.02
    ema_decay: float = 0.997  # validation and the checkpoint use averaged weights
    max_gradient_norm: float = 5.0
    frozen_blocks: int = 7  # first blocks of `features` that keep their weights: all before stride 8
    brightness: float = 0.15  # a photo's pixels times 1 - this to 1 + this; contrast shifts likewise
    mixed_precision: bool = True

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)
