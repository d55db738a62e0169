"""The options of the cropped picture, parsed and checked. Knows nothing of HTTP and of pixels."""

import enum
import re
from dataclasses import dataclass, replace

from vrn_cropper.model.errors import CropOptionError
from vrn_cropper.model.views.options import FREE, AspectRatio, CropOptions

MAX_SIDE_PX = 32_768
MAX_WIDTHS = 20
WIDTHS_PATTERN = rf"^ *[0-9]{{1,5}} *(?:, *[0-9]{{1,5}} *){{0,{MAX_WIDTHS - 1}}}$"


class PictureFormat(enum.StrEnum):
    """Formats that are written."""

    JPEG = "jpeg"
    PNG = "png"
    WEBP = "webp"
    AVIF = "avif"

    @property
    def media_type(self) -> str:
        """As in `Content-Type`."""
        return f"image/{self.value}"

    @property
    def suffix(self) -> str:
        """As in a file name, with the dot."""
        return ".jpg" if self is PictureFormat.JPEG else f".{self.value}"


@dataclass(frozen=True, slots=True)
class PictureOptions:
    """Options of the picture. `format` None is the source's; `quality` None is the format's default.

    `width`, `height`: pixels that the picture fits into. With `is_exact` the crop was made for exactly these.
    """

    width: int | None = None
    height: int | None = None
    upscale: bool = False
    format: PictureFormat | None = None
    quality: int | None = None
    keeps_metadata: bool = False
    is_exact: bool = False

    @classmethod
    def parse(
        cls,
        width: str | None = None,
        height: str | None = None,
        upscale: str | None = None,
        format: str | None = None,
        quality: str | None = None,
        metadata: str | None = None,
    ) -> "PictureOptions":
        """Options from a client's strings. Raises CropOptionError."""
        return cls(
            width=_parse_whole("width", width, MAX_SIDE_PX),
            height=_parse_whole("height", height, MAX_SIDE_PX),
            upscale=_parse_choice("upscale", upscale, ("false", "true")) == "true",
            format=PictureFormat(_parse_choice("format", format.replace("jpg", "jpeg"), tuple(PictureFormat)))
            if format is not None
            else None,
            quality=_parse_whole("quality", quality, 100),
            keeps_metadata=_parse_choice("metadata", metadata, ("drop", "keep")) == "keep",
        )


def parse_widths(text: str | None) -> list[int]:
    """Widths in pixels from `320,640`, in order, each once; none of None. Raises CropOptionError."""
    if text is None:
        return []
    if not re.match(WIDTHS_PATTERN, text):
        raise CropOptionError(f"widths are 1 to {MAX_WIDTHS} numbers of pixels such as 320,640; got {text[:60]!r}")
    widths = list(dict.fromkeys(int(part) for part in text.split(",")))
    if not all(1 <= width <= MAX_SIDE_PX for width in widths):
        raise CropOptionError(f"widths are from 1 to {MAX_SIDE_PX} pixels; got {text[:60]!r}")
    return widths


def match_ratio(
    crops: CropOptions, picture: PictureOptions, *, is_ratio_given: bool
) -> tuple[CropOptions, PictureOptions]:
    """Both with the rule of the ratio applied: where none is asked for, `width` and `height` together set it.

    The picture then has exactly these sides; with a ratio of its own the crop is fitted into them.
    """
    if is_ratio_given:
        return crops, picture
    has_both = picture.width is not None and picture.height is not None
    ratio = AspectRatio.parse(f"{picture.width}:{picture.height}") if has_both else FREE
    return replace(crops, aspect_ratios=(ratio,)), replace(picture, is_exact=True)


def _parse_whole(name: str, text: str | None, most: int) -> int | None:
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]{1,6}", text.strip(), re.ASCII) or not 1 <= int(text.strip()) <= most:
        raise CropOptionError(f"{name} is a whole number from 1 to {most}; got {text[:40]!r}")
    return int(text.strip())


def _parse_choice(name: str, text: str | None, allowed: tuple[str, ...]) -> str:
    """One of `allowed`; the first if none is given."""
    if text is None:
        return allowed[0]
    if text.strip().lower() not in allowed:
        raise CropOptionError(f"{name} is one of {', '.join(allowed)}; got {text[:40]!r}")
    return text.strip().lower()
