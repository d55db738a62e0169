"""Ranked crops for the eye: drawn over the photo, and as a sketch in HTML for notebooks. Knows Pillow."""

import html
from collections.abc import Sequence
from typing import Protocol

from PIL import Image, ImageDraw, ImageFont

from vrn_cropper.model.views.options import AspectRatio

MAX_SIDE_PX = 1600
_DIMMED = 0.35  # brightness of what a crop leaves out
_COLOURS = ((255, 255, 255), (255, 196, 61), (91, 192, 235), (155, 229, 100), (239, 111, 108))
_SKETCH_PX = 220
_COLUMNS = ("ratio", "rank", "x1, y1, x2, y2", "score", "preferred to whole")


class Ranked(Protocol):
    """What is drawn of a ranked crop (`model.views.crops.Crop`)."""

    @property
    def rank(self) -> int: ...
    @property
    def aspect_ratio(self) -> AspectRatio: ...
    @property
    def score(self) -> float: ...
    @property
    def box_xyxy(self) -> tuple[int, int, int, int]: ...
    @property
    def preferred_to_whole(self) -> float: ...


def draw_crops(
    upright: Image.Image, size: tuple[int, int], crops: Sequence[Ranked], whole_score: float, max_side_px: int
) -> Image.Image:
    """RGB, at most `max_side_px` a side: the best crop of the first ratio over the dimmed photo with lines of thirds,
    outlines of the other ratios' best, and their scores. `upright` is the photo of `size` in RGB, at any scale.
    """
    lit = upright.copy()
    lit.thumbnail((max_side_px, max_side_px))
    best = [crop for crop in crops if crop.rank == 1]
    picture = lit.point(lambda value: int(value * _DIMMED))
    inside = _scaled(best[0], size, lit.size)
    picture.paste(lit.crop(inside), inside)
    draw = ImageDraw.Draw(picture)
    line = max(2, max(picture.size) // 400)
    _draw_thirds(draw, inside, line)
    for crop, colour in reversed(list(zip(best, _COLOURS * 2, strict=False))):
        draw.rectangle(_scaled(crop, size, lit.size), outline=colour, width=line)
    _draw_caption(draw, picture.size, best, whole_score)
    return picture


def sketch_html(size: tuple[int, int], crops: Sequence[Ranked]) -> str:
    """A sketch of the best crop of each ratio inside the photo's frame, and a table of all."""
    width, height = size
    scale = _SKETCH_PX / max(size)
    frames = "".join(
        f'<rect x="{x1}" y="{y1}" width="{x2 - x1}" height="{y2 - y1}" fill="none" stroke="rgb{colour}"'
        f' stroke-width="{2 / scale:.3g}"/>'
        for crop, colour in zip((c for c in crops if c.rank == 1), _COLOURS * 2, strict=False)
        for x1, y1, x2, y2 in [crop.box_xyxy]
    )
    rows = "".join(
        f"<tr><td>{html.escape(crop.aspect_ratio.label)}</td><td>{crop.rank}</td>"
        f"<td>{', '.join(map(str, crop.box_xyxy))}</td><td>{crop.score:+.3f}</td>"
        f"<td>{crop.preferred_to_whole:.0%}</td></tr>"
        for crop in crops
    )
    return (
        f'<svg width="{width * scale:.0f}" height="{height * scale:.0f}"'
        f' viewBox="0 0 {width} {height}" style="background:#555">{frames}</svg>'
        f"<table><caption>{width} x {height} pixels, upright</caption>"
        f"<tr>{''.join(f'<th>{name}</th>' for name in _COLUMNS)}</tr>{rows}</table>"
    )


def _scaled(crop: Ranked, size: tuple[int, int], drawn: tuple[int, int]) -> tuple[int, int, int, int]:
    across, down = drawn[0] / size[0], drawn[1] / size[1]
    x1, y1, x2, y2 = crop.box_xyxy
    left, top = min(round(x1 * across), drawn[0] - 1), min(round(y1 * down), drawn[1] - 1)
    return left, top, max(round(x2 * across), left + 1), max(round(y2 * down), top + 1)


def _draw_thirds(draw: ImageDraw.ImageDraw, box: tuple[int, int, int, int], line: int) -> None:
    x1, y1, x2, y2 = box
    for third in (1, 2):
        x, y = x1 + (x2 - x1) * third // 3, y1 + (y2 - y1) * third // 3
        draw.line((x, y1, x, y2), fill=(200, 200, 200), width=max(1, line // 2))
        draw.line((x1, y, x2, y), fill=(200, 200, 200), width=max(1, line // 2))


def _draw_caption(draw: ImageDraw.ImageDraw, size: tuple[int, int], best: list[Ranked], whole_score: float) -> None:
    scores = "  ".join(f"{crop.aspect_ratio.label} {crop.score:+.2f}" for crop in best)
    text = f"{scores}  (whole {whole_score:+.2f})"
    font = ImageFont.load_default(max(10, max(size) // 50))
    left, top, right, bottom = draw.textbbox((8, 6), text, font=font)
    draw.rectangle((left - 6, top - 4, right + 6, bottom + 4), fill=(0, 0, 0))
    draw.text((8, 6), text, font=font, fill=(255, 255, 255))
