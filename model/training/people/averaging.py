"""One network from several runs of the second stage: the mean of their weights.

Runs that start from the same weights and differ in their seed alone end near to each other, and the mean of their
weights generalises better than any of them. Source: M. Wortsman et al., "Model soups" (ICML 2022), uniform soup.
"""

from collections.abc import Sequence
from pathlib import Path

import torch

from vrn_cropper.model.errors import CheckpointError
from vrn_cropper.model.network.checkpoint import load_checkpoint
from vrn_cropper.model.network.vrn import Vrn


def averaged_network(checkpoints: Sequence[Path], device: torch.device) -> Vrn:
    """The mean of one or more checkpoints of one network. Raises CheckpointError if their settings differ."""
    networks = [load_checkpoint(path, device) for path in checkpoints]
    first = networks[0]
    for path, network in zip(checkpoints, networks, strict=True):
        if network.config != first.config:
            raise CheckpointError(f"{path} has other settings than {checkpoints[0]}")
    states = [network.state_dict() for network in networks]
    first.load_state_dict(
        {
            name: torch.stack([state[name] for state in states]).mean(dim=0) if value.is_floating_point() else value
            for name, value in states[0].items()
        }
    )
    return first
