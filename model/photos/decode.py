"""Bytes of a file -> upright RGB photo at the network's size. Synchronous; knows nothing of HTTP, batching and
processes: `service.core.photo_decoder` chooses where this runs for a server.

The content decides the format, not a file name or a declared type. Limits are checked on the header, before
any pixel is decoded. Coordinates are always those of the upright source image (EXIF orientation applied).

How a photo becomes the network's input is `model.photos.reading`; here are the bytes, the limits and the errors.
"""

import warnings
from dataclasses import dataclass, replace
from io import BytesIO

import pillow_heif
from PIL import ExifTags, Image, UnidentifiedImageError

from vrn_cropper.model.errors import BrokenPhotoError, PhotoTooLargeError, UnsupportedPhotoError
from vrn_cropper.model.photos.colour_spaces import note_colour_space
from vrn_cropper.model.photos.decode_memory import counted_pixels, is_held_whole
from vrn_cropper.model.photos.input_shapes import INPUT_SHAPES, InputShape
from vrn_cropper.model.photos.lossless import note_lossless
from vrn_cropper.model.photos.mending import (
    MAX_MISSING_SHARE,
    missing_share,
    with_known_brand,
    without_outer_damage,
)
from vrn_cropper.model.photos.orientation import orientation_of
from vrn_cropper.model.photos.pages import seek_full_page
from vrn_cropper.model.photos.quirks import after_load, before_load
from vrn_cropper.model.photos.raw_preview import Preview, is_camera_raw, largest_preview
from vrn_cropper.model.photos.reading import PhotoInput, StoredPhoto, at_reduced_scale, read_photo
from vrn_cropper.model.photos.structure.check import check_structure
from vrn_cropper.model.photos.structure.kinds import is_whole, kind_of

# The JPEG opener also reads MPO, a phone's JPEG with a second picture inside. The first picture is read.
ALLOWED_FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "GIF", "BMP", "TIFF", "HEIF")
# Phones make JPEGs of 108 and 200 megapixels; at reduced scale they take less memory than one of 12 at full scale.
REDUCED_JPEG_FACTOR = 4
_CUT_SHORT = "the photo is damaged or cut short; send the whole file"


def photo_suffixes() -> frozenset[str]:
    """Every file name suffix, in lower case with its dot, of the formats that are decoded."""
    Image.init()
    pillow_heif.register_heif_opener(thumbnails=False)
    known = {*ALLOWED_FORMATS, "MPO"}
    return frozenset(suffix for suffix, name in Image.registered_extensions().items() if name in known)


@dataclass(frozen=True, slots=True)
class DecodeLimits:
    """Largest photo that is decoded. A JPEG that is decoded at reduced scale, and never held whole, may have
    `REDUCED_JPEG_FACTOR` times the pixels.
    """

    max_pixels: int
    max_side_px: int


@dataclass(slots=True)
class OpenedPhoto:
    """An upload whose header was read and fits the limits, and what decoding it will hold.

    `pixels` are counted as in `decode_memory`; `full_pixels` are those of the picture itself, at full scale.
    `content` is what is decoded: the upload, or what it was mended to. `stored` is None where a worker opened it.
    """

    stored: StoredPhoto | None
    pixels: int
    full_pixels: int
    content: bytes
    at_full_scale: bool
    warnings: tuple[str, ...] = ()

    @property
    def loaded_image(self) -> Image.Image:
        """The decoded picture as its file stores it; only of a photo that was decoded at full scale."""
        assert self.stored is not None
        assert self.at_full_scale
        return self.stored.image

    def take_loaded(self, image: Image.Image) -> None:
        """The picture that a worker decoded."""
        self.stored = StoredPhoto(image)


@dataclass(frozen=True, slots=True)
class DecodedPhoto(PhotoInput):
    """An upload as the network takes it, the format that its content had, as Pillow names it, and what its sender
    should know of the file.
    """

    format: str
    warnings: tuple[str, ...] = ()


class Decoder:
    """Decodes uploads. Thread-safe; teaches Pillow to open HEIC files."""

    def __init__(
        self,
        limits: DecodeLimits,
        input_shapes: tuple[InputShape, ...] = INPUT_SHAPES,
        *,
        owns_process: bool = True,
    ) -> None:
        """Also sets Pillow's process-wide bomb limit and HEIC threads, unless the process is its user's own."""
        self._limits = limits
        self._input_shapes = input_shapes
        pillow_heif.register_heif_opener(thumbnails=False)
        Image.init()
        if not owns_process:
            return
        # One photo is one thread's work: the pool is the parallelism. Thumbnails and other frames are not
        # read.
        pillow_heif.options.DECODE_THREADS = 1
        Image.MAX_IMAGE_PIXELS = REDUCED_JPEG_FACTOR * limits.max_pixels
        warnings.simplefilter("error", Image.DecompressionBombWarning)

    def open(self, photo: bytes, *, at_full_scale: bool = False, is_checked: bool = False) -> OpenedPhoto:
        """The header of the upload, checked against the limits; no pixel is decoded yet.

        A JPEG is going to be decoded at reduced scale, unless `at_full_scale`. Bombs are refused, unless the
        caller did so before (`is_checked`). Raises UnsupportedPhotoError, BrokenPhotoError or PhotoTooLargeError.
        """
        if not photo:
            raise BrokenPhotoError("the upload is empty; send the bytes of a photo")
        if not is_checked:
            check_structure(photo)
        photo = with_known_brand(photo)
        if kind_of(photo) is None:
            raise _unreadable(photo)
        try:
            image = self._read_header(photo)
        except BrokenPhotoError:
            mended = without_outer_damage(photo)
            if mended is None:
                raise
            photo, image = mended, self._read_header(mended)
        except UnsupportedPhotoError:
            preview = largest_preview(photo) if kind_of(photo) == "TIFF" else None
            if preview is None:
                raise
            return self._opened_preview(preview, at_full_scale)
        return self._opened(image, photo, at_full_scale)

    def decode(self, opened: OpenedPhoto) -> DecodedPhoto:
        """The photo at the network's size, of what `open` made; `opened.stored` holds all its pixels afterwards.

        What viewers show although its file is not quite whole is decoded too, with a warning. The caller bounds how
        many pixels it lets in at once. Raises as `open` does.
        """
        assert opened.stored is not None
        stored = opened.stored
        found: tuple[str, ...] = ()
        try:
            stored = _loaded(stored)
        except BrokenPhotoError:
            stored, found = self._load_mended(opened)
        opened.stored = stored
        with stored.image:
            made = read_photo(stored, self._input_shapes)
        source_format = str(stored.image.format)
        found = (*opened.warnings, *found)
        return DecodedPhoto(made.width, made.height, made.model_input, made.input_shape, source_format, found)

    def read_picture(self, picture: Image.Image) -> PhotoInput:
        """A picture that is in memory already, as the network takes it; it is left as it is.

        Raises PhotoTooLargeError, or BrokenPhotoError for one whose file turns out to be damaged.
        """
        self._check_size(*picture.size)
        _load(picture)
        return read_photo(picture, self._input_shapes)

    def _opened(self, image: Image.Image, photo: bytes, at_full_scale: bool) -> OpenedPhoto:
        width, height = image.size
        stored = StoredPhoto(image) if at_full_scale else at_reduced_scale(image)
        is_small = stored.scale > 1 and not is_held_whole(image, photo)
        self._check_size(width, height, REDUCED_JPEG_FACTOR if is_small else 1)
        note_colour_space(image)
        note_lossless(image, photo)
        before_load(image)
        return OpenedPhoto(stored, counted_pixels(stored, photo), width * height, photo, at_full_scale)

    def _opened_preview(self, preview: Preview, at_full_scale: bool) -> OpenedPhoto:
        check_structure(preview.content)
        image = self._read_header(preview.content)
        if orientation_of(image) == 1 and preview.orientation != 1:
            exif = image.getexif()
            exif[ExifTags.Base.Orientation] = preview.orientation
            image.info["exif"] = exif.tobytes()
        opened = self._opened(image, preview.content, at_full_scale)
        size = f"{preview.width} x {preview.height}"
        opened.warnings = (f"a camera RAW file: its embedded preview of {size} pixels is what was cropped",)
        return opened

    def _load_mended(self, opened: OpenedPhoto) -> tuple[StoredPhoto, tuple[str, ...]]:
        """The loaded picture of the mended file, and the warnings. Raises BrokenPhotoError."""
        mended = without_outer_damage(opened.content)
        if mended is None:
            raise BrokenPhotoError(_CUT_SHORT)
        again = self._opened(self._read_header(mended), mended, opened.at_full_scale).stored
        assert again is not None
        again = _loaded(again)
        if again.image.format not in ("JPEG", "MPO"):
            return again, ("the file is damaged outside its pixels",)
        missing = missing_share(again.image)
        if missing > MAX_MISSING_SHARE:
            raise BrokenPhotoError(_CUT_SHORT)
        return again, (f"the file is cut short: {missing:.1%} of the photo's rows are missing at its end",)

    def _read_header(self, photo: bytes) -> Image.Image:
        try:
            image = Image.open(BytesIO(photo), formats=ALLOWED_FORMATS)
            has_full_page = seek_full_page(image)
        except (Image.DecompressionBombError, Image.DecompressionBombWarning):
            raise PhotoTooLargeError(self._size_message()) from None
        except Exception as error:  # parsers of damaged files raise whatever they trip over
            raise _unreadable(photo) from (None if isinstance(error, UnidentifiedImageError) else error)
        if not has_full_page or is_camera_raw(photo):
            raise UnsupportedPhotoError(
                "this is a camera RAW file without a preview of a size worth cropping; send the photo as JPEG"
            )
        return image

    def _check_size(self, width: int, height: int, factor: int = 1) -> None:
        if width < 1 or height < 1:
            raise BrokenPhotoError("the photo has no pixels")
        if width * height > factor * self._limits.max_pixels or max(width, height) > self._limits.max_side_px:
            raise PhotoTooLargeError(f"the photo is {width} x {height} pixels; {self._size_message()}")

    def _size_message(self) -> str:
        limits = self._limits
        return f"send at most {limits.max_pixels} pixels and {limits.max_side_px} pixels a side"


def _unreadable(photo: bytes) -> UnsupportedPhotoError | BrokenPhotoError:
    """Why the header of an upload cannot be read: another kind of file, a kind of photo not read here, or damage."""
    kind = kind_of(photo)
    if kind is None:
        return UnsupportedPhotoError(
            "the upload is not a photo in a supported format; send JPEG, PNG, WebP, AVIF, GIF, BMP, TIFF or HEIC"
        )
    if is_whole(photo):
        return UnsupportedPhotoError(
            f"this kind of {kind} (its pixels, its compression, or a camera's RAW) is not read; send JPEG or PNG"
        )
    return BrokenPhotoError("the photo is damaged: its header cannot be read")


def _loaded(stored: StoredPhoto) -> StoredPhoto:
    """With all pixels decoded."""
    return replace(stored, image=_load(stored.image))


def _load(image: Image.Image) -> Image.Image:
    """The picture with all pixels decoded, as its file means it."""
    try:
        image.load()
        return after_load(image)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning, MemoryError):
        raise PhotoTooLargeError("the photo needs too much memory to decode; send a smaller one") from None
    except Exception as error:  # decoders of damaged files raise whatever they trip over
        raise BrokenPhotoError(_CUT_SHORT) from error
