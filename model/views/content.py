"""What of a photo is worth framing: not the bars around a picture, and nothing in particular of a single colour.

Looks at the network's input. Numpy alone.
"""

from dataclasses import dataclass

import numpy as np

Box = tuple[int, int, int, int]
# Of 255 levels: what compression leaves of one colour, and what makes an edge.
_SAME, _OTHER = 6, 12
# Of the network's pixels. A bar is as long as its side, comes with one of equal width across, and ends at a straight
# edge that most of its length shows: so the plain background of a product is none.
_MIN_BAR, _MAX_DIFFERENCE, _EDGE_DEPTH = 3, 2, 4
_EDGE_SHARE = 0.7
_MIN_CONTENT_SHARE = 0.3


@dataclass(frozen=True, slots=True)
class PhotoContent:
    """`box_normalized` is x1 y1 x2 y2 of the picture inside its bars, rounded inwards; the whole photo without any.
    `is_flat` says that all of the photo has one colour.
    """

    box_normalized: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)
    is_flat: bool = False

    def box_xyxy(self, width: int, height: int) -> Box:
        """The same in whole pixels of a photo of this size, at least one a side."""
        x1, y1, x2, y2 = self.box_normalized
        left, top = int(np.ceil(x1 * width)), int(np.ceil(y1 * height))
        return left, top, max(left + 1, int(x2 * width)), max(top + 1, int(y2 * height))

    def room(self, width: int, height: int, keep_xyxy: Box | None) -> tuple[int, int, int, int, Box | None]:
        """Left, top, width and height of where the views of such a photo lie, and the box to keep in pixels from
        there. A box to keep that reaches outside the picture has the whole photo as its room.
        """
        x1, y1, x2, y2 = self.box_xyxy(width, height)
        if keep_xyxy is None:
            return x1, y1, x2 - x1, y2 - y1, None
        left, top, right, bottom = keep_xyxy
        if left < x1 or top < y1 or right > x2 or bottom > y2:
            return 0, 0, width, height, keep_xyxy
        return x1, y1, x2 - x1, y2 - y1, (left - x1, top - y1, right - x1, bottom - y1)


WHOLE = PhotoContent()


def content_of(model_input: np.ndarray) -> PhotoContent:
    """Of a photo as the network takes it: uint8 (H, W, 3)."""
    pixels = model_input.astype(np.int16)
    if _is_flat(pixels[::8, ::8]) and _is_flat(pixels):  # a few pixels tell of nearly every photo that it is not
        return PhotoContent(is_flat=True)
    height, width = pixels.shape[:2]
    top, bottom = _bars(pixels)
    left, right = _bars(pixels[top : height - bottom].swapaxes(0, 1))
    if (height - top - bottom) < _MIN_CONTENT_SHARE * height or (width - left - right) < _MIN_CONTENT_SHARE * width:
        return WHOLE
    return PhotoContent((left / width, top / height, 1 - right / width, 1 - bottom / height))


def _is_flat(pixels: np.ndarray) -> bool:
    return bool((pixels.max(axis=(0, 1)) - pixels.min(axis=(0, 1))).max() <= _SAME)


def _bars(rows: np.ndarray) -> tuple[int, int]:
    """Rows of the bars at the first and the last row of int16 (R, N, 3); 0, 0 unless there is a pair."""
    first, last = _bar(rows), _bar(rows[::-1])
    is_pair = min(first, last) >= _MIN_BAR and abs(first - last) <= _MAX_DIFFERENCE
    # One more is cut: the row in which bar and picture were averaged.
    return (first + 1, last + 1) if is_pair and first + last + 2 < len(rows) else (0, 0)


def _bar(rows: np.ndarray) -> int:
    colour = np.median(rows[0], axis=0)
    if not (np.abs(rows[:_MIN_BAR] - colour) <= _SAME).all():
        return 0  # of nearly every photo: its other rows need no look
    is_bar = (np.abs(rows - colour) <= _SAME).all(axis=(1, 2))
    count = len(rows) if is_bar.all() else int(np.argmin(is_bar))
    behind = np.abs(rows[count : count + _EDGE_DEPTH] - colour)
    has_edge = behind.size > 0 and (behind > _OTHER).any(axis=(0, 2)).mean() >= _EDGE_SHARE
    return count if has_edge else 0
