"""Which way up a photo is: EXIF orientation, and boxes and pictures before and after the turn. Knows Pillow only."""

from typing import TypeVar

from PIL import ExifTags, Image

N = TypeVar("N", int, float)
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
_XMP_KEYS = frozenset({"xmp", "XML:com.adobe.xmp"})


def orientation_of(image: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; formats whose decoder has already turned the picture say 1.

    An orientation in XMP alone is not followed: browsers do not either, and the boxes are for what people see.
    """
    try:
        if image.info.keys() & _XMP_KEYS and not hasattr(image, "tag_v2"):
            bare = Image.Image()  # as Pillow itself reads EXIF, without its look into XMP
            bare.info = {key: value for key, value in image.info.items() if key not in _XMP_KEYS}
            found = bare.getexif().get(ExifTags.Base.Orientation, 1)
        elif hasattr(image, "tag_v2"):
            found = image.tag_v2.get(ExifTags.Base.Orientation, 1)
        else:
            found = image.getexif().get(ExifTags.Base.Orientation, 1)
        return int(found)
    except Exception:  # damaged EXIF raises whatever its parser trips over, and must not cost the crop
        return 1


def exif_of_tiff(image: Image.Image) -> bytes:
    """What a TIFF's directory says, as the block of EXIF that other formats have; at least its orientation."""
    try:
        return image.getexif().tobytes()
    except Exception:  # damaged entries raise whatever their writer trips over; the turn must not be lost
        exif = Image.Exif()
        exif[ExifTags.Base.Orientation] = orientation_of(image)
        return exif.tobytes()


def turned(image: Image.Image, orientation: int) -> Image.Image:
    """The stored picture made upright; itself if nothing is to be done."""
    return image.transpose(TURNS[orientation]) if orientation in TURNS else image


def upright_size(stored_size: tuple[int, int], orientation: int) -> tuple[int, int]:
    """Width and height after the turn that `orientation` asks for; its own inverse."""
    width, height = stored_size
    return (height, width) if orientation in _SIDES_SWAPPED else (width, height)


def stored_box(box_xyxy: tuple[N, N, N, N], stored_size: tuple[N, N], orientation: int) -> tuple[N, N, N, N]:
    """A box of the upright photo as a box of the stored picture, which `orientation` turns upright."""
    x1, y1, x2, y2 = box_xyxy
    width, height = stored_size[::-1] if orientation in _SIDES_SWAPPED else stored_size
    if orientation in (2, 3, 6, 7):  # what is on the right when upright comes first in the file
        x1, x2 = width - x2, width - x1
    if orientation in (3, 4, 7, 8):
        y1, y2 = height - y2, height - y1
    # The sides were swapped by the turn: back to the file's own.
    return (y1, x1, y2, x2) if orientation in _SIDES_SWAPPED else (x1, y1, x2, y2)
