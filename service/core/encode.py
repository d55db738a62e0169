"""A crop box of a decoded photo -> the cropped picture as a file. Synchronous; knows nothing of HTTP or
scores.

The box is cut out of the stored picture first and only the cut is turned, converted and resized, so memory
grows with the crop. Orientation is baked in and a fitting colour profile is kept. Of metadata nothing goes
along unless it is asked for: GPS positions and camera names are nobody else's business.
"""

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO, Any

from PIL import Image, PngImagePlugin

from vrn_cropper.model.errors import CropRequestError
from vrn_cropper.model.photos.colour import to_averageable, to_rgb_over_white
from vrn_cropper.model.photos.colour_spaces import in_srgb, stated_space
from vrn_cropper.model.photos.lossless import is_lossless
from vrn_cropper.model.photos.orientation import orientation_of, stored_box, turned
from vrn_cropper.service.core.kept_metadata import kept_metadata
from vrn_cropper.service.core.picture_request import PictureFormat, PictureOptions

# What a format is answered as where the client names none; formats that only cameras write become JPEG.
_DEFAULT_FORMATS = {
    "PNG": PictureFormat.PNG, "GIF": PictureFormat.PNG, "BMP": PictureFormat.PNG, "TIFF": PictureFormat.PNG,
    "WEBP": PictureFormat.WEBP, "AVIF": PictureFormat.AVIF,
}  # fmt: skip
_MAX_SIDE_PX = {PictureFormat.JPEG: 65_500, PictureFormat.WEBP: 16_383, PictureFormat.AVIF: 65_536}
# An enlarged picture is work and memory that the upload does not bound.
MAX_UPSCALED_PIXELS = 40_000_000
# Of all pictures that one request cuts from a photo: work and memory that the upload does not bound either.
MAX_TOTAL_PIXELS = 120_000_000
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
# From here on JPEG keeps its colours at full resolution: text and sharp red edges show the difference.
_FULL_COLOUR_QUALITY = 90


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
    picture, is_converted = _writable(cut, picture_format, keeps_size=size == cut.size)
    profile = None if is_converted else _fitting_profile(stored.info.get("icc_profile"), picture.mode)
    if picture.size != size:
        picture = picture.resize(size, Image.Resampling.LANCZOS)
    extras = _metadata_options(stored, picture_format) if options.keeps_metadata else {}
    if picture.mode == "P" and "transparency" in picture.info:
        extras["transparency"] = picture.info["transparency"]
    if picture_format is PictureFormat.WEBP and options.quality is None and is_lossless(stored):
        extras["lossless"] = True
    return EncodedPicture(_save(picture, picture_format, profile, options.quality, extras), picture_format, *size)


def output_size(crop_w: int, crop_h: int, options: PictureOptions) -> tuple[int, int]:
    """Width and height of the picture: the crop's own, or what fits the requested `width` and `height`.

    A crop with fewer pixels than requested stays as it is unless `upscale`. Raises CropRequestError if enlarging
    would make too many pixels.
    """
    scales = [
        asked / side for asked, side in ((options.width, crop_w), (options.height, crop_h)) if asked is not None
    ]
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


def check_total_pixels(cuts: Sequence[tuple[tuple[int, int, int, int], PictureOptions]]) -> None:
    """Raises CropRequestError if several pictures together are larger than one request may cut; one always may."""
    sizes = [output_size(x2 - x1, y2 - y1, options) for (x1, y1, x2, y2), options in cuts]
    total = sum(width * height for width, height in sizes)
    if len(cuts) > 1 and total > MAX_TOTAL_PIXELS:
        raise CropRequestError(
            f"the {len(cuts)} pictures would have {total} pixels together, and one request cuts at most"
            f" {MAX_TOTAL_PIXELS}; ask for smaller or fewer ones"
        )


def _writable(cut: Image.Image, picture_format: PictureFormat, *, keeps_size: bool) -> tuple[Image.Image, bool]:
    """`cut` in a mode that the format can hold, as near to its own as there is, and whether its colours were
    converted to sRGB for that: they need no profile then.
    """
    modes = _WRITABLE_MODES[picture_format]
    has_alpha = cut.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in cut.info
    if cut.mode == "P" and picture_format is PictureFormat.PNG and keeps_size:
        return cut, False  # few colours stay few: as RGB the file would be several times larger
    if cut.mode in modes and "transparency" not in cut.info and (keeps_size or cut.mode != "I;16"):
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


def _metadata_options(stored: Image.Image, picture_format: PictureFormat) -> dict[str, Any]:
    """The kept metadata as the format's encoder takes it; what the format has no place for is left out."""
    kept = kept_metadata(stored)
    if picture_format not in (PictureFormat.JPEG, PictureFormat.PNG):
        kept.pop("dpi", None)
    iptc = kept.pop("iptc", b"")
    if iptc and picture_format is PictureFormat.JPEG:
        content = b"Photoshop 3.0\x00" + iptc
        kept["extra"] = b"\xff\xed" + (len(content) + 2).to_bytes(2) + content
    if picture_format is PictureFormat.PNG and (xmp := kept.pop("xmp", b"")):
        kept["pnginfo"] = PngImagePlugin.PngInfo()
        kept["pnginfo"].add_itxt("XML:com.adobe.xmp", xmp.decode("utf-8", "replace"))
    return kept


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
    if picture_format is PictureFormat.JPEG and extras["quality"] >= _FULL_COLOUR_QUALITY:
        extras = {**extras, "subsampling": "4:4:4"}
    with _file_in_memory() as file:
        picture.save(file, picture_format.upper(), **_SAVE_OPTIONS[picture_format], **extras)
        file.seek(0)
        return file.read()


def _file_in_memory() -> IO[bytes]:
    """A file of the system: to a `BytesIO` Pillow writes a JPEG with the interpreter held, 0.3 s at 12 megapixels."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("picture", os.MFD_CLOEXEC), "w+b")
    return tempfile.TemporaryFile()
