"""MobileNetV2 (torchvision's) as a multi-scale feature map. Knows nothing of views, scores or losses.

Source: paper section 3.1 (MobileNetV2, 32 channels); the three scales are GAIC's.
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models import MobileNet_V2_Weights, mobilenet_v2

from vrn_cropper.model.errors import CheckpointError

MAP_STRIDE = 16  # of the multi-scale map
STRIDE_8, STRIDE_16, STRIDE_32 = 7, 14, 18  # ends of torchvision's `features` at each stride
MULTI_SCALE_CHANNELS = 32 + 96 + 320


class Backbone(nn.Module):
    """Photo (B, 3, H, W), normalised, H and W multiples of 32 -> multi-scale map (B, 448, H / 16, W / 16).

    BatchNorm stays in evaluation mode also while training [G]: a step sees few photos.
    """

    def __init__(self) -> None:
        super().__init__()
        # The last block of torchvision's `features` (1280 channels) serves its classifier only.
        self.features = mobilenet_v2(weights=None).features[:STRIDE_32]

    def forward(self, photos: Tensor) -> Tensor:
        stride_8 = self.features[:STRIDE_8](photos)  # (B, 32, H/8, W/8)
        stride_16 = self.features[STRIDE_8:STRIDE_16](stride_8)  # (B, 96, H/16, W/16)
        stride_32 = self.features[STRIDE_16:](stride_16)  # (B, 320, H/32, W/32)
        down = F.avg_pool2d(stride_8, 2)  # bilinear at exactly half the size is the mean of 2 x 2
        up = F.interpolate(stride_32, scale_factor=2.0, mode="bilinear", align_corners=False)
        return torch.cat([down, stride_16, up], dim=1)  # (B, 448, H/16, W/16)

    def train(self, mode: bool = True) -> "Backbone":
        super().train(mode)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        return self

    def load_first_weights(self, source: str) -> None:
        """What training starts from: a safetensors file, `torchvision` (downloads), or `random` (left as they are).

        Raises CheckpointError as `load_weights_file` does.
        """
        if source == "torchvision":
            self.load_torchvision_imagenet()
        elif source != "random":
            self.load_weights_file(Path(source))

    def load_weights_file(self, path: Path) -> None:
        """Load first weights from a safetensors file with torchvision's names (`features.0.0.weight` ...).

        Raises CheckpointError if the file is missing, unreadable, or does not hold exactly this backbone.
        """
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            state = load_file(path)
        except (OSError, SafetensorError) as error:
            raise CheckpointError(f"cannot read backbone weights {path}: {error}") from error
        known = self.state_dict()
        state = {
            key: value
            for key, value in state.items()
            if key in known or not key.startswith(("features.18", "classifier"))
        }
        for key in known:  # counters of training steps, which converted files lack; unused in evaluation mode
            if key.endswith("num_batches_tracked"):
                state.setdefault(key, known[key])
        try:
            self.load_state_dict(state, strict=True)
        except RuntimeError as error:
            raise CheckpointError(f"{path} does not hold a MobileNetV2 backbone: {error}") from error

    def load_torchvision_imagenet(self) -> None:
        """Load torchvision's own ImageNet weights; downloads them on first use, so it needs internet.

        Raises CheckpointError where they cannot be downloaded.
        """
        try:
            network = mobilenet_v2(weights=MobileNet_V2_Weights.IMAGENET1K_V2)
        except OSError as error:  # urllib's errors, and those of a full disk
            raise CheckpointError(
                f"cannot download torchvision's ImageNet weights ({error}); name a file instead (--backbone FILE)"
            ) from error
        self.features.load_state_dict(network.features[:STRIDE_32].state_dict())
