"""One photo that every export is scored on when it is made, and again wherever it is loaded. Needs no torch.

So a library, a CPU or a GPU that computes something else is found before anybody gets a wrong crop. The photo is
arithmetic, so that it needs no file and no random numbers. Knows nothing of engines.
"""

import numpy as np

from vrn_cropper.model.errors import CheckpointError
from vrn_cropper.model.network.export_info import ExportInfo
from vrn_cropper.model.photos.input_shapes import InputShape

_BOXES = np.array(
    [[0, 0, 1, 1], [0, 0, 0.6, 0.6], [0.4, 0.4, 1, 1], [0.1, 0.3, 0.7, 0.9], [0.25, 0, 0.75, 1], [0, 0.25, 1, 0.75]],
    np.float32,
)
# Of the range of the reference scores. What rounding makes (measured: f32 1e-6, bf16 .02), with room.
_TOLERANCE = {"f32": 0.002, "f16": 0.1, "bf16": 0.2}


def reference_input(shape: InputShape) -> tuple[np.ndarray, np.ndarray]:
    """The photo, uint8 (H, W, 3), and six candidate views, float32 (6, 4)."""
    y, x, channel = np.ogrid[: shape.height, : shape.width, :3]
    waves = np.sin(x / (9 + 4 * channel)) + np.cos(y / 13 + channel) + 2.0 * (np.hypot(x - 60, y - 50) < 35)
    return ((waves + 2) / 6 * 255).astype(np.uint8), _BOXES


def check_reference(export: ExportInfo, precision: str, scores: np.ndarray) -> None:
    """Raises CheckpointError unless `scores` (6,) are what was noted at the export; older exports noted none."""
    if not export.reference_scores:
        return
    noted = np.array(export.reference_scores, np.float32)
    worst = float(np.abs(scores - noted).max() / np.ptp(noted)) if scores.shape == noted.shape else np.inf
    if not worst <= _TOLERANCE[precision]:
        raise CheckpointError(
            f"{export.path} scores its reference photo otherwise than at its export (off by {worst:.3f} of the range "
            f"in {precision}): the file is another model's, or this machine computes it wrongly"
        )
