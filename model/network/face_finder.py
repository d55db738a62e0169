"""Heads in a photo: Google's BlazeFace, full range, on ONNX Runtime. Needs no torch.

`weights/face-detector.onnx` comes from `model.network.face_graph` (Apache-2.0). It looks at the network's own small
input, so that it costs no second decode, and finds nearly every head from an eighth of the photo's height up
(model/EXPERIMENTS.md). Knows nothing of crops.
"""

from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image

from vrn_cropper.model.errors import CheckpointError
from vrn_cropper.model.views.boxes import pairwise_iou

DEFAULT_FACE_GRAPH = Path(__file__).resolve().parent.parent / "weights" / "face-detector.onnx"
LONG_SIDE_PX = 160
LEAST_SCORE = 0.4
MAX_OVERLAP = 0.3  # of two faces, by IoU
ABOVE = 0.4  # of the face's height: a face box begins at the forehead, a head above it
_CELL_PX = 4
_MULTIPLE_PX = 32
_VALUES_A_CELL = 17


class FaceFinder:
    """The detector, ready. Safe to use from several threads; each call takes one core."""

    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        """For a ready session; `FaceFinder.load()` makes it."""
        self._session = session

    @classmethod
    def load(cls, path: Path = DEFAULT_FACE_GRAPH) -> "FaceFinder":
        """Raises CheckpointError if the file is missing or another graph."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3  # errors: it writes to standard error itself
        options.enable_mem_pattern = False  # one would be kept for every shape
        if not path.is_file():
            raise CheckpointError(f"there is no face detector at {path}")
        try:
            session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # the library's errors have no base of their own
            raise CheckpointError(f"{path} is not a graph that ONNX Runtime can run: {error}") from error
        if [port.shape[-1] for port in (*session.get_inputs(), *session.get_outputs())] != [3, _VALUES_A_CELL]:
            raise CheckpointError(f"{path} is not the face detector of this package")
        return cls(session)

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        """Boxes of heads float64 (F, 4), normalized, most certain first, of an upright photo uint8 (H, W, 3).

        A head is the face and what is above it, inside the photo.
        """
        faces, scores = self.faces(pixels)
        heads = strongest(faces, scores)
        heads[:, 1] -= ABOVE * (heads[:, 3] - heads[:, 1])
        return np.clip(heads, 0, 1)

    def faces(
        self, pixels: np.ndarray, least_score: float = LEAST_SCORE, long_side_px: int = LONG_SIDE_PX
    ) -> tuple[np.ndarray, np.ndarray]:
        """All faces found, overlapping ones too: boxes (A, 4), normalized, and scores (A,) from 0 to 1."""
        scale = long_side_px / max(pixels.shape[:2])
        # What the network can halve five times; a face may look a sixth wider than it is, which it stands.
        height, width = (max(1, round(side * scale / _MULTIPLE_PX)) * _MULTIPLE_PX for side in pixels.shape[:2])
        small = Image.fromarray(pixels).resize((width, height), Image.Resampling.BILINEAR)
        (cells,) = self._session.run(None, {"photos": np.asarray(small)[None]})
        return decode(cells[0], least_score)


def decode(cells: np.ndarray, least_score: float) -> tuple[np.ndarray, np.ndarray]:
    """Faces (A, 4), normalized, and scores (A,) from the graph's cells (H/4, W/4, 17).

    A cell holds the score's logit, then centre, size and six points in pixels of the input, from the cell's middle.
    """
    height, width = (side * _CELL_PX for side in cells.shape[:2])
    scores = 1 / (1 + np.exp(-np.clip(cells[..., 0], -50, 50)))
    rows, columns = np.nonzero(scores >= least_score)
    x, y, across, down = cells[rows, columns, 1:5].T.astype(np.float64)
    centres = np.stack([(columns + 0.5) * _CELL_PX + x, (rows + 0.5) * _CELL_PX + y], axis=1)
    half = np.stack([across, down], axis=1) / 2
    boxes = np.concatenate([centres - half, centres + half], axis=1) / (width, height, width, height)
    return boxes, scores[rows, columns]


def strongest(boxes: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Boxes (F, 4) by score, without those that overlap a stronger one."""
    taken: list[int] = []
    for index in np.argsort(-scores, kind="stable"):
        if not taken or pairwise_iou(boxes[index], boxes[taken]).max() <= MAX_OVERLAP:
            taken.append(int(index))
    return boxes[taken].reshape(-1, 4).copy()
