"""Named sets of options for URLs: the operator writes them once, and pages name them.

Text such as `card: aspect_ratio=16:9&width=640; avatar: aspect_ratio=1:1&width=96&height=96`.
"""

import re
from collections.abc import Container, Mapping
from types import MappingProxyType
from urllib.parse import parse_qs

from vrn_cropper.service.errors import BadRequestError, StartUpError

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
Values = Mapping[str, list[str]]


class Presets:
    """Presets by name."""

    def __init__(self, presets: Mapping[str, Values]) -> None:
        self._presets = presets

    @classmethod
    def parse(cls, text: str, known: Container[str]) -> "Presets":
        """Raises StartUpError for what is no preset, and for an option that is not `known`."""
        presets: dict[str, Values] = {}
        for entry in filter(None, map(str.strip, text.split(";"))):
            name, _, query = (part.strip() for part in entry.partition(":"))
            try:
                options = parse_qs(query, strict_parsing=True)
            except ValueError:
                options = {}
            if not _NAME.fullmatch(name) or not options:
                raise StartUpError(
                    f"VRN_PRESETS: {entry[:80]!r} is no preset such as card: aspect_ratio=16:9&width=640"
                )
            for option in options:
                if option not in known:
                    raise StartUpError(f"VRN_PRESETS: {name} names {option!r}, which is no option")
            presets[name] = MappingProxyType(options)
        return cls(presets)

    def options(self, name: str) -> Values:
        """Raises BadRequestError for a name that is none."""
        if name not in self._presets:
            there_are = f"there are {', '.join(self._presets)}" if self._presets else "this service has none"
            raise BadRequestError(f"preset {name[:64]!r} is not known; {there_are}")
        return self._presets[name]
