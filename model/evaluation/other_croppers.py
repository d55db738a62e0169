"""Croppers of other authors, each through its own library (extra `benchmarks`), as `baselines.Cropper`.

libvips' attention and entropy crops and smartcrop look for the best *position* of a crop whose size the
caller names. The size is the mean size of the best-rated view of the training photos, in shares of the
photo's sides (`GeometryPrior.view_width`, `view_height`): the same knowledge that the centre crop has, so
that the difference to the centre crop is what looking at the photo gave them. Left to its own default
smartcrop would search scales of 0.9 to 1 only, and libvips has no default at all.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyvips
from PIL import Image
from smartcrop import SmartCrop

from vrn_cropper.model.data.gaicd import load_upright_rgb
from vrn_cropper.model.evaluation.baselines import Method
from vrn_cropper.model.evaluation.geometry_prior import GeometryPrior
from vrn_cropper.model.photos.reading import Photo


@dataclass(frozen=True)
class LibvipsCropper:
    """`vips_smartcrop`: skin, saturation and edges ("attention"), or the busiest region ("entropy")."""

    interesting: Literal["attention", "entropy"]
    view_width: float
    view_height: float

    def crop(self, photo: Photo) -> np.ndarray:
        source = load_upright_rgb(photo)
        width, height = _target_size(source, self.view_width, self.view_height)
        crop = pyvips.Image.new_from_array(np.asarray(source)).smartcrop(width, height, interesting=self.interesting)
        # libvips names the place of an extracted area as the offset of the source in it.
        return _normalized(source, -crop.xoffset, -crop.yoffset, crop.width, crop.height)


@dataclass(frozen=True)
class SmartcropCropper:
    """The package `smartcrop` (a port of smartcrop.js), its scale fixed to give the wanted size."""

    view_width: float
    view_height: float

    def crop(self, photo: Photo) -> np.ndarray:
        source = load_upright_rgb(photo)
        width, height = _target_size(source, self.view_width, self.view_height)
        # smartcrop first grows the wanted size until it touches the photo's sides; this scale takes that
        # back.
        scale = 1 / min(source.width / width, source.height / height)
        best = SmartCrop().crop(source, width, height, min_scale=scale, max_scale=scale)["top_crop"]
        return _normalized(source, best["x"], best["y"], best["width"], best["height"])


def other_croppers(prior: GeometryPrior) -> list[Method]:
    """The croppers of other packages, at the size that the prior's training photos suggest."""
    size = (prior.view_width, prior.view_height)
    return [
        Method.of_cropper("libvips attention", LibvipsCropper("attention", *size)),
        Method.of_cropper("libvips entropy", LibvipsCropper("entropy", *size)),
        Method.of_cropper("smartcrop", SmartcropCropper(*size)),
    ]


def _target_size(photo: Image.Image, view_width: float, view_height: float) -> tuple[int, int]:
    return max(1, round(photo.width * view_width)), max(1, round(photo.height * view_height))


def _normalized(photo: Image.Image, x: int, y: int, width: int, height: int) -> np.ndarray:
    sides = np.array([photo.width, photo.height, photo.width, photo.height])
    return np.array([x, y, x + width, y + height]) / sides
