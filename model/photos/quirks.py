"""Files that are whole and come out wrong of Pillow: put right before their pixels are loaded, and after.

TIFF: planes of 16 bits were read as 8, and 16-bit grey whose zero is white was shown as a negative. Animations: what
the first frame leaves free was filled with a colour, and a first frame with nothing on it was the picture.
"""

import numpy as np
from PIL import Image, TiffImagePlugin

from vrn_cropper.model.photos.orientation import exif_of_tiff

_BITS_PER_SAMPLE, _PHOTOMETRIC, _PLANES = 258, 262, 284
_MIN_IS_WHITE, _SEPARATE = 0, 2
# An animation may begin empty and fill up; longer than this nobody looks.
_MAX_EMPTY_FRAMES = 8


def before_load(image: Image.Image) -> None:
    """To an opened picture whose pixels are not loaded yet."""
    if not isinstance(image, TiffImagePlugin.TiffImageFile) or image.tag_v2.get(_PLANES) != _SEPARATE:
        return
    if set(image.tag_v2.get(_BITS_PER_SAMPLE, ())) != {16} or image.mode not in ("RGB", "CMYK"):
        return
    order = "L" if image.tag_v2.prefix == b"II" else "B"
    image.tile = [
        tile._replace(args=(f"{tile.args[0]};16{order}", *tile.args[1:]))
        if tile.codec_name == "raw" and isinstance(tile.args, tuple) and len(tile.args[0]) == 1
        else tile
        for tile in image.tile
    ]


def after_load(image: Image.Image) -> Image.Image:
    """The loaded picture as it is meant: itself, or a new one of the same file. Raises what Pillow raises."""
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        is_negative = image.tag_v2.get(_PHOTOMETRIC) == _MIN_IS_WHITE and image.mode == "I;16"
        return _like(image, Image.fromarray(65535 - np.asarray(image))) if is_negative else image
    if image.format in ("GIF", "WEBP"):
        return _first_frame_with_something(image)
    return image


def _first_frame_with_something(image: Image.Image) -> Image.Image:
    shown = first = _whole_canvas(image)
    for number in range(1, _MAX_EMPTY_FRAMES + 1):
        if not _is_empty(shown):
            return shown
        try:
            image.seek(number)
            image.load()
        except EOFError:
            break
        shown = _like(image, image.copy())
    return first if _is_empty(shown) else shown


def _whole_canvas(image: Image.Image) -> Image.Image:
    """With nothing where a GIF's first frame does not reach."""
    extent = getattr(image, "dispose_extent", None)
    if image.format != "GIF" or extent is None or tuple(extent) == (0, 0, *image.size):
        return image
    canvas = Image.new("RGBA", image.size)
    canvas.paste(image.crop(extent).convert("RGBA"), tuple(extent))
    canvas = _like(image, canvas)
    canvas.info.pop("transparency", None)
    return canvas


def _is_empty(image: Image.Image) -> bool:
    """Whether all of it is transparent."""
    if image.mode in ("P", "L") and "transparency" in image.info:
        image = image.convert("RGBA")
    return image.mode == "RGBA" and image.getchannel("A").getextrema()[1] == 0


def _like(image: Image.Image, made: Image.Image) -> Image.Image:
    """`made` with what the file of `image` says."""
    made.info = dict(image.info)
    made.format = image.format
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        made.info["exif"] = exif_of_tiff(image)
    return made
