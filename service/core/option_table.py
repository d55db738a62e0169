"""The one table of options: what each is called, takes and means. Knows nothing of HTTP and of terminals.

The OpenAPI document, the help of the command line and the tables in docs/api.md follow from it. How an option is read
is `model.views.options`, `model.views.own_boxes` and `service.core.picture_request`; a new one goes there and here.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from vrn_cropper.model.views.options import (
    BOX_PATTERN,
    DEFAULT_TOP_K,
    FACES,
    FRACTION_PATTERN,
    MAX_ASPECT_RATIOS,
    MAX_BOXES,
    MAX_KEEP_BOXES,
    MAX_TOP_K,
)
from vrn_cropper.service.core.picture_request import MAX_SIDE_PX, MAX_WIDTHS, WIDTHS_PATTERN, PictureFormat

Value = str | int | float | bool


class Kind(enum.Enum):
    """How the value of an option is written."""

    WHOLE = "a whole number"
    NUMBER = "a number"
    FLAG = "true or false"
    CHOICE = "one of a few words"
    RATIO = "a ratio"
    BOX = "four numbers: left, top, width, height"
    EDGES = "four numbers: left, top, right, bottom"
    WIDTHS = "numbers of pixels, separated by commas"
    TEXT = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One option. `meaning` is a sentence for everyone, `details` what a longer text adds.

    `above` is a bound that is not allowed itself. `example` is one value; all examples of a route go together.
    """

    name: str
    kind: Kind
    meaning: str
    details: str = ""
    example: Value
    more_examples: tuple[Value, ...] = ()
    default: Value | None = None
    least: float | None = None
    above: float | None = None
    most: float | None = None
    choices: tuple[str, ...] = ()
    max_count: int = 1

    @property
    def is_repeatable(self) -> bool:
        """Whether it may be given several times, at most `max_count`."""
        return self.max_count > 1

    @property
    def pattern(self) -> str | None:
        """What its text matches, where it is text of a form of its own."""
        return _PATTERNS.get(self.kind)

    @property
    def values(self) -> str:
        """What it takes, for people: `1 to 50, default 5`."""
        parts = [_WRITTEN.get(self.kind) or ", ".join(f"`{choice}`" for choice in self.choices) or self._range()]
        if self.is_repeatable:
            parts.append(f"repeatable, at most {self.max_count}")
        if self.default is not None:
            parts.append(f"default `{str(self.default).lower()}`")
        return "; ".join(parts)

    @property
    def metavar(self) -> str:
        """What it takes, in one word of a command line's help: `1..50`."""
        if self.choices:
            return "|".join(self.choices)
        return _METAVARS.get(self.kind) or f"{self.least or self.above or 0:g}..{self.most:g}"

    def _range(self) -> str:
        if self.above is not None:
            return f"above {self.above:g}, at most {self.most:g}"
        return f"{self.least:g} to {self.most:g}"


_PATTERNS = {
    Kind.RATIO: f"^free$|{FRACTION_PATTERN}",
    Kind.BOX: BOX_PATTERN,
    Kind.EDGES: BOX_PATTERN,
    Kind.WIDTHS: WIDTHS_PATTERN,
}
_WRITTEN = {
    Kind.RATIO: "`free`, `16:9`, `3/2`, `1.91:1`, `1.5`, between 1:100 and 100:1",
    Kind.BOX: "`x,y,width,height`",
    Kind.EDGES: "`x1,y1,x2,y2`",
    Kind.WIDTHS: f"`320,640`; at most {MAX_WIDTHS}",
    Kind.FLAG: "`false`, `true`",
    Kind.TEXT: "text",
}
_METAVARS = {
    Kind.RATIO: "RATIO",
    Kind.BOX: "X,Y,W,H",
    Kind.EDGES: "X1,Y1,X2,Y2",
    Kind.WIDTHS: "W,W",
    Kind.FLAG: "false|true",
    Kind.TEXT: "TEXT",
}


def table(*options: Option) -> Mapping[str, Option]:
    """Options by name, in order."""
    return MappingProxyType({option.name: option for option in options})


_RATIO = Option(
    name="aspect_ratio",
    kind=Kind.RATIO,
    meaning="width:height of the crops, `free` for any.",
    details="`top_k` crops for each, from one pass through the network. Crops have the ratio to within a pixel.",
    example="free",
    more_examples=("1:1", "16:9"),
    default="free",
    max_count=MAX_ASPECT_RATIOS,
)
_FACES = Option(
    name="faces",
    kind=Kind.CHOICE,
    meaning="`keep` makes crops that cut somebody's head lose to almost any that do not; `ignore` does not look for"
    " heads.",
    example="keep",
    default="keep",
    choices=FACES,
)
# Which of the candidate views may become a crop.
_WHERE = (
    Option(
        name="max_overlap",
        kind=Kind.NUMBER,
        meaning="Largest overlap (IoU) of two crops of one ratio, so that they differ.",
        details="0.7 gives crops that look different; without it neighbours in rank are often near twins.",
        example=0.7,
        least=0,
        most=1,
    ),
    Option(
        name="keep",
        kind=Kind.BOX,
        meaning="A box that every crop contains: in pixels of the upright photo, or in fractions of its sides if all"
        " four numbers are at most 1.",
        example="0.3,0.3,0.2,0.2",
        max_count=MAX_KEEP_BOXES,
    ),
    Option(
        name="min_scale",
        kind=Kind.NUMBER,
        meaning="Least share of the sides of the largest crop that the ratio allows, to within a pixel.",
        details="Of the photo itself where the ratio is free. Crops much below half of the photo's area are never"
        " proposed, whatever this says.",
        example=0.5,
        above=0,
        most=1,
    ),
    _FACES,
)
CROP_OPTIONS = table(
    Option(
        name="top_k",
        kind=Kind.WHOLE,
        meaning="How many crops for each aspect ratio.",
        example=3,
        default=DEFAULT_TOP_K,
        least=1,
        most=MAX_TOP_K,
    ),
    _RATIO,
    *_WHERE,
)
SCORE_OPTIONS = table(
    Option(
        name="box",
        kind=Kind.BOX,
        meaning="A box to score: in pixels of the upright photo, or in fractions of its sides if all four numbers are"
        " at most 1.",
        details=f"Any place and size, rounded to whole pixels. 1 to {MAX_BOXES} boxes together with `box_xyxy`.",
        example="0.1,0.1,0.6,0.6",
        more_examples=("40,20,200,150",),
        max_count=MAX_BOXES,
    ),
    Option(
        name="box_xyxy",
        kind=Kind.EDGES,
        meaning="A box to score, by its edges in pixels of the upright photo.",
        details="Answered after those of `box`.",
        example="40,20,240,170",
        max_count=MAX_BOXES,
    ),
    replace(
        _RATIO,
        meaning="The ratio that the boxes are meant for, `free` for none: their scores compare with those of crops of"
        " this `aspect_ratio`.",
        details="It does not change the boxes.",
        example="16:9",
        more_examples=(),
        max_count=1,
    ),
    _FACES,
)
PICTURE_OPTIONS = table(
    Option(
        name="width",
        kind=Kind.WHOLE,
        meaning="Largest width of the picture in pixels.",
        details="Both sides together, without `aspect_ratio`, also set the ratio.",
        example=800,
        least=1,
        most=MAX_SIDE_PX,
    ),
    Option(
        name="height",
        kind=Kind.WHOLE,
        meaning="Largest height of the picture in pixels.",
        example=600,
        least=1,
        most=MAX_SIDE_PX,
    ),
    Option(
        name="upscale",
        kind=Kind.FLAG,
        meaning="Enlarge a crop that has fewer pixels than `width` and `height` ask for.",
        example=False,
        default=False,
    ),
    Option(
        name="format",
        kind=Kind.CHOICE,
        meaning="Format of the picture; by default the source's, PNG for GIF, BMP and TIFF, JPEG for HEIC.",
        example="webp",
        choices=tuple(PictureFormat),
    ),
    Option(
        name="quality",
        kind=Kind.WHOLE,
        meaning="Quality of JPEG (default 88), WebP (84) and AVIF (70); PNG is lossless.",
        example=80,
        least=1,
        most=100,
    ),
    Option(
        name="metadata",
        kind=Kind.CHOICE,
        meaning="`keep` copies camera, date, author and GPS; `drop` leaves EXIF, GPS, XMP and IPTC out.",
        example="drop",
        default="drop",
        choices=("drop", "keep"),
    ),
)
# What `POST /crop/image` takes: one crop, by its rank, as a picture.
ONE_PICTURE_OPTIONS = table(
    replace(
        _RATIO,
        details="Without it, the ratio of `width` and `height` if both are given.",
        example="4:3",
        more_examples=(),
        default=None,  # said outright, `free` is not what is taken without it
        max_count=1,
    ),
    Option(
        name="rank",
        kind=Kind.WHOLE,
        meaning="Which of the ranked crops, 1 the best.",
        example=1,
        default=1,
        least=1,
        most=MAX_TOP_K,
    ),
    *_WHERE,
    *PICTURE_OPTIONS.values(),
)
WIDTHS = Option(
    name="widths",
    kind=Kind.WIDTHS,
    meaning="Widths in pixels, separated by commas: each crop is cut once for each of them.",
    example="320,640",
)
# What `POST /crop/images` takes: crops of several ratios as pictures of several widths.
MANY_PICTURES_OPTIONS = table(
    *(replace(option, default=1) if option.name == "top_k" else option for option in CROP_OPTIONS.values()),
    WIDTHS,
    *(option for option in PICTURE_OPTIONS.values() if option.name not in ("width", "height")),
)
