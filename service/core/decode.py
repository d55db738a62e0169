"""Bytes of an upload -> upright RGB photo at the network's size. Synchronous; knows nothing of HTTP or
batching.

The content decides the format, not a file name or a declared type. Limits are checked on the header, before
any pixel is decoded. Coordinates are always those of the upright source image (EXIF orientation applied).

How a photo becomes the network's input is `model.photos.reading`; here are the bytes, the limits and the errors.
"""

import warnings
from dataclasses import dataclass
from io import BytesIO

import pillow_heif
from PIL import Image, UnidentifiedImageError

from vrn_cropper.model.photos.colour_spaces import note_colour_space
from vrn_cropper.model.photos.input_shapes import INPUT_SHAPES, InputShape
from vrn_cropper.model.photos.reading import PhotoInput, StoredPhoto, at_reduced_scale, read_photo
from vrn_cropper.service.core.structure.check import check_structure
from vrn_cropper.service.errors import BrokenPhotoError, PhotoTooLargeError, UnsupportedPhotoError

# The JPEG opener also reads MPO, a phone's JPEG with a second picture inside. The first picture is read.
ALLOWED_FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "GIF", "BMP", "TIFF", "HEIF")
_SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG", b"RIFF", b"GIF8", b"BM", b"II*\x00", b"MM\x00*")
_FTYP_BRANDS = (b"avif", b"avis", b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")


@dataclass(frozen=True, slots=True)
class DecodeLimits:
    """Largest photo that is decoded."""

    max_pixels: int
    max_side_px: int


@dataclass(frozen=True, slots=True)
class OpenedPhoto:
    """An upload whose header was read and fits the limits, and what decoding it will hold: `pixels`, of at most 10
    bytes each.
    """

    stored: StoredPhoto
    pixels: int

    @property
    def full_pixels(self) -> int:
        """Of the picture itself, at full scale."""
        width, height = self.stored.full_size
        return width * height


@dataclass(frozen=True, slots=True)
class DecodedPhoto(PhotoInput):
    """An upload as the network takes it, and the format that its content had, as Pillow names it."""

    format: str


class Decoder:
    """Decodes uploads. Thread-safe; building one sets Pillow's process-wide formats and bomb limit."""

    def __init__(self, limits: DecodeLimits, input_shapes: tuple[InputShape, ...] = INPUT_SHAPES) -> None:
        self._limits = limits
        self._input_shapes = input_shapes
        # One photo is one thread's work: the pool is the parallelism. Thumbnails and other frames are not
        # read.
        pillow_heif.options.DECODE_THREADS = 1
        pillow_heif.register_heif_opener(thumbnails=False)
        Image.init()
        Image.MAX_IMAGE_PIXELS = limits.max_pixels
        warnings.simplefilter("error", Image.DecompressionBombWarning)

    def open(self, photo: bytes, *, at_full_scale: bool = False) -> OpenedPhoto:
        """The header of the upload, checked against the limits; no pixel is decoded yet.

        A JPEG is going to be decoded at reduced scale, unless `at_full_scale`. Raises UnsupportedPhotoError,
        BrokenPhotoError or PhotoTooLargeError.
        """
        image = self._read_header(photo)
        self._check_size(image)
        note_colour_space(image)
        stored = StoredPhoto(image) if at_full_scale else at_reduced_scale(image)
        return OpenedPhoto(stored, _pixels_in_decode(stored))

    def decode(self, opened: OpenedPhoto) -> DecodedPhoto:
        """The photo at the network's size; `opened.stored` holds all its pixels afterwards.

        The caller bounds how many pixels it lets in at once. Raises as `open` does.
        """
        image = opened.stored.image
        with image:
            _load(image)
            made = read_photo(opened.stored, self._input_shapes)
        return DecodedPhoto(made.width, made.height, made.model_input, made.input_shape, str(image.format))

    def _read_header(self, photo: bytes) -> Image.Image:
        if not photo:
            raise BrokenPhotoError("the upload is empty; send the bytes of a photo")
        check_structure(photo)
        try:
            return Image.open(BytesIO(photo), formats=ALLOWED_FORMATS)
        except (Image.DecompressionBombError, Image.DecompressionBombWarning):
            raise PhotoTooLargeError(self._size_message()) from None
        except UnidentifiedImageError:
            if looks_like_allowed_format(photo):
                raise BrokenPhotoError("the photo is damaged: its header cannot be read") from None
            raise UnsupportedPhotoError(
                "the upload is not a photo in a supported format; send JPEG, PNG, WebP, AVIF, GIF, BMP, TIFF or HEIC"
            ) from None
        except Exception as error:  # parsers of damaged files raise whatever they trip over
            raise BrokenPhotoError("the photo is damaged: its header cannot be read") from error

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


def _pixels_in_decode(stored: StoredPhoto) -> int:
    """What decoding holds, in pixels of at most 10 bytes (tests/service/core/test_decode_memory.py)."""
    # A progressive JPEG is held whole as coefficients, whatever its draft; libwebp holds a copy of its own.
    image = stored.image
    width, height = stored.full_size if "progressive" in image.info else image.size
    return width * height * (2 if image.format == "WEBP" else 1)


def _load(image: Image.Image) -> None:
    """Decode all pixels."""
    try:
        image.load()
    except (Image.DecompressionBombError, Image.DecompressionBombWarning, MemoryError):
        raise PhotoTooLargeError("the photo needs too much memory to decode; send a smaller one") from None
    except Exception as error:  # decoders of damaged files raise whatever they trip over
        raise BrokenPhotoError("the photo is damaged or cut short; send the whole file") from error
