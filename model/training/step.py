"""A step of the first stage: the losses on ratings, and the optimiser set for them.

Knows nothing of command lines, files of photos or curves.
"""

from dataclasses import replace

import torch
from torch import Tensor, nn

from vrn_cropper.model.network.vrn import Vrn
from vrn_cropper.model.training.batches import Batch
from vrn_cropper.model.training.config import TrainConfig
from vrn_cropper.model.training.losses.maps import region_loss
from vrn_cropper.model.training.losses.paper import LossConfig, Losses, vrn_losses
from vrn_cropper.model.training.optimisation import Optimisation, Optimiser, Rate
from vrn_cropper.model.training.region_maps import MAP_NAMES


class Objective(nn.Module):
    """Network and losses as one module, so that DistributedDataParallel sees a single forward pass."""

    def __init__(self, vrn: Vrn, config: LossConfig, *, region_weight: float, on_cached_maps: bool) -> None:
        super().__init__()
        self.vrn, self.config = vrn, config
        self.region_weight, self.on_cached_maps = region_weight, on_cached_maps
        # The network's own layers are drawn before, so that they begin alike with and without region maps.
        self.regions = nn.Conv2d(vrn.config.map_channels, len(MAP_NAMES), 1) if region_weight > 0 else None

    def forward(
        self,
        inputs: Tensor,
        boxes_normalized: Tensor,
        mos: Tensor,
        photo_mean_mos: Tensor,
        region_maps: Tensor | None,
        gain_share: float,
    ) -> Losses:
        """Inputs: uint8 photos (B, H, W, 3), or cached maps (B, 448, H/16, W/16); the rest as in `Batch`.

        `gain_share` scales lambda.
        """
        if self.on_cached_maps:
            output = self.vrn.forward_heads(inputs.float(), boxes_normalized)
        else:
            photos = self.vrn.normalise(inputs).contiguous(memory_format=torch.channels_last)
            output = self.vrn(photos, boxes_normalized)
        image_scores = None if output.image_scores is None else output.image_scores.float()
        config = replace(self.config, gain_weight=self.config.gain_weight * gain_share)
        losses = vrn_losses(output.view_scores.float(), image_scores, mos, photo_mean_mos, config)
        if self.regions is None or region_maps is None:
            return losses
        regions = region_loss(self.regions(output.feature).float(), region_maps)
        return losses._replace(total=losses.total + self.region_weight * regions, regions=regions)


class Trainer(Optimiser):
    """One run's state: network, averaged weights, Adam, step counter."""

    def __init__(self, vrn: Vrn, config: TrainConfig, total_steps: int, device: torch.device) -> None:
        self.config = config
        objective = Objective(
            vrn, config.loss, region_weight=config.region_weight, on_cached_maps=config.frozen_backbone
        )
        if config.frozen_backbone:
            vrn.backbone.requires_grad_(False)
        vrn.backbone.features[: config.frozen_blocks].requires_grad_(False)
        settings = Optimisation(
            seed=config.seed,
            rates=(Rate("vrn.backbone.", config.backbone_lr), Rate("", config.head_lr)),
            weight_decay=config.weight_decay,
            warm_up_steps=config.warm_up_steps,
            final_lr_share=config.final_lr_share,
            ema_decay=config.ema_decay,
            max_gradient_norm=config.max_gradient_norm,
            mixed_precision=config.mixed_precision,
        )
        super().__init__(objective, settings, total_steps, device)

    def train_step(self, inputs: Tensor, batch: Batch) -> Losses:
        """One optimiser step on photos or cached maps; returns the detached losses.

        Raises FloatingPointError if the loss is not finite.
        """
        gain_share = min(1.0, (self.step + 1) / max(1, self.config.warm_up_steps))
        with self.prepared():
            inputs_and_targets = (inputs, batch.boxes_normalized, batch.mos, batch.photo_mean_mos, batch.region_maps)
            losses = self.objective(
                *(t if t is None else t.to(self.device, non_blocking=True) for t in inputs_and_targets), gain_share
            )
        self.descend(losses.total)
        return Losses(*(value.detach() for value in losses))
