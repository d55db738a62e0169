"""The sizes in which the network takes photos, and which of them a photo gets.

The network takes a small fixed set of input shapes (`INPUT_SHAPES`). GAIC resizes to a short side of 256 and
rounds both sides to multiples of 32, so photos of one batch differ in shape and have to be padded, and padding
changes the scores (RoDAlign resamples the whole map). Here a photo goes to the nearest shape of the set and is
batched with photos of that shape only: its scores never depend on its batch-mates. Against GAIC's free multiples
of 32 the set costs about .007 of SRCC (measured: `model/EXPERIMENTS.md`).

Normalisation is not done here: the network takes uint8 and normalises on its device by its own constants.
"""

import math
from typing import NamedTuple


class InputShape(NamedTuple):
    """Height and width of the network's input in pixels, multiples of 32."""

    height: int
    width: int


GAIC_SHORT_SIDE = 256
# Less than GAIC's: each photo is seen twice, with its mirror image, in about the time of once at 256, and ranks as
# well (model/EXPERIMENTS.md).
SHORT_SIDE = 160
# Width / height from 1 to 2, both ways up.
_LONG_SIDES = (160, 192, 224, 256, 288, 320)
INPUT_SHAPES: tuple[InputShape, ...] = tuple(
    dict.fromkeys(
        [InputShape(SHORT_SIDE, long) for long in _LONG_SIDES]
        + [InputShape(long, SHORT_SIDE) for long in _LONG_SIDES]
    )
)


def choose_input_shape(width: int, height: int, shapes: tuple[InputShape, ...] = INPUT_SHAPES) -> InputShape:
    """The shape whose aspect ratio is nearest to the photo's, in log scale; longer strips take the longest."""
    ratio = math.log(width / height)
    return min(shapes, key=lambda shape: abs(math.log(shape.width / shape.height) - ratio))


def gaic_input_shape(width: int, height: int) -> InputShape:
    """GAIC's own rule, for the measurement of what the fixed set costs: short side 256, multiples of 32."""
    scale = GAIC_SHORT_SIDE / min(width, height)
    return InputShape(max(32, round(height * scale / 32) * 32), max(32, round(width * scale / 32) * 32))
