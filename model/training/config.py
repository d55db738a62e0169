"""Every setting of a training run, frozen, with the defaults that made the shipped model (model/EXPERIMENTS.md)."""

from dataclasses import asdict, dataclass, field
from typing import Any

from vrn_cropper.model.network.vrn import VrnConfig
from vrn_cropper.model.training.batches import Augmentation
from vrn_cropper.model.training.losses.paper import GainScale, LossConfig

AUGMENTATION = Augmentation(outer_crop=True)


@dataclass(frozen=True)
class TrainConfig:
    """A run is a pure function of this, the data and the backbone's first weights."""

    network: VrnConfig = field(default_factory=lambda: VrnConfig(dropout=0.3))
    loss: LossConfig = field(default_factory=lambda: LossConfig(2.0, GainScale.PER_VIEW))
    region_weight: float = 1.0  # of the loss of region maps, where the data has judgements; not the paper's
    augmentation: Augmentation = field(default_factory=lambda: AUGMENTATION)
    seed: int = 0
    epochs: int = 5
    batch_size: int = 8  # photos a step, over all processes; the paper takes 1
    views_per_photo: int = 64  # [P]
    backbone_lr: float = 1e-4  # the paper's
    head_lr: float = 5e-4
    warm_up_steps: int = 100  # both learning rates, and lambda of the ranking gain loss, rise linearly
    final_lr_share: float = 0.02  # cosine from 1 down to this
    weight_decay: float = 0.05
    ema_decay: float = 0.99  # validation and the checkpoint use averaged weights
    max_gradient_norm: float = 5.0  # 0 clips nothing
    frozen_blocks: int = 0  # first blocks of `features` that keep their weights; 4 save a third of a CPU step
    frozen_backbone: bool = False  # heads on cached maps
    mixed_precision: bool = False  # bfloat16 autocast; the command turns it on where it trains on CUDA
    validation_share: float = 0.1  # 0: train on all photos and keep the last epoch

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {**asdict(self), "loss": {**asdict(self.loss), "gain_scale": self.loss.gain_scale.value}}
