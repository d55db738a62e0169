"""Backbone maps of the training photos, computed once: what makes training the heads a matter of minutes.

Holds half-precision maps in memory, for each photo and its mirror image. Knows nothing of heads or losses.
"""

import numpy as np
import torch
from torch import Tensor

from vrn_cropper.model.network.backbone import Backbone
from vrn_cropper.model.network.vrn import Vrn
from vrn_cropper.model.progress import track
from vrn_cropper.model.training.batches import Batch, BatchMaker


class FeatureCache:
    """Maps (448, H/16, W/16) float16 by photo index and mirroring; 0.35 MB each for a 3:2 photo."""

    def __init__(self, maps: dict[tuple[int, bool], Tensor]) -> None:
        self._maps = maps

    @classmethod
    @torch.no_grad()
    def compute(cls, vrn: Vrn, maker: BatchMaker, device: torch.device, *, flips: bool) -> "FeatureCache":
        """Run the backbone over every photo (and its mirror image where training flips)."""
        vrn.eval()
        maps: dict[tuple[int, bool], Tensor] = {}
        for index in track(range(len(maker.photos)), "caching backbone maps"):
            pixels = maker.network_pixels(index)
            views = [pixels, pixels[:, ::-1]] if flips else [pixels]
            photos = torch.from_numpy(np.ascontiguousarray(np.stack(views))).to(device)
            normalised = vrn.normalise(photos).contiguous(memory_format=torch.channels_last)
            features = _run(vrn.backbone, normalised)
            for flipped, feature in enumerate(features):
                maps[index, bool(flipped)] = feature
        return cls(maps)

    def map(self, index: int) -> Tensor:
        """One photo's map, not mirrored, (1, 448, H/16, W/16) float16."""
        return self._maps[index, False].unsqueeze(0)

    def inputs(self, batch: Batch) -> Tensor:
        """The maps of a batch, (B, 448, H/16, W/16) float16."""
        keys = zip(batch.indices.tolist(), batch.flipped.tolist(), strict=True)
        return torch.stack([self._maps[key] for key in keys])


def _run(backbone: Backbone, normalised: Tensor) -> Tensor:
    with torch.autocast(normalised.device.type, torch.bfloat16):
        return backbone(normalised).to("cpu", torch.float16)
