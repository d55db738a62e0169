"""The options of a request for crops: parsed, checked, frozen. The same for HTTP, command line and Python.

Knows nothing of any photo: whether one can meet an option is decided in `model.views.crops`, which knows its size.
"""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from vrn_cropper.model.errors import CropOptionError

MAX_TOP_K = 50
DEFAULT_TOP_K = 5
# Every ratio adds about a hundred candidate views to the photo's pass through the heads.
MAX_ASPECT_RATIOS = 10
MAX_KEEP_BOXES = 100
# Of a caller's own boxes (`model.views.own_boxes`): about what ten ratios add to a photo's pass.
MAX_BOXES = 500
FACES = ("keep", "ignore")
_MAX_RATIO = 100.0
_NUMBER = r"[0-9]{1,9}(?:\.[0-9]{1,9})?"
# How options are written; the API's document shows these to programs.
FRACTION_PATTERN = rf"^ *({_NUMBER}) *(?:[:/] *({_NUMBER}) *)?$"
BOX_PATTERN = rf"^ *({_NUMBER}) *, *({_NUMBER}) *, *({_NUMBER}) *, *({_NUMBER}) *$"
_SHARE_PATTERN = r"(?:[0-9](?:\.[0-9]{0,20})?|\.[0-9]{1,20})(?:[eE]-?[0-9]{1,3})?"
_ROUNDING = 1e-6  # what a fraction such as 0.1 + 0.9 may be off by


@dataclass(frozen=True, slots=True)
class AspectRatio:
    """A wanted width / height of the crop; `value` None leaves it free. `label` is the caller's own
    spelling.
    """

    label: str
    value: float | None

    @classmethod
    def parse(cls, text: str) -> "AspectRatio":
        """`free`, `16:9`, `3/2`, `1.91:1` or `1.5`. Raises CropOptionError."""
        if text.strip().lower() == "free":
            return FREE
        match = re.match(FRACTION_PATTERN, text)
        value = math.nan
        if match and float(match[2] or 1) > 0:
            value = float(match[1]) / float(match[2] or 1)
        if not 1 / _MAX_RATIO <= value <= _MAX_RATIO:
            raise CropOptionError(
                f"aspect_ratio is 'free' or width:height between 1:{_MAX_RATIO:g} and {_MAX_RATIO:g}:1, such"
                f" as '16:9', '3/2' or '1.5'; got {text[:40]!r}"
            )
        return cls(label=text.strip(), value=value)


FREE = AspectRatio(label="free", value=None)


@dataclass(frozen=True, slots=True)
class KeepBox:
    """A part of the photo that every crop contains: `x`, `y`, `width`, `height` from its top left corner.

    If all four numbers are at most 1 they are fractions of the photo's sides, else pixels of the upright
    photo.
    """

    x: float
    y: float
    width: float
    height: float

    def __post_init__(self) -> None:
        numbers = (self.x, self.y, self.width, self.height)
        if not all(math.isfinite(n) for n in numbers) or min(self.x, self.y) < 0:
            raise CropOptionError(_keep_message(",".join(f"{n:g}" for n in numbers)))
        if self.width <= 0 or self.height <= 0:
            raise CropOptionError("keep is a box with a width and a height above 0")
        if self.is_normalized and max(self.x + self.width, self.y + self.height) > 1 + _ROUNDING:
            raise CropOptionError("keep reaches outside the photo: x + width and y + height are at most 1")

    @property
    def is_normalized(self) -> bool:
        """Whether the numbers are fractions of the photo's sides."""
        return max(self.x, self.y, self.width, self.height) <= 1

    @classmethod
    def parse(cls, text: str) -> "KeepBox":
        """`x,y,width,height`. Raises CropOptionError."""
        match = re.match(BOX_PATTERN, text)
        if not match:
            raise CropOptionError(_keep_message(text))
        return cls(*(float(number) for number in match.groups()))


def _keep_message(got: str) -> str:
    return (
        "keep is x,y,width,height in pixels of the upright photo, or in fractions of its sides (all at most 1),"
        f" such as '120,80,300,200' or '0.1,0.2,0.5,0.5'; got {got[:60]!r}"
    )


@dataclass(frozen=True, slots=True)
class CropOptions:
    """The options of one request: `top_k` crops for each of `aspect_ratios`, in that order.

    `max_overlap`: largest IoU, 0 to 1, of two crops of one ratio. `keep`: boxes that every crop contains.
    `min_scale`: least size of a crop, as a share (above 0, at most 1) of the sides of the largest crop that
    its ratio allows; the photo itself where the ratio is free. `keeps_heads`: a view that cuts a head costs more
    than almost any that does not. Raises CropOptionError if an option is out of
    range.
    """

    top_k: int = DEFAULT_TOP_K
    aspect_ratios: tuple[AspectRatio, ...] = (FREE,)
    max_overlap: float | None = None
    keep: tuple[KeepBox, ...] = ()
    min_scale: float | None = None
    keeps_heads: bool = True

    def __post_init__(self) -> None:
        if isinstance(self.top_k, bool) or not isinstance(self.top_k, int) or not 1 <= self.top_k <= MAX_TOP_K:
            raise CropOptionError(f"top_k is a whole number from 1 to {MAX_TOP_K}; got {self.top_k}")
        if not 1 <= len(self.aspect_ratios) <= MAX_ASPECT_RATIOS:
            raise CropOptionError(_ratios_message(len(self.aspect_ratios)))
        if len(self.keep) > MAX_KEEP_BOXES:
            raise CropOptionError(f"give at most {MAX_KEEP_BOXES} boxes to keep; got {len(self.keep)}")
        if self.max_overlap is not None and not 0 <= self.max_overlap <= 1:
            raise CropOptionError(f"max_overlap is an IoU from 0 to 1; got {self.max_overlap:g}")
        if self.min_scale is not None and not 0 < self.min_scale <= 1:
            raise CropOptionError(f"min_scale is a share above 0 and at most 1; got {self.min_scale:g}")

    @classmethod
    def parse(
        cls,
        top_k: str | None = None,
        aspect_ratios: Iterable[str] = (),
        *,
        max_overlap: str | None = None,
        keep: Iterable[str] = (),
        min_scale: str | None = None,
        faces: str | None = None,
    ) -> "CropOptions":
        """Options from a client's strings; what is missing takes its default. Raises CropOptionError."""
        return cls(
            top_k=DEFAULT_TOP_K if top_k is None else _parse_top_k(top_k),
            aspect_ratios=unique_ratios(aspect_ratios),
            max_overlap=_parse_share("max_overlap", "an IoU from 0 to 1", max_overlap),
            keep=tuple(KeepBox.parse(text) for text in keep),
            min_scale=_parse_share("min_scale", "a share above 0 and at most 1", min_scale),
            keeps_heads=parse_faces(faces),
        )


def unique_ratios(ratios: Iterable[str | float | AspectRatio]) -> tuple[AspectRatio, ...]:
    """Ratios from strings or numbers, each once, in order; free if there is none. Raises CropOptionError."""
    given = list(ratios)
    if len(given) > MAX_ASPECT_RATIOS:
        raise CropOptionError(_ratios_message(len(given)))
    parsed = (r if isinstance(r, AspectRatio) else AspectRatio.parse(str(r)) for r in given)
    return tuple(dict.fromkeys(parsed)) or (FREE,)


def _ratios_message(count: int) -> str:
    return f"give 1 to {MAX_ASPECT_RATIOS} aspect ratios; got {count}"


def keep_boxes(boxes: Iterable[Sequence[float] | KeepBox]) -> tuple[KeepBox, ...]:
    """Boxes from (x, y, width, height). Raises CropOptionError."""
    kept = []
    for box in boxes:
        if not isinstance(box, KeepBox) and len(box) != 4:
            raise CropOptionError(_keep_message(str(tuple(box))))
        kept.append(box if isinstance(box, KeepBox) else KeepBox(*(float(number) for number in box)))
    return tuple(kept)


def parse_faces(text: str | None) -> bool:
    """Whether heads are kept whole: `keep`, the default, or `ignore`. Raises CropOptionError."""
    if text is not None and text.strip().lower() not in FACES:
        raise CropOptionError(f"faces is {' or '.join(FACES)}; got {text[:40]!r}")
    return text is None or text.strip().lower() == FACES[0]


def _parse_top_k(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,4}", text.strip()):
        raise CropOptionError(f"top_k is a whole number from 1 to {MAX_TOP_K}; got {text[:40]!r}")
    return int(text.strip())


def _parse_share(name: str, meaning: str, text: str | None) -> float | None:
    if text is None:
        return None
    if not re.fullmatch(_SHARE_PATTERN, text.strip()):
        raise CropOptionError(f"{name} is {meaning}; got {text[:40]!r}")
    return float(text.strip())
