"""Croppers of other authors, each through its own library (extra `benchmarks`), as `methods.Cropper`.

libvips' attention and entropy crops and smartcrop look for the best *position* of a crop whose size the
caller names. With a ratio it is the largest window of that ratio. Without, it is the mean size of the best-rated
view of the training photos, in shares of the photo's sides (`GeometryPrior.view_width`, `view_height`): the same
knowledge that the centre crop has, so that the difference to the centre crop is what looking at the photo gave them.
Left to its own default smartcrop would search scales of 0.9 to 1 only, and libvips has no default at all.
"""

import sys
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image

from vrn_cropper.model.data.gaicd import load_upright_rgb
from vrn_cropper.model.evaluation.geometry_prior import GeometryPrior
from vrn_cropper.model.evaluation.methods import Method
from vrn_cropper.model.photos.reading import Photo
from vrn_cropper.model.views.candidates import largest_view_of_ratio


@dataclass(frozen=True)
class LibvipsCropper:
    """`vips_smartcrop`: skin, saturation and edges ("attention"), or the busiest region ("entropy")."""

    interesting: Literal["attention", "entropy"]
    view_width: float
    view_height: float

    def crop(self, photo: Photo, ratio: float | None = None) -> np.ndarray:
        import pyvips

        source = load_upright_rgb(photo)
        width, height = _target_size(source, ratio, self.view_width, self.view_height)
        crop = pyvips.Image.new_from_array(np.asarray(source)).smartcrop(width, height, interesting=self.interesting)
        # libvips names the place of an extracted area as the offset of the source in it.
        return _normalized(source, -crop.xoffset, -crop.yoffset, crop.width, crop.height)


@dataclass(frozen=True)
class SmartcropCropper:
    """The package `smartcrop` (a port of smartcrop.js), its scale fixed to give the wanted size."""

    view_width: float
    view_height: float

    def crop(self, photo: Photo, ratio: float | None = None) -> np.ndarray:
        from smartcrop import SmartCrop

        source = load_upright_rgb(photo)
        width, height = _target_size(source, ratio, self.view_width, self.view_height)
        # smartcrop first grows the wanted size until it touches the photo's sides; this scale takes that back.
        scale = 1 / min(source.width / width, source.height / height)
        best = SmartCrop().crop(source, width, height, min_scale=scale, max_scale=scale)["top_crop"]
        return _normalized(source, best["x"], best["y"], best["width"], best["height"])


def other_croppers(prior: GeometryPrior) -> list[Method]:
    """The croppers whose packages are installed, at the size that the prior's training photos suggest.

    Only an ImportError says that one is not; each that is left out is told in a line on standard error.
    """
    size = (prior.view_width, prior.view_height)
    methods = []
    try:
        import pyvips  # noqa: F401

        methods.append(Method.of_cropper("libvips attention", LibvipsCropper("attention", *size)))
        methods.append(Method.of_cropper("libvips entropy", LibvipsCropper("entropy", *size)))
    except ImportError as error:
        _say_left_out("libvips", error)
    try:
        import smartcrop  # noqa: F401

        methods.append(Method.of_cropper("smartcrop", SmartcropCropper(*size)))
    except ImportError as error:
        _say_left_out("smartcrop", error)
    return methods


def _say_left_out(name: str, error: ImportError) -> None:
    print(f"left out {name}: {error} (pip install 'vrn-cropper[benchmarks]')", file=sys.stderr)


def _target_size(photo: Image.Image, ratio: float | None, view_width: float, view_height: float) -> tuple[int, int]:
    if ratio is None:
        width, height = photo.width * view_width, photo.height * view_height
    else:
        width, height = largest_view_of_ratio(photo.width, photo.height, ratio)
    return max(1, round(width)), max(1, round(height))


def _normalized(photo: Image.Image, x: int, y: int, width: int, height: int) -> np.ndarray:
    sides = np.array([photo.width, photo.height, photo.width, photo.height])
    return np.array([x, y, x + width, y + height]) / sides
