"""What decoding a photo takes in memory, by format and kind of pixels. Every number is held by a measurement in a
process of its own (tests/model/photos/test_decode_memory.py). Knows Pillow; allocates nothing.
"""

import math

from PIL import Image, JpegImagePlugin

from vrn_cropper.model.photos.reading import StoredPhoto
from vrn_cropper.model.photos.structure.jpeg import components_of_first_scan
from vrn_cropper.model.photos.structure.simple import webp_canvas_pixels

# The unit of `VRN_MAX_DECODE_PIXELS`; a format that takes more bytes a pixel counts as more pixels.
BYTES_PER_COUNTED_PIXEL = 10
# libwebp holds the canvas twice beside the picture and its copy.
_WEBP_BYTES = 17
# Pillow does not tell an AVIF's depth: as for 12 bits without subsampling.
_AVIF_BYTES, _AVIF_ALPHA_BYTES = 15, 19
_DEEP_HEIF_BYTES = 15
_WIDE_MODES = {"I": 13, "F": 13}
_PROGRESSIVE_CMYK_BYTES = 12
_OTHER_BYTES = 10
# Taken by parsing a header: entries, profiles, text; and what libwebp takes for each pixel of its canvas at once.
_BYTES_TO_OPEN = 192 * 1024 * 1024
_WEBP_CANVAS_BYTES = 12


def counted_pixels(stored: StoredPhoto, photo: bytes) -> int:
    """Pixels of `BYTES_PER_COUNTED_PIXEL` that decoding an opened photo of these bytes takes at most, rounded up."""
    image = stored.image
    width, height = stored.full_size if is_held_whole(image, photo) else image.size
    return math.ceil(width * height * _bytes_per_pixel(image) / BYTES_PER_COUNTED_PIXEL)


def is_held_whole(image: Image.Image, photo: bytes) -> bool:
    """Whether an opened picture is in memory at full scale while it is decoded, whatever scale comes out.

    Only a JPEG whose first scan has all of the picture is not: any other is kept as coefficients until its end.
    """
    if not isinstance(image, JpegImagePlugin.JpegImageFile):
        return True
    return "progressive" in image.info or components_of_first_scan(photo) < image.layers


def bytes_to_open(photo: bytes) -> int:
    """What opening this upload may take beside its bytes."""
    return _BYTES_TO_OPEN + len(photo) + _WEBP_CANVAS_BYTES * webp_canvas_pixels(photo)


def _bytes_per_pixel(image: Image.Image) -> int:
    if image.format == "WEBP":
        return _WEBP_BYTES
    if image.format == "AVIF":
        return _AVIF_ALPHA_BYTES if image.mode == "RGBA" else _AVIF_BYTES
    if image.format == "HEIF" and image.info.get("bit_depth", 8) > 8:
        return _DEEP_HEIF_BYTES
    if "progressive" in image.info and image.mode == "CMYK":
        return _PROGRESSIVE_CMYK_BYTES
    return _WIDE_MODES.get(image.mode, _OTHER_BYTES)
