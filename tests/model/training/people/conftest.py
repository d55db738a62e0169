"""A tiny folder of data sets with people's labels: discs that votes, crops and viewing points agree on."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vrn_cropper.model.views.candidates import grid_views

SIZES = ((96, 72), (72, 96))


def write_disc(path: Path, size: tuple[int, int], centre: np.ndarray, rng: np.random.Generator) -> None:
    """A noisy photo with one bright disc."""
    width, height = size
    pixels = rng.integers(0, 80, (height, width, 3), dtype=np.uint8)
    y, x = np.mgrid[:height, :width]
    pixels[np.hypot(x / width - centre[0], y / height - centre[1]) < 0.15] = 240
    Image.fromarray(pixels).save(path, quality=90)


def write_voted(root: Path, count: int, rng: np.random.Generator) -> None:
    """FCDB's layout: people crop around the disc and vote for what holds it."""
    (root / "images").mkdir(parents=True)
    crops, pairs = {}, {}
    for index in range(count):
        name, (width, height) = f"v{index:02}.jpg", SIZES[index % 2]
        centre = rng.uniform(0.35, 0.65, 2)
        write_disc(root / "images" / name, (width, height), centre, rng)
        scale = np.array([width, height, width, height])
        around = np.concatenate([centre - 0.3, centre + 0.3]) * scale
        beside = np.array([0, 0, 0.5, 0.5]) * scale
        crops[name] = {"size": [width, height], "boxes_xyxy": [around.tolist()]}
        pairs[name] = [{"boxes_xyxy": [around.tolist(), beside.tolist()], "votes": [4, 1]}] * 3
    (root / "annotations.json").write_text(json.dumps(crops))
    (root / "pairs.json").write_text(json.dumps(pairs))


def write_rated(root: Path, count: int, rng: np.random.Generator) -> dict[str, list]:
    """GAICD's layout with judgements; the viewing points of the photos, all on the disc."""
    for split in ("train", "test"):
        (root / "images" / split).mkdir(parents=True)
    (root / "annotations").mkdir()
    points, judgements = {}, []
    for index in range(count):
        stem, (width, height) = f"o{index:02}", SIZES[index % 2]
        centre = rng.uniform(0.35, 0.65, 2)
        write_disc(root / "images" / "train" / f"{stem}.jpg", (width, height), centre, rng)
        views = grid_views(width, height)
        mos = 4 - 4 * np.linalg.norm((views[:, :2] + views[:, 2:]) / 2 - centre, axis=1)
        rows = np.rint(views * [width, height, width, height]).astype(int)
        lines = [f"{y1} {x1} {y2} {x2} {m:.2f}" for (x1, y1, x2, y2), m in zip(rows, mos, strict=True)]
        (root / "annotations" / f"{stem}.txt").write_text("\n".join(lines) + "\n")
        disc, best = (np.concatenate([centre - r, centre + r]) * 12 for r in (0.15, 0.3))
        judgements.append(
            json.dumps({"id": stem, "subj": [[*disc, 3]], "bad": [[0, 0, 2, 2]], "best": [best.tolist()]})
        )
        points[f"{stem}.jpg"] = [[[*(centre + rng.normal(0, 0.02, 2)), 200] for _ in range(4)] for _ in range(2)]
    (root / "judgements.jsonl").write_text("\n".join(judgements) + "\n")
    return points


@pytest.fixture(scope="session")
def tiny_people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight photos with votes, ten with ratings, of which two validate by viewing points too."""
    root = tmp_path_factory.mktemp("people")
    rng = np.random.default_rng(0)
    write_voted(root / "fcdb" / "train", 8, rng)
    write_voted(root / "fcdb" / "test", 1, rng)
    points = write_rated(root / "crops", 10, rng)
    (root / "attention").mkdir()
    (root / "attention" / "discs.json").write_text(json.dumps({"train": points}))
    return root
