"""Heads in a photo, found by a face detector: an offline oracle for what a crop should not cut.

Google's BlazeFace, full range, as carried by the Apache-2.0 npm package `@mediapipe/face_detection`
(`face_detection_full_range.tflite`), on OpenVINO. The photo is looked at whole and in four overlapping quarters, so
that smaller faces are found too. Knows nothing of crops.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import openvino
from PIL import Image

from vrn_cropper.model.data.gaicd import load_upright_rgb
from vrn_cropper.model.errors import CheckpointError
from vrn_cropper.model.photos.reading import Photo
from vrn_cropper.model.views.boxes import pairwise_iou

INPUT_PX = 192
GRID = 48  # one anchor in the middle of each cell
LEAST_SCORE = 0.7
MAX_OVERLAP = 0.3  # of two faces, by IoU
ABOVE = 0.4  # of the face's height: a face box begins at the forehead, a head above it
TILES = (
    (0.0, 0.0, 1.0, 1.0), (0.0, 0.0, 0.6, 0.6), (0.4, 0.0, 1.0, 0.6), (0.0, 0.4, 0.6, 1.0), (0.4, 0.4, 1.0, 1.0),
)  # fmt: skip


@dataclass(frozen=True)
class FaceDetector:
    """The compiled detector."""

    compiled: openvino.CompiledModel

    @classmethod
    def load(cls, path: Path) -> "FaceDetector":
        """Raises CheckpointError if the file is missing or another graph."""
        if not path.is_file():
            raise CheckpointError(f"there is no face detector at {path}")
        try:
            compiled = openvino.Core().compile_model(path, "CPU")
        except RuntimeError as error:
            raise CheckpointError(f"{path} is not a graph that OpenVINO can run: {error}") from error
        shapes = [tuple(port.shape) for port in (*compiled.inputs, *compiled.outputs)]
        if shapes != [(1, INPUT_PX, INPUT_PX, 3), (1, GRID**2, 16), (1, GRID**2, 1)]:
            raise CheckpointError(f"{path} is not face_detection_full_range.tflite: its shapes are {shapes}")
        return cls(compiled)

    def heads(self, photo: Photo) -> np.ndarray:
        """Boxes of heads (F, 4), normalized, most certain first: the face and what is above it, inside the photo."""
        source = load_upright_rgb(photo)
        boxes, scores = zip(*(self._look(source, tile) for tile in TILES), strict=True)
        faces = strongest(np.concatenate(boxes), np.concatenate(scores))
        faces[:, 1] -= ABOVE * (faces[:, 3] - faces[:, 1])
        return np.clip(faces, 0, 1)

    def _look(self, source: Image.Image, tile: tuple[float, float, float, float]) -> tuple[np.ndarray, np.ndarray]:
        """Boxes (F, 4) normalized to the whole photo, and scores (F,), of one part of it."""
        x1, y1, x2, y2 = np.rint(np.array(tile) * np.tile(source.size, 2)).astype(int).tolist()
        side = max(x2 - x1, y2 - y1)  # the detector wants a square: the rest stays black
        square = Image.new("RGB", (side, side))
        square.paste(source.crop((x1, y1, x2, y2)))
        pixels = np.asarray(square.resize((INPUT_PX, INPUT_PX), Image.Resampling.BILINEAR), np.float32)
        outputs = self.compiled(pixels[None] / 127.5 - 1)
        scores = 1 / (1 + np.exp(-np.clip(outputs[1][0, :, 0], -50, 50)))
        found = scores >= LEAST_SCORE
        boxes = decode(outputs[0][0])[found] * side
        return (boxes + np.array([x1, y1, x1, y1])) / np.tile(source.size, 2), scores[found]


def decode(regressors: np.ndarray) -> np.ndarray:
    """Boxes (A, 4) x1 y1 x2 y2 in shares of the input, from the graph's (A, 16): centre, size, six points."""
    row, column = np.divmod(np.arange(len(regressors)), GRID)
    centres = (np.stack([column, row], axis=1) + 0.5) / GRID + regressors[:, :2] / INPUT_PX
    half = regressors[:, 2:4] / INPUT_PX / 2
    return np.concatenate([centres - half, centres + half], axis=1)


def strongest(boxes: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Boxes (F, 4) by score, without those that overlap a stronger one."""
    taken: list[int] = []
    for index in np.argsort(-scores, kind="stable"):
        if not taken or pairwise_iou(boxes[index], boxes[taken]).max() <= MAX_OVERLAP:
            taken.append(int(index))
    return boxes[taken].reshape(-1, 4).copy()
