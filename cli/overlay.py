"""The photo with its best crop drawn over it: the rest dimmed, lines of thirds inside, the score in a corner."""

from io import BytesIO

from PIL import Image, ImageDraw, ImageFont, ImageOps

from vrn_cropper.model.photos.colour import to_rgb_over_white
from vrn_cropper.model.views.crops import Crop, RankedCrops

MAX_SIDE_PX = 1600
_DIMMED = 0.35  # brightness of what a crop leaves out
_COLOURS = ((255, 255, 255), (255, 196, 61), (91, 192, 235), (155, 229, 100), (239, 111, 108))


def draw_overlay(photo: bytes, ranked: RankedCrops) -> bytes:
    """A JPEG, at most `MAX_SIDE_PX` a side: the best crop of the first ratio, and outlines of other ratios' best."""
    with Image.open(BytesIO(photo)) as image:
        image.draft("RGB", (MAX_SIDE_PX, MAX_SIDE_PX))
        upright = to_rgb_over_white(ImageOps.exif_transpose(image))
    upright.thumbnail((MAX_SIDE_PX, MAX_SIDE_PX))
    best = [crop for crop in ranked.crops if crop.rank == 1]
    picture = upright.point(lambda value: int(value * _DIMMED))
    inside = _scaled(best[0], ranked, upright.size)
    picture.paste(upright.crop(inside), inside)
    draw = ImageDraw.Draw(picture)
    line = max(2, max(picture.size) // 400)
    _draw_thirds(draw, inside, line)
    for crop, colour in reversed(list(zip(best, _COLOURS * 2, strict=False))):
        draw.rectangle(_scaled(crop, ranked, upright.size), outline=colour, width=line)
    _draw_caption(draw, picture.size, best, ranked)
    buffer = BytesIO()
    picture.save(buffer, "JPEG", quality=88)
    return buffer.getvalue()


def _scaled(crop: Crop, ranked: RankedCrops, size: tuple[int, int]) -> tuple[int, int, int, int]:
    across, down = size[0] / ranked.width, size[1] / ranked.height
    x1, y1, x2, y2 = crop.box_xyxy
    left, top = min(round(x1 * across), size[0] - 1), min(round(y1 * down), size[1] - 1)
    return left, top, max(round(x2 * across), left + 1), max(round(y2 * down), top + 1)


def _draw_thirds(draw: ImageDraw.ImageDraw, box: tuple[int, int, int, int], line: int) -> None:
    x1, y1, x2, y2 = box
    for third in (1, 2):
        x, y = x1 + (x2 - x1) * third // 3, y1 + (y2 - y1) * third // 3
        draw.line((x, y1, x, y2), fill=(200, 200, 200), width=max(1, line // 2))
        draw.line((x1, y, x2, y), fill=(200, 200, 200), width=max(1, line // 2))


def _draw_caption(draw: ImageDraw.ImageDraw, size: tuple[int, int], best: list[Crop], ranked: RankedCrops) -> None:
    scores = "  ".join(f"{crop.aspect_ratio.label} {crop.score:+.2f}" for crop in best)
    text = f"{scores}  (whole {ranked.whole_frame_score:+.2f})"
    font = ImageFont.load_default(max(10, max(size) // 50))
    left, top, right, bottom = draw.textbbox((8, 6), text, font=font)
    draw.rectangle((left - 6, top - 4, right + 6, bottom + 4), fill=(0, 0, 0))
    draw.text((8, 6), text, font=font, fill=(255, 255, 255))
