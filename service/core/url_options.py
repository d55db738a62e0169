"""The options of a photo by its URL, beside those of crops and pictures. Knows nothing of HTTP."""

from dataclasses import replace

from vrn_cropper.service.core.option_table import CROP_OPTIONS, ONE_PICTURE_OPTIONS, WIDTHS, Kind, Option, table

_SOURCE_OPTIONS = (
    Option(
        name="url",
        kind=Kind.TEXT,
        meaning="Where the photo is: http or https, percent-encoded, at one of the service's sources.",
        example="https://images.example.com/photos/beach.jpg",
    ),
    Option(
        name="preset",
        kind=Kind.TEXT,
        meaning="A named set of options, as the operator wrote it; options of the URL itself win over its.",
        example="card",
    ),
    Option(
        name="signature",
        kind=Kind.TEXT,
        meaning="HMAC-SHA256 of path and query, where the operator set keys for that.",
        example="mDVvrLJW7z1pkQNQ0PaLkSb8bJ3nBqjVJ6oCkzqfBzU",
    ),
    Option(
        name="expires",
        kind=Kind.TEXT,
        meaning="When a signed URL ends, in seconds since 1970.",
        example="1893456000",
    ),
)
_SRCSETS = replace(
    WIDTHS, meaning="Widths in pixels, separated by commas: each crop's `srcset` then names its picture in each."
)
# What `GET /crop` and `GET /crop/image` take: a photo by its URL.
URL_CROP_OPTIONS = table(*CROP_OPTIONS.values(), _SRCSETS, *_SOURCE_OPTIONS)
URL_PICTURE_OPTIONS = table(*ONE_PICTURE_OPTIONS.values(), *_SOURCE_OPTIONS)
