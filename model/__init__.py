"""The View Ranking Network: candidate views, the model, its training and its evaluation.

    from model import Cropper
    crops = Cropper.load().crop("photo.jpg", top_k=5, aspect_ratios=["free", "16:9"]).crops

Pure: knows nothing of HTTP, environment variables or metrics. Importing this package imports no torch and
nothing else, so that serving on a CPU can use `boxes`, `candidates`, `transforms` and `ranking` without it;
the names below are imported when they are first asked for.
"""

import importlib
from typing import Any

_WHERE = {
    "Cropper": "model.cropper",
    "AspectRatio": "model.crop_options",
    "KeepBox": "model.crop_options",
    "Crop": "model.crops",
    "FocalPoint": "model.crops",
    "RankedCrops": "model.crops",
    "CheckpointError": "model.errors",
    "CropOptionError": "model.errors",
    "CropRequestError": "model.errors",
    "VrnError": "model.errors",
}
__all__ = list(_WHERE)


def __getattr__(name: str) -> Any:
    """The public names, imported when used."""
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_WHERE[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
