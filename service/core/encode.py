"""A crop box of a decoded photo -> the cropped picture as a file. Synchronous; knows nothing of HTTP or
scores.

The box is cut out of the stored picture first and only the cut is turned, converted and resized, so memory
grows with the crop. Orientation is baked in and a fitting colour profile is kept. Of metadata nothing goes
along unless it is asked for: GPS positions and camera names are nobody else's business.
"""

from dataclasses import dataclass
from io import BytesIO
from typing import Any

from PIL import ExifTags, Image

from vrn_cropper.model.errors import CropRequestError
from vrn_cropper.model.photos.colour import to_averageable, to_rgb_over_white
from vrn_cropper.model.photos.colour_spaces import in_srgb, stated_space
from vrn_cropper.model.photos.orientation import orientation_of, stored_box, turned
from vrn_cropper.service.core.picture_request import PictureFormat, PictureOptions

# What a format is answered as where the client names none; formats that only cameras write become JPEG.
_DEFAULT_FORMATS = {
    "PNG": PictureFormat.PNG, "GIF": PictureFormat.PNG, "BMP": PictureFormat.PNG, "TIFF": PictureFormat.PNG,
    "WEBP": PictureFormat.WEBP, "AVIF": PictureFormat.AVIF,
}  # fmt: skip
_MAX_SIDE_PX = {PictureFormat.JPEG: 65_500, PictureFormat.WEBP: 16_383, PictureFormat.AVIF: 65_536}
# An enlarged picture is work and memory that the upload does not bound.
MAX_UPSCALED_PIXELS = 40_000_000
_DEFAULT_QUALITY = {PictureFormat.JPEG: 88, PictureFormat.WEBP: 84, PictureFormat.AVIF: 70}
_SAVE_OPTIONS: dict[PictureFormat, dict[str, Any]] = {
    PictureFormat.JPEG: {"optimize": True},
    PictureFormat.PNG: {"compress_level": 6},
    PictureFormat.WEBP: {"method": 4},
    # One picture is one thread's work; slower speeds save a few bytes at several times the seconds.
    PictureFormat.AVIF: {"speed": 8, "max_threads": 1},
}
_WRITABLE_MODES = {
    PictureFormat.JPEG: {"L", "RGB", "CMYK"},
    PictureFormat.PNG: {"L", "LA", "RGB", "RGBA", "I;16"},
    PictureFormat.WEBP: {"RGB", "RGBA"},
    PictureFormat.AVIF: {"RGB", "RGBA"},
}
_PROFILE_SPACES = {b"RGB ": {"RGB", "RGBA"}, b"GRAY": {"L", "LA", "I;16"}, b"CMYK": {"CMYK"}}
# Kept with the photo's details and its place if the client asks; the rest of IFD 0 describes the file as it was.
_KEPT_TAGS = (
    ExifTags.Base.ImageDescription, ExifTags.Base.Make, ExifTags.Base.Model, ExifTags.Base.Software,
    ExifTags.Base.DateTime, ExifTags.Base.Artist, ExifTags.Base.HostComputer, ExifTags.Base.Copyright,
)  # fmt: skip
_STALE_DETAILS = (
    ExifTags.Base.ExifImageWidth, ExifTags.Base.ExifImageHeight, ExifTags.Base.MakerNote,
    ExifTags.IFD.Interop,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class EncodedPicture:
    """A picture file in memory, and its size in pixels."""

    content: bytes
    format: PictureFormat
    width: int
    height: int


def encode_crop(stored: Image.Image, box_xyxy: tuple[int, int, int, int], options: PictureOptions) -> EncodedPicture:
    """The crop box, in pixels of the upright photo, of a loaded photo stored as its file has it.

    Raises CropRequestError if the picture would be larger than the format or the service allows.
    """
    picture_format = options.format or _DEFAULT_FORMATS.get(str(stored.format), PictureFormat.JPEG)
    size = output_size(box_xyxy[2] - box_xyxy[0], box_xyxy[3] - box_xyxy[1], options)
    limit = _MAX_SIDE_PX.get(picture_format)
    if limit is not None and max(size) > limit:
        raise CropRequestError(
            f"{picture_format} holds at most {limit} pixels a side and the crop is {size[0]} x {size[1]};"
            " ask for a smaller width or another format"
        )
    orientation = orientation_of(stored)
    cut = stored.crop(stored_box(box_xyxy, stored.size, orientation))
    cut.info = dict(stored.info)
    cut = turned(cut, orientation)
    if stated_space(cut) is not None:
        # Written as sRGB: not every format and viewer knows how to state the source's colours.
        cut = in_srgb(to_averageable(cut))
    picture, is_converted = _writable(cut, picture_format, keeps_depth=size == cut.size)
    profile = None if is_converted else _fitting_profile(stored.info.get("icc_profile"), picture.mode)
    if picture.size != size:
        picture = picture.resize(size, Image.Resampling.LANCZOS)
    extras: dict[str, Any] = {"exif": _kept_exif(stored)} if options.keeps_metadata else {}
    return EncodedPicture(_save(picture, picture_format, profile, options.quality, extras), picture_format, *size)


def output_size(crop_w: int, crop_h: int, options: PictureOptions) -> tuple[int, int]:
    """Width and height of the picture: the crop's own, or what fits the wished `width` and `height`.

    A crop with fewer pixels than wished stays as it is unless `upscale`. Raises CropRequestError if enlarging
    would make too many pixels.
    """
    scales = [wish / side for wish, side in ((options.width, crop_w), (options.height, crop_h)) if wish is not None]
    scale = min(scales, default=1.0)
    if scale >= 1 and not options.upscale:
        return crop_w, crop_h
    size = (max(1, round(crop_w * scale)), max(1, round(crop_h * scale)))
    if options.width and options.height and options.is_exact:
        size = (options.width, options.height)  # the crop has this ratio to within a pixel
    if scale > 1 and size[0] * size[1] > MAX_UPSCALED_PIXELS:
        raise CropRequestError(
            f"the enlarged picture would be {size[0]} x {size[1]}; at most {MAX_UPSCALED_PIXELS} pixels are made"
        )
    return size


def _writable(cut: Image.Image, picture_format: PictureFormat, *, keeps_depth: bool) -> tuple[Image.Image, bool]:
    """`cut` in a mode that the format can hold, as near to its own as there is, and whether its colours were
    converted to sRGB for that: they need no profile then.
    """
    modes = _WRITABLE_MODES[picture_format]
    has_alpha = cut.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in cut.info
    if cut.mode in modes and "transparency" not in cut.info and (keeps_depth or cut.mode != "I;16"):
        return cut, False
    if has_alpha and cut.mode.startswith("I"):  # Pillow's own conversion clips at 255
        cut = to_averageable(cut)
    if has_alpha and "RGBA" in modes:
        return cut.convert("RGBA"), False
    if has_alpha and cut.mode in ("RGBA", "RGB", "P", "PA"):  # over white in the picture's own colour space
        rgba = cut.convert("RGBA")
        white = Image.new("RGB", rgba.size, "white")
        white.paste(rgba.convert("RGB"), mask=rgba.getchannel("A"))
        return white, False
    if cut.mode in ("P", "YCbCr"):
        return cut.convert("RGB"), False
    if cut.mode == "1":
        return cut.convert("L" if "L" in modes else "RGB"), False
    return to_rgb_over_white(cut), True


def _fitting_profile(profile: bytes | None, mode: str) -> bytes | None:
    """The profile if it speaks of pixels of this mode."""
    return profile if profile and mode in _PROFILE_SPACES.get(bytes(profile[16:20]), ()) else None


def _kept_exif(stored: Image.Image) -> bytes:
    """Who, when, where and with what; not the thumbnail, which shows what was cut off."""
    try:
        source, kept = stored.getexif(), Image.Exif()
        kept.update({tag: source[tag] for tag in _KEPT_TAGS if tag in source})
        for ifd in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo):
            details = {tag: value for tag, value in source.get_ifd(ifd).items() if tag not in _STALE_DETAILS}
            if details:
                kept.get_ifd(ifd).update(details)
        return kept.tobytes()
    except Exception:  # damaged EXIF raises whatever its parser trips over, and must not cost the picture
        return b""


def _save(
    picture: Image.Image,
    picture_format: PictureFormat,
    profile: bytes | None,
    quality: int | None,
    extras: dict[str, Any],
) -> bytes:
    # Encoders write comments, XMP and EXIF that they find in `info`, so it starts empty.
    picture.info = {}
    if profile:
        extras = {**extras, "icc_profile": profile}
    if picture_format in _DEFAULT_QUALITY:
        extras = {**extras, "quality": quality or _DEFAULT_QUALITY[picture_format]}
    buffer = BytesIO()
    picture.save(buffer, picture_format.upper(), **_SAVE_OPTIONS[picture_format], **extras)
    return buffer.getvalue()
