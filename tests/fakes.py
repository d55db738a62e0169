"""The one fake engine and the one fake export of all tests."""

import hashlib
import json
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from vrn_cropper.model.photos.input_shapes import INPUT_SHAPES
from vrn_cropper.service.engines.contract import PreparedBatch, ScoreItem, stack_items

PATIENCE_S = 60.0
GRAPH = b"a graph"
POISON = "/secret/path: poison"


def write_export(folder: Path) -> Path:
    """A file that passes for an exported graph where the engine is a fake, with its description beside it."""
    path = folder / "tiny.onnx"
    path.write_bytes(GRAPH)
    facts = {
        "name": "tiny",
        "version": "v1",
        "input_shapes": [list(shape) for shape in INPUT_SHAPES],
        "sha256": hashlib.sha256(GRAPH).hexdigest(),
    }
    path.with_suffix(".json").write_text(json.dumps(facts))
    return path


class FakeEngine:
    """Scores a view by its left edge; a photo whose first pixel is white is poison. `calls` names what was asked.

    While `may_prepare` is cleared, nothing gets past `prepare`; `is_asked` is set once something is held there.
    """

    device, precision, best_batch_size, parallel_batches = "fake", "f32", 4, 1

    def __init__(self, load_error: Exception | None = None) -> None:
        self.load_error = load_error
        self.batches: list[int] = []
        self.calls: list[str] = []
        self.is_asked = threading.Event()
        self.may_prepare = threading.Event()
        self.may_prepare.set()

    def load(self) -> None:
        self.calls.append("load")
        if self.load_error:
            raise self.load_error

    def warm_up(self) -> None:
        self.calls.append("warm_up")

    def prepare(self, items: Sequence[ScoreItem]) -> PreparedBatch:
        self.is_asked.set()
        assert self.may_prepare.wait(PATIENCE_S), "the test never let the engine go on"
        return stack_items(items)

    def score(self, batch: PreparedBatch) -> list[np.ndarray]:
        self.calls.append("score")
        self.batches.append(len(batch.view_counts))
        if (batch.photos[:, 0, 0] == 255).all(-1).any():
            raise RuntimeError(POISON)
        scores = batch.boxes_normalized[:, :, 0]
        return [np.array(scores[row, :count]) for row, count in enumerate(batch.view_counts)]

    def memory_bytes(self) -> int | None:
        return 4096

    def close(self) -> None:
        self.calls.append("close")
