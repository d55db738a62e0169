"""From a photo as a file stores it to the network's input: reduced, turned upright, in sRGB over white, resized.

The order matters for memory and speed: a JPEG is decoded at reduced scale in the DCT domain, every photo is
then reduced by whole steps to not less than twice the network's size, and only the small picture is turned,
colour managed and laid over white. Knows Pillow; knows nothing of limits, bytes and uploads.
"""

from dataclasses import dataclass

import numpy as np
from PIL import ExifTags, Image

from vrn_cropper.model.photos.colour import to_averageable, to_rgb_over_white
from vrn_cropper.model.photos.input_shapes import INPUT_SHAPES, InputShape, choose_input_shape, resize_to_shape

# Twice the network's size: enough that the ranking is that of the full decode
# (benchmarks/decode_fidelity.py).
REDUCE_MARGIN = 2
# EXIF orientation -> how the stored picture becomes upright (as in Pillow's ImageOps.exif_transpose).
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIDES_SWAPPED = (5, 6, 7, 8)
# Alpha is weighed in: transparent pixels lend their colour to no neighbour.
_REDUCIBLE_MODES = frozenset({"L", "RGB", "CMYK", "LA", "RGBA", "La", "RGBa"})


@dataclass(frozen=True, slots=True)
class PhotoInput:
    """A photo as the network takes it.

    `width`, `height`: the upright source image in pixels. `model_input`: uint8 (H, W, 3) of shape
    `input_shape`.
    """

    width: int
    height: int
    model_input: np.ndarray
    input_shape: InputShape


def draft_jpeg(image: Image.Image) -> None:
    """Let an opened, not yet loaded JPEG be decoded at the least scale that leaves the margin above the
    network's input. No effect on other formats.
    """
    if image.format in ("JPEG", "MPO"):
        scale = _target_scale(image.size)
        image.draft(None, (max(1, int(image.width * scale)), max(1, int(image.height * scale))))


def make_photo_input(
    image: Image.Image, full_size: tuple[int, int], input_shapes: tuple[InputShape, ...] = INPUT_SHAPES
) -> PhotoInput:
    """The network's input from a loaded photo, stored as its file has it, of `full_size` before any draft.

    `image` is left as it is.
    """
    small = reduced(image)
    orientation = orientation_of(image)
    if orientation in TURNS:
        small = _keeping_info(small.transpose(TURNS[orientation]), small)
    upright = to_rgb_over_white(small)
    width, height = upright_size(full_size, orientation)
    shape = choose_input_shape(width, height, input_shapes)
    return PhotoInput(width, height, resize_to_shape(upright, shape), shape)


def orientation_of(image: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; formats whose decoder has already turned the picture say 1."""
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # damaged EXIF raises whatever its parser trips over, and must not cost the crop
        return 1


def upright_size(stored_size: tuple[int, int], orientation: int) -> tuple[int, int]:
    """Width and height after the turn that `orientation` asks for."""
    width, height = stored_size
    return (height, width) if orientation in _SIDES_SWAPPED else (width, height)


def _target_scale(size: tuple[int, int]) -> float:
    """How far a photo may shrink before the network's own resize: both sides keep the margin."""
    # Orientation is not known yet for every format, and the input shapes come both ways up, so either will
    # do.
    shape = choose_input_shape(*size)
    return min(1.0, max(REDUCE_MARGIN * shape.width / size[0], REDUCE_MARGIN * shape.height / size[1]))


def reduced(image: Image.Image) -> Image.Image:
    """Shrunk by a whole factor while the margin holds, in 8 bits; for training as for serving. Keeps metadata."""
    factor = int(1 / _target_scale(image.size))
    if factor < 2:
        return image
    whole = to_averageable(image)
    return _keeping_info(whole.reduce(factor), whole) if whole.mode in _REDUCIBLE_MODES else image


def _keeping_info(image: Image.Image, source: Image.Image) -> Image.Image:
    """`image`, made from `source`, with its profile, transparency and EXIF."""
    image.info = source.info
    return image
