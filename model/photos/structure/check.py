"""Refuses uploads whose structure asks a decoder for far more work or memory than their picture is worth.

Counted before a decoder sees them: segments and scans of JPEG, chunks of PNG, directory entries of TIFF, run-length
BMP, canvases of animations. Nothing is decoded. Ordinary photos stay far below every limit.
"""

from vrn_cropper.model.photos.structure.boxes import check_avif_heif, is_boxed
from vrn_cropper.model.photos.structure.jpeg import check_jpeg
from vrn_cropper.model.photos.structure.png import check_png
from vrn_cropper.model.photos.structure.simple import check_bmp, check_gif, check_webp
from vrn_cropper.model.photos.structure.tiff import check_tiff


def check_structure(photo: bytes) -> None:
    """Raises PhotoTooLargeError or BrokenPhotoError; what is of no known kind passes, for the decoders to name."""
    if photo.startswith(b"\xff\xd8"):
        check_jpeg(photo)
    elif photo.startswith(b"\x89PNG"):
        check_png(photo)
    elif photo.startswith((b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")):
        check_tiff(photo)
    elif photo.startswith(b"BM"):
        check_bmp(photo)
    elif photo.startswith(b"GIF8"):
        check_gif(photo)
    elif photo.startswith(b"RIFF"):
        check_webp(photo)
    elif is_boxed(photo):
        check_avif_heif(photo)
