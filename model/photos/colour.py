"""Any Pillow mode -> RGB as a viewer shows it: profiles applied, alpha over white, 16 bits scaled, not
clipped.
"""

from io import BytesIO

import numpy as np
from PIL import Image, ImageCms

from vrn_cropper.model.photos.colour_spaces import in_srgb, stated_space

_STRIP_ROWS = 256  # a picture of 16 bits is converted in strips: whole, it would be held as float64 several times
_ALPHA_MODES = frozenset({"RGBA", "LA", "PA", "RGBa", "La"})
# What the first four bytes of a profile's colour space (bytes 16 to 20) ask of the picture.
_PROFILE_MODES = {b"RGB ": ("RGB",), b"GRAY": ("L",), b"CMYK": ("CMYK",)}


def to_rgb_over_white(image: Image.Image) -> Image.Image:
    """`image` as RGB in sRGB, itself if it is that. Alpha is laid over white; a profile that does not fit the pixels
    is ignored.
    """
    alpha: Image.Image | None = None
    image = to_averageable(image)
    if image.mode in _ALPHA_MODES:
        rgba = image.convert("RGBA")
        alpha, image = rgba.getchannel("A"), _with_info(rgba.convert("RGB"), image)
    rgb = _apply_profile(image)
    if alpha is None:
        return rgb
    white = Image.new("RGB", rgb.size, "white")
    white.paste(rgb, mask=alpha)
    return white


def to_averageable(image: Image.Image) -> Image.Image:
    """`image` in a mode of 8 bits whose pixels may be averaged; itself if it has one. Keeps alpha and profile.

    One colour marked as transparent becomes alpha here: averaged with its neighbours it would be lost.
    """
    if image.mode.startswith("I") or image.mode == "F":
        return _with_info(_to_8_bit(image), image)
    if image.mode in ("P", "PA"):
        has_alpha = image.mode == "PA" or "transparency" in image.info
        return _with_info(image.convert("RGBA" if has_alpha else "RGB"), image)
    if "transparency" in image.info and image.mode in ("1", "L", "RGB"):
        return _with_info(image.convert("RGBA" if image.mode == "RGB" else "LA"), image)
    if image.mode in ("1", "YCbCr", "HSV"):
        return _with_info(image.convert("L" if image.mode == "1" else "RGB"), image)
    return image


def _with_info(converted: Image.Image, source: Image.Image) -> Image.Image:
    converted.info = {**source.info}
    converted.info.pop("transparency", None)
    return converted


def _to_8_bit(image: Image.Image) -> Image.Image:
    """16-bit, 32-bit and float greyscale to L by the range of their kind, LA where one value is transparent;
    Pillow's own conversion clips at 255.
    """
    values = np.asarray(image)
    if image.mode.startswith("I;16"):
        top = 65535.0
    else:  # mode I holds 16-bit pictures in practice; floats are 0..1, or else scaled by their largest value
        largest = float(np.nanmax(values, initial=0.0))
        top = next(
            (limit for limit in (1.0, 65535.0) if image.mode == ("F" if limit == 1.0 else "I") and largest <= limit),
            max(largest, 1e-12),
        )
    grey = np.empty(values.shape, np.uint8)
    for row in range(0, len(values), _STRIP_ROWS):
        strip = values[row : row + _STRIP_ROWS].astype(np.float64)
        grey[row : row + _STRIP_ROWS] = np.rint(np.nan_to_num(np.clip(strip / top, 0, 1) * 255))
    transparent = image.info.get("transparency")
    if not isinstance(transparent, int):
        return Image.fromarray(grey)
    alpha = np.where(values == transparent, np.uint8(0), np.uint8(255))
    return Image.merge("LA", (Image.fromarray(grey), Image.fromarray(alpha)))


def _apply_profile(image: Image.Image) -> Image.Image:
    if stated_space(image) is not None:
        converted = in_srgb(image)
        return converted if converted.mode == "RGB" else converted.convert("RGB")
    if image.mode == "LAB":
        return _transform(image, ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")))
    profile = image.info.get("icc_profile")
    if profile and image.mode in _PROFILE_MODES.get(bytes(profile[16:20]), ()):
        try:
            return _transform(image, ImageCms.ImageCmsProfile(BytesIO(profile)))
        except (ImageCms.PyCMSError, OSError):
            pass  # a damaged profile must not cost the crop: viewers ignore it as well
    return image if image.mode == "RGB" else image.convert("RGB")


def _transform(image: Image.Image, profile: ImageCms.ImageCmsProfile) -> Image.Image:
    transformed = ImageCms.profileToProfile(image, profile, ImageCms.createProfile("sRGB"), outputMode="RGB")
    assert transformed is not None  # only an in-place transform returns none
    return transformed
