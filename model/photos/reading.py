"""The one way from a photo to the network's input, for serving, `Cropper`, training, evaluation and figures.

The order matters for memory and speed: a JPEG is decoded at reduced scale in the DCT domain, every photo is then
shrunk to the network's size in one step, and only that small picture is turned, colour managed and laid over white.
Knows Pillow; knows nothing of limits and uploads.
"""

import os
from dataclasses import dataclass, replace
from io import BytesIO

import numpy as np
from PIL import Image

from vrn_cropper.model.photos.colour import to_averageable, to_rgb_over_white
from vrn_cropper.model.photos.colour_spaces import note_colour_space
from vrn_cropper.model.photos.input_shapes import INPUT_SHAPES, InputShape, choose_input_shape
from vrn_cropper.model.photos.orientation import orientation_of, stored_box, turned, upright_size
from vrn_cropper.model.photos.pages import seek_full_page
from vrn_cropper.model.photos.quirks import after_load, before_load

# A file's path, its bytes, a picture in memory, or uint8 (H, W, 3) RGB or (H, W) grey.
Photo = str | os.PathLike[str] | bytes | Image.Image | np.ndarray
# Twice the network's size: enough that the ranking is that of the full decode (benchmarks/decode_fidelity.py).
REDUCE_MARGIN = 2
WHOLE_PHOTO = (0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class PhotoInput:
    """A photo as the network takes it.

    `width`, `height`: the upright source image in pixels. `model_input`: uint8 (H, W, 3) of shape `input_shape`.
    """

    width: int
    height: int
    model_input: np.ndarray
    input_shape: InputShape


@dataclass(frozen=True, slots=True)
class StoredPhoto:
    """A picture as its file stores it (not turned, in its own colours), perhaps not loaded yet.

    `reduced_from`: width and height at full scale, if the decoder makes it smaller by the whole factor `scale`.
    """

    image: Image.Image
    reduced_from: tuple[int, int] | None = None
    scale: int = 1

    @property
    def full_size(self) -> tuple[int, int]:
        """Width and height at full scale, as stored."""
        return self.reduced_from or self.image.size

    @property
    def covered_size(self) -> tuple[float, float]:
        """How much of `image` the photo is, in its pixels: a reduced decode rounds up to whole blocks."""
        return self.full_size[0] / self.scale, self.full_size[1] / self.scale


def at_reduced_scale(image: Image.Image) -> StoredPhoto:
    """An opened, not yet loaded picture; a JPEG will be decoded at the least scale that leaves `REDUCE_MARGIN`."""
    if image.format not in ("JPEG", "MPO"):
        return StoredPhoto(image)
    full_size = image.size
    # Stored or upright makes no difference: the input shapes come both ways up.
    shape = choose_input_shape(*full_size)
    drafted = image.draft(None, (REDUCE_MARGIN * shape.width, REDUCE_MARGIN * shape.height))
    return StoredPhoto(image, full_size, round(full_size[0] / drafted[1][2])) if drafted else StoredPhoto(image)


def open_photo(photo: Photo) -> StoredPhoto:
    """Any photo, a file at reduced scale and loaded; a picture in memory is taken as it is and left so.

    Raises Pillow's and the system's own errors for a file that cannot be read.
    """
    if isinstance(photo, np.ndarray):
        photo = Image.fromarray(photo)
    if isinstance(photo, Image.Image):
        photo.load()
        return StoredPhoto(photo)
    with Image.open(BytesIO(photo) if isinstance(photo, bytes) else photo) as opened:
        seek_full_page(opened)
        note_colour_space(opened)
        before_load(opened)
        stored = at_reduced_scale(opened)
        opened.load()
        return replace(stored, image=after_load(opened))


def read_photo(
    photo: Photo | StoredPhoto,
    input_shapes: tuple[InputShape, ...] = INPUT_SHAPES,
    window_normalized: tuple[float, float, float, float] = WHOLE_PHOTO,
) -> PhotoInput:
    """The network's input, at the shape of `input_shapes` that is nearest to the upright photo's.

    `window_normalized` (x1 y1 x2 y2 of the upright photo) is the part that is shown; boxes are normalized, so they
    need no change for the resize, only for a window. Raises as `open_photo` does.
    """
    stored = photo if isinstance(photo, StoredPhoto) else open_photo(photo)
    orientation = orientation_of(stored.image)
    width, height = upright_size(stored.full_size, orientation)
    shape = choose_input_shape(width, height, input_shapes)
    covered_width, covered_height = stored.covered_size
    x1, y1, x2, y2 = stored_box(window_normalized, (1.0, 1.0), orientation)
    small = to_averageable(stored.image).resize(
        upright_size((shape.width, shape.height), orientation),
        Image.Resampling.BILINEAR,
        box=(x1 * covered_width, y1 * covered_height, x2 * covered_width, y2 * covered_height),
        reducing_gap=REDUCE_MARGIN,
    )
    upright = to_rgb_over_white(turned(small, orientation))
    return PhotoInput(width, height, np.asarray(upright, dtype=np.uint8), shape)


def read_upright(photo: Photo) -> Image.Image:
    """The source image whole: upright, RGB in sRGB, laid over white. Raises as `open_photo` does."""
    if isinstance(photo, str | os.PathLike | bytes):
        with Image.open(BytesIO(photo) if isinstance(photo, bytes) else photo) as opened:
            seek_full_page(opened)
            note_colour_space(opened)
            before_load(opened)
            opened.load()
            return read_upright(after_load(opened))
    image = Image.fromarray(photo) if isinstance(photo, np.ndarray) else photo
    return to_rgb_over_white(turned(to_averageable(image), orientation_of(image)))
