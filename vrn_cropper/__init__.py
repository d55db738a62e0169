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
    from vrn_cropper.model.errors import (
        BrokenPhotoError,
        CheckpointError,
        CropOptionError,
        CropRequestError,
        DeviceError,
        PhotoError,
        PhotoTooLargeError,
        UnsupportedPhotoError,
        VrnError,
    )
    from vrn_cropper.model.views.crops import Crop, FocalPoint, RankedCrops
    from vrn_cropper.model.views.options import AspectRatio, KeepBox
    from vrn_cropper.model.views.own_boxes import ScoredBox, ScoredBoxes

    __version__: str

# Module -> its public names.
_WHERE = {
    "vrn_cropper.model.cropper": ("Cropper",),
    "vrn_cropper.model.views.options": ("AspectRatio", "KeepBox"),
    "vrn_cropper.model.views.own_boxes": ("ScoredBox", "ScoredBoxes"),
    "vrn_cropper.model.views.crops": ("Crop", "FocalPoint", "RankedCrops"),
    "vrn_cropper.model.errors": (
        "BrokenPhotoError", "CheckpointError", "CropOptionError", "CropRequestError", "DeviceError", "PhotoError",
        "PhotoTooLargeError", "UnsupportedPhotoError", "VrnError",
    ),
}  # fmt: skip
__all__ = [
    "AspectRatio",
    "BrokenPhotoError",
    "CheckpointError",
    "Crop",
    "CropOptionError",
    "CropRequestError",
    "Cropper",
    "DeviceError",
    "FocalPoint",
    "KeepBox",
    "PhotoError",
    "PhotoTooLargeError",
    "RankedCrops",
    "ScoredBox",
    "ScoredBoxes",
    "UnsupportedPhotoError",
    "VrnError",
    "__version__",
]


def __getattr__(name: str) -> Any:
    """The public names, imported when used."""
    if name == "__version__":
        metadata = importlib.import_module("importlib.metadata")
        try:
            return metadata.version("vrn-cropper")
        except metadata.PackageNotFoundError:
            return "0+checkout"
    module = next((module for module, names in _WHERE.items() if name in names), None)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(module), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
