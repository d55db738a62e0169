"""Refuses uploads whose structure asks a decoder for far more work or memory than their picture is worth.

Counted before a decoder sees them: segments and scans of JPEG, chunks of PNG, directory entries of TIFF, run-length
BMP, canvases of animations. Nothing is decoded. Ordinary photos stay far below every limit. It also
tells what may be decoded in the service's own process.
"""

from vrn_cropper.model.photos.structure.boxes import check_avif_heif, is_boxed
from vrn_cropper.model.photos.structure.jpeg import check_jpeg
from vrn_cropper.model.photos.structure.kinds import kind_of
from vrn_cropper.model.photos.structure.png import check_png
from vrn_cropper.model.photos.structure.simple import check_bmp, check_gif, check_webp
from vrn_cropper.model.photos.structure.tiff import check_tiff

# Twelve megapixels in the ten scans of an ordinary progressive JPEG, and some more: about half a second.
CHEAP_SCANNED_PIXELS = 150_000_000


def check_structure(photo: bytes) -> bool:
    """Whether decoding what passes is bounded in time and memory by its pixels, and lets other threads run meanwhile.

    Raises PhotoTooLargeError for what does not pass. What is of no known kind passes: no decoder takes it.
    """
    if photo.startswith(b"\xff\xd8"):
        return check_jpeg(photo) <= CHEAP_SCANNED_PIXELS
    if photo.startswith(b"\x89PNG"):
        check_png(photo)
        return True
    if photo.startswith((b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")):
        check_tiff(photo)
    elif photo.startswith(b"BM"):
        check_bmp(photo)
    elif photo.startswith(b"GIF8"):
        check_gif(photo)
    elif photo.startswith(b"RIFF"):
        check_webp(photo)
    elif is_boxed(photo):
        check_avif_heif(photo)
    return kind_of(photo) is None and not is_boxed(photo)  # a box file may yet get a known brand
