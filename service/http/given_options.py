"""A client's options as strings, from the query and from form fields: none unknown, each as often as it may be.

Knows nothing of requests and bodies.
"""

import difflib
from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from vrn_cropper.model.views.options import CropOptions
from vrn_cropper.model.views.own_boxes import BoxOptions
from vrn_cropper.service.core.option_table import PICTURE_OPTIONS, Option
from vrn_cropper.service.core.picture_request import PictureOptions, parse_widths
from vrn_cropper.service.errors import BadRequestError

_SIMILAR = 0.5  # of 1: what a misspelt name has in common with the option that was meant
# What other routes call it: `POST /crop/image` answers one crop, by its rank.
# Who may ask, and until when: no part of what is asked.
_OF_URLS = frozenset({"signature", "expires"})
_ELSEWHERE = {"top_k": "rank", "rank": "top_k"}


class GivenOptions:
    """The options of one request, in the order of `sources`: what both say identically counts once."""

    def __init__(self, known: Mapping[str, Option], *sources: Mapping[str, Sequence[str]]) -> None:
        """Raises BadRequestError for a name that is not `known`; the message says which is nearest."""
        self._values: dict[str, list[str]] = {}
        for source in sources:
            for name, values in source.items():
                if name not in known:
                    raise BadRequestError(_unknown(name, known))
                if self._values.get(name) != list(values):
                    self._values[name] = [*self._values.get(name, ()), *values]

    def many(self, name: str) -> list[str]:
        """All values of `name`, those of the first source first."""
        return self._values.get(name, [])

    def one(self, name: str) -> str | None:
        """The value of `name`, if there is one. Raises BadRequestError if there are different ones."""
        values = list(dict.fromkeys(self.many(name)))
        if len(values) > 1:
            raise BadRequestError(f"give {name} once; got {' and '.join(repr(value[:40]) for value in values[:3])}")
        return values[0] if values else None

    def canonical(self) -> str:
        """All options as one text, the same for whatever order they came in; signatures and expiry left out."""
        return urlencode(sorted((k, v) for k, vs in self._values.items() if k not in _OF_URLS for v in vs))

    def crop_options(self) -> CropOptions:
        """Raises BadRequestError or CropOptionError."""
        return CropOptions.parse(
            self.one("top_k"),
            self.many("aspect_ratio"),
            max_overlap=self.one("max_overlap"),
            keep=self.many("keep"),
            min_scale=self.one("min_scale"),
            faces=self.one("faces"),
        )

    def box_options(self) -> BoxOptions:
        """Raises BadRequestError or CropOptionError."""
        return BoxOptions.parse(self.many("box"), self.many("box_xyxy"), self.one("aspect_ratio"), self.one("faces"))

    def picture_options(self) -> PictureOptions:
        """Raises BadRequestError or CropOptionError."""
        return PictureOptions.parse(**{name: self.one(name) for name in PICTURE_OPTIONS})

    def widths(self) -> list[int]:
        """Raises BadRequestError or CropOptionError."""
        return parse_widths(self.one("widths"))


def _unknown(name: str, known: Mapping[str, Option]) -> str:
    nearest = nearest_name(name, known)
    meant = f"did you mean {nearest}? " if nearest else ""
    return f"{name[:40]!r} is no option here; {meant}the options are {', '.join(known)}"


def nearest_name(name: str, known: Mapping[str, object]) -> str | None:
    """The known name that `name` was meant for, if one is similar enough."""

    def likeness(candidate: str) -> float:
        common = difflib.SequenceMatcher(None, name.lower(), candidate).ratio()
        # `ratio` for `aspect_ratio`, `k` for `top_k`: a part of the name is most likely that name.
        is_part = name.lower() in candidate.split("_") or candidate in name.lower().split("_")
        return common + (1.0 if is_part else 0.0)

    if _ELSEWHERE.get(name) in known:
        return _ELSEWHERE[name]
    best = max(known, key=likeness, default=None)
    return best if best is not None and likeness(best) >= _SIMILAR else None
