"""Bytes of an upload -> upright RGB photo at the network's size. Synchronous; knows nothing of HTTP or
batching.

The content decides the format, not a file name or a declared type. Limits are checked on the header, before
any pixel is decoded. Coordinates are always those of the upright source image (EXIF orientation applied).

Order matters for memory and speed: a JPEG is decoded at reduced scale in the DCT domain, every photo is then
reduced by whole steps to not less than twice the network's size, and only the small picture is turned, colour
managed, laid over white and resized. The network's last resize is `model.transforms`, as in training.
"""

import warnings
from dataclasses import dataclass
from io import BytesIO

import numpy as np
import pillow_heif
from PIL import ExifTags, Image

from model.transforms import INPUT_SHAPES, InputShape, choose_input_shape, resize_to_shape
from service.colour import to_rgb_over_white
from service.errors import BrokenPhotoError, PhotoTooLargeError, UnsupportedPhotoError
from service.pixel_budget import PixelBudget

# The JPEG opener also reads MPO, a phone's JPEG with a second picture inside. The first picture is read.
ALLOWED_FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "GIF", "BMP", "TIFF", "HEIF")
_SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG", b"RIFF", b"GIF8", b"BM", b"II*\x00", b"MM\x00*")
_FTYP_BRANDS = (b"avif", b"avis", b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")
# Twice the network's size: enough that the ranking is that of the full decode
# (benchmarks/decode_fidelity.py).
REDUCE_MARGIN = 2
# EXIF orientation -> how the stored picture becomes upright (as in Pillow's ImageOps.exif_transpose).
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIDES_SWAPPED = (5, 6, 7, 8)
_REDUCIBLE_MODES = frozenset({"L", "RGB", "CMYK", "RGBa", "La", "YCbCr"})


@dataclass(frozen=True, slots=True)
class DecodeLimits:
    """Largest photo that is decoded, and how many pixels are in decode at once."""

    max_pixels: int
    max_side_px: int
    max_pixels_at_once: int


@dataclass(frozen=True, slots=True)
class DecodedPhoto:
    """An upload as the network takes it.

    `width`, `height`: the upright source image in pixels. `model_input`: uint8 (H, W, 3) of shape
    `input_shape`.
    """

    width: int
    height: int
    model_input: np.ndarray
    input_shape: InputShape
    format: str


class Decoder:
    """Decodes uploads. Thread-safe; building one sets Pillow's process-wide formats and bomb limit."""

    def __init__(self, limits: DecodeLimits, input_shapes: tuple[InputShape, ...] = INPUT_SHAPES) -> None:
        self._limits = limits
        self._input_shapes = input_shapes
        self._budget = PixelBudget(limits.max_pixels_at_once)
        # One photo is one thread's work: the pool is the parallelism. Thumbnails and other frames are not
        # read.
        pillow_heif.options.DECODE_THREADS = 1
        pillow_heif.register_heif_opener(thumbnails=False)
        Image.init()
        Image.MAX_IMAGE_PIXELS = limits.max_pixels
        warnings.simplefilter("error", Image.DecompressionBombWarning)

    def decode(self, photo: bytes) -> DecodedPhoto:
        """The upload at the network's size.

        Raises UnsupportedPhotoError, BrokenPhotoError or PhotoTooLargeError.
        """
        with self.open(photo) as image:
            source_format = str(image.format)
            # A JPEG is never held larger than this; `draft` says what the decoder will really make.
            full_size = image.size
            if source_format in ("JPEG", "MPO"):
                image.draft(None, _draft_size(image))
            with self._budget.hold(image.width * image.height):
                small = _load_reduced(image)
        orientation = _orientation(small)
        if orientation in _TURNS:
            small = _keeping_info(small.transpose(_TURNS[orientation]), small)
        upright = to_rgb_over_white(small)
        turned = orientation in _SIDES_SWAPPED
        width, height = (full_size[1], full_size[0]) if turned else full_size
        shape = choose_input_shape(width, height, self._input_shapes)
        return DecodedPhoto(width, height, resize_to_shape(upright, shape), shape, source_format)

    def open(self, photo: bytes) -> Image.Image:
        """The header of the upload, checked against the limits; no pixel is decoded yet.

        Raises UnsupportedPhotoError, BrokenPhotoError or PhotoTooLargeError.
        """
        if not photo:
            raise BrokenPhotoError("the upload is empty; send the bytes of a photo")
        try:
            image = Image.open(BytesIO(photo), formats=ALLOWED_FORMATS)
        except (Image.DecompressionBombError, Image.DecompressionBombWarning):
            raise PhotoTooLargeError(self._size_message()) from None
        except Image.UnidentifiedImageError:
            if looks_like_allowed_format(photo):
                raise BrokenPhotoError("the photo is damaged: its header cannot be read") from None
            raise UnsupportedPhotoError(
                "the upload is not a photo in a supported format; send JPEG, PNG, WebP, AVIF, GIF, BMP, TIFF or HEIC"
            ) from None
        except Exception as error:  # parsers of damaged files raise whatever they trip over
            raise BrokenPhotoError("the photo is damaged: its header cannot be read") from error
        self._check_size(image)
        return image

    def _check_size(self, image: Image.Image) -> None:
        width, height = image.size
        if width < 1 or height < 1:
            raise BrokenPhotoError("the photo has no pixels")
        if width * height > self._limits.max_pixels or max(width, height) > self._limits.max_side_px:
            raise PhotoTooLargeError(f"the photo is {width} x {height} pixels; {self._size_message()}")

    def _size_message(self) -> str:
        limits = self._limits
        return f"send at most {limits.max_pixels} pixels and {limits.max_side_px} pixels a side"


def looks_like_allowed_format(photo: bytes) -> bool:
    """Whether the first bytes are those of an allowed format, however broken the rest is."""
    return photo.startswith(_SIGNATURES) or (photo[4:8] == b"ftyp" and photo[8:12] in _FTYP_BRANDS)


def _draft_size(image: Image.Image) -> tuple[int, int]:
    """The least size that leaves the margin above the network's input, in the file's own orientation."""
    scale = _target_scale(image.size)
    return (max(1, int(image.width * scale)), max(1, int(image.height * scale)))


def _target_scale(size: tuple[int, int]) -> float:
    """How far a photo may shrink before the network's own resize: both sides keep the margin."""
    # Orientation is not known yet for every format, and the input shapes come both ways up, so either will
    # do.
    shape = choose_input_shape(*size)
    return min(1.0, max(REDUCE_MARGIN * shape.width / size[0], REDUCE_MARGIN * shape.height / size[1]))


def _load_reduced(image: Image.Image) -> Image.Image:
    """Decode all pixels, then shrink by a whole factor while the margin holds. Keeps mode and metadata."""
    try:
        image.load()
    except (Image.DecompressionBombError, Image.DecompressionBombWarning, MemoryError):
        raise PhotoTooLargeError("the photo needs too much memory to decode; send a smaller one") from None
    except Exception as error:  # decoders of damaged files raise whatever they trip over
        raise BrokenPhotoError("the photo is damaged or cut short; send the whole file") from error
    factor = int(1 / _target_scale(image.size))
    if factor < 2 or image.mode not in _REDUCIBLE_MODES:
        return image
    return _keeping_info(image.reduce(factor), image)


def _keeping_info(image: Image.Image, source: Image.Image) -> Image.Image:
    """`image`, made from `source`, with its profile, transparency and EXIF."""
    image.info = source.info
    return image


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; formats whose decoder has already turned the picture say 1."""
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # damaged EXIF raises whatever its parser trips over, and must not cost the crop
        return 1
