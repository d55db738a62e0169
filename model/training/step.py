"""The training loop's moving parts: objective, optimiser, schedule, averaged weights, and their saved state.

Deterministic by seed and resumable: everything random comes from (seed, epoch, step), and the saved state is
exactly what the next step needs. Knows nothing of command lines, files of photos or curves.
"""

import math
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from vrn_cropper.model.errors import CheckpointError
from vrn_cropper.model.network.checkpoint import load_tensors, save_tensors
from vrn_cropper.model.network.vrn import Vrn
from vrn_cropper.model.training.batches import Batch
from vrn_cropper.model.training.config import TrainConfig
from vrn_cropper.model.training.losses import LossConfig, Losses, region_loss, vrn_losses
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


def schedule(step: int, total_steps: int, warm_up_steps: int, final_share: float) -> float:
    """Share of the learning rate at `step`: linear warm-up, then cosine down to `final_share`."""
    if step < warm_up_steps:
        return (step + 1) / warm_up_steps
    progress = (step - warm_up_steps) / max(1, total_steps - warm_up_steps)
    return final_share + (1 - final_share) * 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))


class Trainer:
    """One run's state: network, averaged weights, Adam, step counter."""

    def __init__(self, vrn: Vrn, config: TrainConfig, total_steps: int, device: torch.device) -> None:
        self.config, self.total_steps, self.device = config, total_steps, device
        self.vrn = vrn.to(device).to(memory_format=torch.channels_last)
        self._parts = Objective(
            self.vrn, config.loss, region_weight=config.region_weight, on_cached_maps=config.frozen_backbone
        ).to(device)
        if config.frozen_backbone:
            self.vrn.backbone.requires_grad_(False)
        self.vrn.backbone.features[: config.frozen_blocks].requires_grad_(False)
        self.objective: nn.Module = self._parts
        if torch.distributed.is_initialized():
            self.objective = nn.parallel.DistributedDataParallel(self.objective, broadcast_buffers=False)
        self._named = {name: p for name, p in self._parts.named_parameters() if p.requires_grad}
        backbone = [p for name, p in self._named.items() if name.startswith("vrn.backbone.")]
        heads = [p for name, p in self._named.items() if not name.startswith("vrn.backbone.")]
        self.optimizer = torch.optim.AdamW(
            [
                {"params": heads, "base_lr": config.head_lr},
                {"params": backbone, "base_lr": config.backbone_lr},
            ],
            weight_decay=config.weight_decay,
        )
        self.averaged = {name: p.detach().clone() for name, p in self._named.items()}
        self.step = 0

    def autocast(self) -> AbstractContextManager[Any]:
        """Mixed precision where it is on; no scaler is needed, bfloat16 has float32's range."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.config.mixed_precision)

    def train_step(self, inputs: Tensor, batch: Batch) -> Losses:
        """One optimiser step on photos or cached maps; returns the detached losses.

        Raises FloatingPointError if the loss is not finite.
        """
        config = self.config
        share = schedule(self.step, self.total_steps, config.warm_up_steps, config.final_lr_share)
        for group in self.optimizer.param_groups:
            group["lr"] = group["base_lr"] * share
        gain_share = min(1.0, (self.step + 1) / max(1, config.warm_up_steps))
        self.vrn.train()
        # Dropout draws from the global generator: set by step, so that a resumed run draws the same masks.
        torch.manual_seed(config.seed * 1_000_003 + self.step)
        with self.autocast():
            inputs_and_targets = (inputs, batch.boxes_normalized, batch.mos, batch.photo_mean_mos, batch.region_maps)
            losses = self.objective(
                *(t if t is None else t.to(self.device, non_blocking=True) for t in inputs_and_targets), gain_share
            )
        self.optimizer.zero_grad(set_to_none=True)
        losses.total.backward()
        norm = nn.utils.clip_grad_norm_(self._named.values(), config.max_gradient_norm or math.inf)
        # Both: a NaN target gives a NaN loss and, through the sign of l1, a gradient of zero.
        if not (torch.isfinite(norm) and torch.isfinite(losses.total)):
            raise FloatingPointError(f"loss or gradient is not finite at step {self.step}; lower the learning rate")
        self.optimizer.step()
        self.step += 1
        self._average()
        return Losses(*(value.detach() for value in losses))

    @torch.no_grad()
    def _average(self) -> None:
        # Early on the average follows closely; later it spans about 1 / (1 - decay) steps.
        decay = min(self.config.ema_decay, (1 + self.step) / (10 + self.step))
        for name, parameter in self._named.items():
            self.averaged[name].lerp_(parameter, 1 - decay)

    def averaged_network(self) -> Vrn:
        """A copy of the network with averaged weights, in evaluation mode."""
        copy = Vrn(self.vrn.config).to(self.device).to(memory_format=torch.channels_last)
        averaged = {name.removeprefix("vrn."): t for name, t in self.averaged.items() if name.startswith("vrn.")}
        copy.load_state_dict({**self.vrn.state_dict(), **averaged}, strict=True)
        return copy.eval()

    def save(self, path: Path, document: dict[str, Any]) -> None:
        """Everything the next step needs, atomically, with `document` beside it."""
        tensors = {f"objective/{name}": t for name, t in self._parts.state_dict().items()}
        tensors |= {f"averaged/{name}": t for name, t in self.averaged.items()}
        for name, parameter in self._named.items():
            for key, value in self.optimizer.state.get(parameter, {}).items():
                tensors[f"adam/{key}/{name}"] = value
        save_tensors(path, tensors, {**document, "step": self.step})

    def load(self, path: Path) -> dict[str, Any]:
        """Inverse of `save`; returns the document. Raises CheckpointError if it is of another run."""
        tensors, document = load_tensors(path)
        parts: dict[str, dict[str, Tensor]] = {"objective": {}, "averaged": {}, "adam": {}}
        for name, tensor in tensors.items():
            part, _, rest = name.partition("/")
            parts[part][rest] = tensor
        try:
            self._parts.load_state_dict(parts["objective"], strict=True)
            if parts["averaged"].keys() != self.averaged.keys():
                raise KeyError("averaged weights of another network")
        except (KeyError, RuntimeError) as error:
            raise CheckpointError(f"{path} belongs to another run: {error}") from error
        self.averaged = {name: t.to(self.device) for name, t in parts["averaged"].items()}
        for name, tensor in parts["adam"].items():
            key, _, parameter_name = name.partition("/")
            state = self.optimizer.state[self._named[parameter_name]]
            # Adam keeps its step counter on the CPU whatever the device.
            state[key] = tensor if key == "step" else tensor.to(self.device)
        self.step = document["step"]
        return document
