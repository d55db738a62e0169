"""A tiny GAICD-layout data set with a rule in it, for training tests."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vrn_cropper.model.views.candidates import grid_views

SIZES = ((96, 72), (72, 96), (90, 90))


def write_data_set(root: Path, count: int) -> None:
    """`count` noisy photos with one bright disc each, judged its subject; views are rated by their
    distance to it.
    """
    rng = np.random.default_rng(0)
    (root / "images" / "train").mkdir(parents=True)
    (root / "annotations").mkdir()
    for index in range(count):
        width, height = SIZES[index % len(SIZES)]
        pixels = rng.integers(0, 80, (height, width, 3), dtype=np.uint8)
        centre = rng.uniform(0.3, 0.7, 2)
        y, x = np.mgrid[:height, :width]
        pixels[np.hypot(x / width - centre[0], y / height - centre[1]) < 0.15] = 240
        Image.fromarray(pixels).save(root / "images" / "train" / f"p{index:02}.jpg", quality=90)
        boxes = grid_views(width, height)
        middle = (boxes[:, :2] + boxes[:, 2:]) / 2
        mos = 4 - 4 * np.linalg.norm(middle - centre, axis=1)
        rows = np.rint(boxes * [width, height, width, height]).astype(int)
        lines = [f"{y1} {x1} {y2} {x2} {m:.2f}" for (x1, y1, x2, y2), m in zip(rows, mos, strict=True)]
        (root / "annotations" / f"p{index:02}.txt").write_text("\n".join(lines) + "\n")
        (x, y), reach = 12 * centre, 12 * 0.15
        judgement = {"id": f"p{index:02}", "subj": [[x - reach, y - reach, x + reach, y + reach, 3]], "bad": []}
        with (root / "judgements.jsonl").open("a") as judgements:
            judgements.write(json.dumps(judgement) + "\n")


@pytest.fixture(scope="session")
def tiny_gaicd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """12 photos of three shapes under `images/train`."""
    root = tmp_path_factory.mktemp("gaicd")
    write_data_set(root, 12)
    return root
