"""Photo cropping by the View Ranking Network: `model`, `service` and `cli` under one import name.

    from vrn_cropper import Cropper
    crops = Cropper.load().crop("photo.jpg", top_k=5, aspect_ratios=["free", "16:9"]).crops

The folders of the checkout are linked here, so that a `model.py` beside a user's script is never in the way.
Importing this package imports nothing else: the names below are imported when they are first asked for.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vrn_cropper.model.cropper import Cropper
    from vrn_cropper.model.errors import CheckpointError, CropOptionError, CropRequestError, VrnError
    from vrn_cropper.model.views.crops import Crop, FocalPoint, RankedCrops
    from vrn_cropper.model.views.options import AspectRatio, KeepBox

_WHERE = {
    "Cropper": "vrn_cropper.model.cropper",
    "AspectRatio": "vrn_cropper.model.views.options",
    "KeepBox": "vrn_cropper.model.views.options",
    "Crop": "vrn_cropper.model.views.crops",
    "FocalPoint": "vrn_cropper.model.views.crops",
    "RankedCrops": "vrn_cropper.model.views.crops",
    "CheckpointError": "vrn_cropper.model.errors",
    "CropOptionError": "vrn_cropper.model.errors",
    "CropRequestError": "vrn_cropper.model.errors",
    "VrnError": "vrn_cropper.model.errors",
}
__all__ = [
    "AspectRatio",
    "CheckpointError",
    "Crop",
    "CropOptionError",
    "CropRequestError",
    "Cropper",
    "FocalPoint",
    "KeepBox",
    "RankedCrops",
    "VrnError",
]


def __getattr__(name: str) -> Any:
    """The public names, imported when used."""
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_WHERE[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
