"""What moves a network: Adam, its schedule, averaged weights, and their saved state. Knows no loss and no data.

Deterministic by seed and resumable: everything random comes from (seed, step), and the saved state is exactly what
the next step needs.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from vrn_cropper.model.errors import CheckpointError
from vrn_cropper.model.network.checkpoint import load_tensors, save_tensors
from vrn_cropper.model.network.vrn import Vrn


class Rate(NamedTuple):
    """The learning rate of the parameters whose names begin so; the first of a list that fits counts."""

    prefix: str
    learning_rate: float


@dataclass(frozen=True)
class Optimisation:
    """Settings of the optimiser, whatever the losses."""

    seed: int
    rates: tuple[Rate, ...]
    weight_decay: float
    warm_up_steps: int
    final_lr_share: float
    ema_decay: float
    max_gradient_norm: float  # 0 clips nothing
    mixed_precision: bool


def schedule(step: int, total_steps: int, warm_up_steps: int, final_share: float) -> float:
    """Share of the learning rate at `step`: linear warm-up, then cosine down to `final_share`."""
    if step < warm_up_steps:
        return (step + 1) / warm_up_steps
    progress = (step - warm_up_steps) / max(1, total_steps - warm_up_steps)
    return final_share + (1 - final_share) * 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))


def grouped(named: Mapping[str, nn.Parameter], rates: Sequence[Rate]) -> list[dict[str, Any]]:
    """Adam's groups, one a rate, in their order; every parameter has to fit one."""
    groups: list[list[nn.Parameter]] = [[] for _ in rates]
    for name, parameter in named.items():
        groups[next(i for i, rate in enumerate(rates) if name.startswith(rate.prefix))].append(parameter)
    return [{"params": g, "base_lr": r.learning_rate} for g, r in zip(groups, rates, strict=True) if g]


class Optimiser:
    """One run's state: an objective that holds a network as `vrn`, averaged weights, Adam, step counter."""

    def __init__(self, objective: nn.Module, config: Optimisation, total_steps: int, device: torch.device) -> None:
        self.settings, self.total_steps, self.device = config, total_steps, device
        self._parts = objective.to(device)
        self.vrn: Vrn = self._parts.vrn.to(memory_format=torch.channels_last)  # type: ignore[assignment]
        self.objective: nn.Module = self._parts
        if torch.distributed.is_initialized():
            self.objective = nn.parallel.DistributedDataParallel(self.objective, broadcast_buffers=False)
        self._named = {name: p for name, p in self._parts.named_parameters() if p.requires_grad}
        self.optimizer = torch.optim.AdamW(grouped(self._named, config.rates), weight_decay=config.weight_decay)
        self.averaged = {name: p.detach().clone() for name, p in self._named.items()}
        self.step = 0

    def autocast(self) -> AbstractContextManager[Any]:
        """Mixed precision where it is on; no scaler is needed, bfloat16 has float32's range."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.settings.mixed_precision)

    @contextmanager
    def prepared(self) -> Iterator[None]:
        """Around the forward pass of a step: learning rate, training mode, drawn numbers, precision."""
        config = self.settings
        share = schedule(self.step, self.total_steps, config.warm_up_steps, config.final_lr_share)
        for group in self.optimizer.param_groups:
            group["lr"] = group["base_lr"] * share
        self.vrn.train()
        # Dropout draws from the global generator: set by step, so that a resumed run draws the same masks.
        torch.manual_seed(config.seed * 1_000_003 + self.step)
        with self.autocast():
            yield

    def descend(self, total: Tensor) -> None:
        """The backward pass and the step. Raises FloatingPointError if the loss is not finite."""
        self.optimizer.zero_grad(set_to_none=True)
        total.backward()
        norm = nn.utils.clip_grad_norm_(self._named.values(), self.settings.max_gradient_norm or math.inf)
        # Both: a NaN target gives a NaN loss and, through the sign of l1, a gradient of zero.
        if not (torch.isfinite(norm) and torch.isfinite(total)):
            raise FloatingPointError(f"loss or gradient is not finite at step {self.step}; lower the learning rate")
        self.optimizer.step()
        self.step += 1
        self._average()

    @torch.no_grad()
    def _average(self) -> None:
        # Early on the average follows closely; later it spans about 1 / (1 - decay) steps.
        decay = min(self.settings.ema_decay, (1 + self.step) / (10 + self.step))
        for name, parameter in self._named.items():
            self.averaged[name].lerp_(parameter, 1 - decay)

    def averaged_network(self) -> Vrn:
        """A copy of the network with averaged weights, in evaluation mode."""
        copy = Vrn(self.vrn.config)
        if self.vrn.idl is None:
            copy.idl = None
        copy = copy.to(self.device).to(memory_format=torch.channels_last)
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
