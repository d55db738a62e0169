"""Any Pillow mode -> RGB as a viewer shows it: profiles applied, alpha over white, 16 bits scaled, not
clipped.
"""

from io import BytesIO

import numpy as np
from PIL import Image, ImageCms

_SRGB = "sRGB"
_ALPHA_MODES = frozenset({"RGBA", "LA", "PA", "RGBa", "La"})
# What the first four bytes of a profile's colour space (bytes 16 to 20) ask of the picture.
_PROFILE_MODES = {b"RGB ": ("RGB",), b"GRAY": ("L",), b"CMYK": ("CMYK",)}


def to_rgb_over_white(image: Image.Image) -> Image.Image:
    """`image` as RGB in sRGB. Alpha is laid over white; a profile that does not fit the pixels is ignored."""
    alpha: Image.Image | None = None
    if image.mode in _ALPHA_MODES or "transparency" in image.info:
        rgba = image.convert("RGBA")
        alpha, image = rgba.getchannel("A"), _with_info(rgba.convert("RGB"), image)
    elif image.mode.startswith("I") or image.mode == "F":
        image = _to_8_bit(image)
    elif image.mode in ("1", "P", "YCbCr", "HSV"):
        image = _with_info(image.convert("L" if image.mode == "1" else "RGB"), image)
    rgb = _apply_profile(image)
    if alpha is None:
        return rgb
    white = Image.new("RGB", rgb.size, "white")
    white.paste(rgb, mask=alpha)
    return white


def _with_info(converted: Image.Image, source: Image.Image) -> Image.Image:
    converted.info = {**source.info}
    converted.info.pop("transparency", None)
    return converted


def _to_8_bit(image: Image.Image) -> Image.Image:
    """16-bit, 32-bit and float greyscale to L by the range of their kind; Pillow's own conversion clips at
    255.
    """
    values = np.asarray(image).astype(np.float64)
    if image.mode.startswith("I;16"):
        top = 65535.0
    else:  # mode I holds 16-bit pictures in practice; floats are 0..1, or else scaled by their largest value
        largest = float(np.nanmax(values, initial=0.0))
        top = next(
            (limit for limit in (1.0, 65535.0) if image.mode == ("F" if limit == 1.0 else "I") and largest <= limit),
            max(largest, 1e-12),
        )
    scaled = np.nan_to_num(np.clip(values / top, 0, 1) * 255)
    return Image.fromarray(np.rint(scaled).astype(np.uint8))


def _apply_profile(image: Image.Image) -> Image.Image:
    if image.mode == "LAB":
        return _transform(image, ImageCms.createProfile("LAB"))
    profile = image.info.get("icc_profile")
    if profile and image.mode in _PROFILE_MODES.get(bytes(profile[16:20]), ()):
        try:
            return _transform(image, ImageCms.ImageCmsProfile(BytesIO(profile)))
        except (ImageCms.PyCMSError, OSError):
            pass  # a damaged profile must not cost the crop: viewers ignore it as well
    return image.convert("RGB")


def _transform(image: Image.Image, profile: object) -> Image.Image:
    transformed = ImageCms.profileToProfile(image, profile, ImageCms.createProfile(_SRGB), outputMode="RGB")
    assert transformed is not None  # only an in-place transform returns none
    return transformed
