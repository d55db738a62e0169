"""Evaluation of a checkpoint and of the baselines beside it, as one Markdown table.

    python -m vrn_cropper.model.evaluation --data DIR [--checkpoint FILE] [--mirror] [--out FILE]

Recognises the layout: `images/test` is rated photos (GAICD), `annotations.json` is photos with human crops
(FLMS). Knows nothing of training; a photo is scored by the code that serves it (`model.evaluation.vrn_scorer`).
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from vrn_cropper.model.data.gaicd import RatedPhoto, read_gaicd
from vrn_cropper.model.data.human_crops import HumanCrops, read_human_crops
from vrn_cropper.model.errors import DataError, VrnError
from vrn_cropper.model.evaluation.baselines import Method, WholeFrame, own_baselines
from vrn_cropper.model.evaluation.geometry_prior import GAICD_PRIOR, GeometryPrior, fit_prior
from vrn_cropper.model.evaluation.metrics import (
    CropMetrics,
    PhotoMetrics,
    bootstrap_interval,
    compare_with_crops,
    evaluate_photo,
)
from vrn_cropper.model.evaluation.vrn_scorer import VrnScorer
from vrn_cropper.model.network.checkpoint import DEFAULT_CHECKPOINT, load_checkpoint
from vrn_cropper.model.progress import track
from vrn_cropper.model.views.candidates import grid_views

INTERVALS = "in brackets the 95 % bootstrap interval over photos"


class Row(NamedTuple):
    """A method's measures: (P, M), one row a photo, one column a measure."""

    name: str
    values: np.ndarray


class Column(NamedTuple):
    """How a measure is written: its name, and what it is multiplied by (100 for shares)."""

    title: str
    factor: float
    digits: int


RATED_COLUMNS = (
    Column("Acc_1/5", 100, 1),
    Column("Acc_5", 100, 1),
    Column("Acc_1/10", 100, 1),
    Column("Acc_10", 100, 1),
    Column("weighted Acc_5", 100, 1),
    Column("weighted Acc_10", 100, 1),
    Column("SRCC", 1, 3),
    Column("PCC", 1, 3),
)
CROPS_COLUMNS = (Column("IoU", 1, 3), Column("BDE", 1, 3))
RATED_COMPARED, CROPS_COMPARED = PhotoMetrics._fields.index("srcc"), CropMetrics._fields.index("iou")


def evaluate_rated(method: Method, photos: Sequence[RatedPhoto]) -> Row:
    """A method's `PhotoMetrics` on photos with rated views."""
    rows = []
    for photo in track(photos, method.name):
        scores = method.scorer.score(photo.path, photo.boxes_normalized)
        rows.append(evaluate_photo(scores, photo.mos))
    return Row(method.name, np.array(rows))


def evaluate_crops(method: Method, photos: Sequence[HumanCrops]) -> Row:
    """A method's `CropMetrics` against human crops: its own box, or its top-1 view of the grid."""
    rows = []
    for photo in track(photos, method.name):
        if method.cropper is not None:
            box = method.cropper.crop(photo.path)
        else:
            views = grid_views(photo.width, photo.height)
            box = views[np.argmax(method.scorer.score(photo.path, views))]
        rows.append(compare_with_crops(box, photo.boxes_normalized))
    return Row(method.name, np.array(rows))


def best_on_grid(photos: Sequence[HumanCrops]) -> Row:
    """What no ranking of the grid can pass: for each photo the best IoU and the best BDE of any view."""
    rows = []
    for photo in photos:
        views = grid_views(photo.width, photo.height)
        values = np.array([compare_with_crops(view, photo.boxes_normalized) for view in views])
        rows.append((values[:, 0].max(), values[:, 1].min()))
    return Row("best possible on the grid", np.array(rows))


def markdown_table(rows: Sequence[Row], columns: Sequence[Column], compared: int | None) -> str:
    """Means with 95 % bootstrap intervals over photos, as Markdown.

    With `compared`, the last column says by how much a method lies below the first row in that measure. It is
    paired: the same photos are drawn for both, so it shows a difference that two separate intervals hide.
    """
    titles = ["method", *(column.title for column in columns)]
    if compared is not None:
        titles.append(f"{columns[compared].title} below {rows[0].name}")
    lines = ["| " + " | ".join(titles) + " |", "|---" * len(titles) + "|"]
    for row in rows:
        cells = [row.name, *(_cell(row.values[:, index], column) for index, column in enumerate(columns))]
        if compared is not None:
            behind = rows[0].values[:, compared] - row.values[:, compared]
            cells.append("" if row is rows[0] else _cell(behind, columns[compared]))
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _cell(values: np.ndarray, column: Column) -> str:
    mean, low, high = column.factor * np.array([values.mean(), *bootstrap_interval(values)])
    return f"{mean:.{column.digits}f} ({low:.{column.digits}f} to {high:.{column.digits}f})"


def evaluate(data: Path, network: Sequence[Method], others: Callable[[GeometryPrior], list[Method]]) -> str:
    """The report on a data set in either layout: the network's rows first, then every baseline.

    `others` gives the croppers of other packages for a prior. Raises DataError for a broken or unknown
    layout.
    """
    if (data / "annotations.json").is_file():
        photos = read_human_crops(data)
        whole = Method.of_cropper("whole frame", WholeFrame())
        methods = [*network, whole, *own_baselines(GAICD_PRIOR), *others(GAICD_PRIOR)]
        rows = [evaluate_crops(method, photos) for method in methods] + [best_on_grid(photos)]
        count = sum(len(photo.boxes_normalized) for photo in photos)
        head = f"{len(photos)} photos, {count} human crops. IoU and BDE of the top-1 crop with the nearest one"
        return f"{head}; {INTERVALS}.\n\n" + markdown_table(rows, CROPS_COLUMNS, CROPS_COMPARED if network else None)
    if (data / "images" / "test").is_dir():
        prior = fit_prior(read_gaicd(data, "train"))
        photos = read_gaicd(data, "test")
        rows = [evaluate_rated(method, photos) for method in [*network, *own_baselines(prior), *others(prior)]]
        count = sum(len(photo.mos) for photo in photos)
        head = f"{len(photos)} photos, {count} rated views. Acc in percent, ties count as hits"
        return f"{head}; {INTERVALS}.\n\n" + markdown_table(rows, RATED_COLUMNS, RATED_COMPARED if network else None)
    raise DataError(f"{data}: neither images/test (GAICD layout) nor annotations.json (human crops) is here")


def network_methods(checkpoint: Path, mirror: bool) -> list[Method]:
    """The trained network, and with `mirror` its mean over each photo and its mirror image."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    vrn = load_checkpoint(checkpoint, device)
    methods = [Method("VRN", VrnScorer(vrn, device))]
    if mirror:
        methods.append(Method("VRN, mean with the mirrored photo", VrnScorer(vrn, device, mirror=True)))
    return methods


def other_croppers(prior: GeometryPrior) -> list[Method]:
    """The croppers of other packages; none, and a line on stderr, without the extra `benchmarks`."""
    try:
        from vrn_cropper.model.evaluation import other_croppers as croppers  # an optional extra, beside the package
    except ModuleNotFoundError as error:
        print(f"left out libvips and smartcrop: {error} (pip install -e '.[benchmarks]')", file=sys.stderr)
        return []
    return croppers.other_croppers(prior)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m vrn_cropper.model.evaluation", description=__doc__.split("\n", 1)[0]
    )
    parser.add_argument("--data", type=Path, required=True, metavar="DIR")
    parser.add_argument("--checkpoint", type=Path, default=DEFAULT_CHECKPOINT, metavar="FILE")
    parser.add_argument("--baselines-only", action="store_true", help="leave the network out")
    parser.add_argument("--mirror", action="store_true", help="also score the mirrored photo and average")
    parser.add_argument("--out", type=Path, metavar="FILE", help="also write the table here")
    options = parser.parse_args(arguments)
    try:
        network = [] if options.baselines_only else network_methods(options.checkpoint, options.mirror)
        report = evaluate(options.data, network, other_croppers)
    except VrnError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(report, end="")
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(report, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
