"""What a client may wish of its crops, parsed and checked. Knows nothing of HTTP and of pixels."""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

from service.errors import BadRequestError

MAX_TOP_K = 50
DEFAULT_TOP_K = 5
# Every ratio adds about a hundred candidate views to the photo's pass through the heads.
MAX_ASPECT_RATIOS = 10
_MAX_RATIO = 100.0
_FRACTION = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*(?:[:/]\s*(\d+(?:\.\d+)?)\s*)?$", re.ASCII)


@dataclass(frozen=True, slots=True)
class AspectRatio:
    """A wanted width / height of the crop; `value` None leaves it free. `label` is the client's own
    spelling.
    """

    label: str
    value: float | None

    @classmethod
    def parse(cls, text: str) -> "AspectRatio":
        """`free`, `16:9`, `3/2`, `1.91:1` or `1.5`. Raises BadRequestError."""
        if text.strip().lower() == "free":
            return FREE
        match = _FRACTION.match(text)
        value = math.nan
        if match and float(match[2] or 1) > 0:
            value = float(match[1]) / float(match[2] or 1)
        if not 1 / _MAX_RATIO <= value <= _MAX_RATIO:
            raise BadRequestError(
                f"aspect_ratio is 'free' or width:height between 1:{_MAX_RATIO:g} and {_MAX_RATIO:g}:1, such"
                f" as '16:9', '3/2' or '1.5'; got {text[:40]!r}"
            )
        return cls(label=text.strip(), value=value)


FREE = AspectRatio(label="free", value=None)


@dataclass(frozen=True, slots=True)
class CropOptions:
    """The wishes of one request: `top_k` crops for each of `aspect_ratios`, in that order.

    Raises BadRequestError if a wish is out of range.
    """

    top_k: int = DEFAULT_TOP_K
    aspect_ratios: tuple[AspectRatio, ...] = (FREE,)

    def __post_init__(self) -> None:
        if not 1 <= self.top_k <= MAX_TOP_K:
            raise BadRequestError(f"top_k is a whole number from 1 to {MAX_TOP_K}; got {self.top_k}")
        if not 1 <= len(self.aspect_ratios) <= MAX_ASPECT_RATIOS:
            raise BadRequestError(f"give 1 to {MAX_ASPECT_RATIOS} aspect ratios; got {len(self.aspect_ratios)}")

    @classmethod
    def parse(cls, top_k: str | None = None, aspect_ratios: Iterable[str] = ()) -> "CropOptions":
        """Options from a client's strings; what is missing takes its default. Raises BadRequestError."""
        ratios = tuple(dict.fromkeys(AspectRatio.parse(text) for text in aspect_ratios))
        return cls(top_k=_parse_top_k(top_k), aspect_ratios=ratios or (FREE,))


def _parse_top_k(text: str | None) -> int:
    if text is None:
        return DEFAULT_TOP_K
    if not re.fullmatch(r"[0-9]{1,4}", text.strip()):
        raise BadRequestError(f"top_k is a whole number from 1 to {MAX_TOP_K}; got {text[:40]!r}")
    return int(text)
