"""Does bfloat16 change what people get? `python -m benchmarks.precision_fidelity FCDB_TRAIN_FOLDER`

Scores the validation photos of FCDB's training part in f32 and in bf16, with the engine and the views that serve, and
compares them with each other, with people's votes and with people's crops.
"""

import sys
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from scipy.stats import spearmanr

from vrn_cropper.model.command_line import run_command
from vrn_cropper.model.data.fcdb import VotedPhoto, read_fcdb, split_fcdb
from vrn_cropper.model.network.export_info import read_export_info
from vrn_cropper.model.photos.reading import read_photo
from vrn_cropper.model.views.boxes import pairwise_iou
from vrn_cropper.model.views.crops import plan_views
from vrn_cropper.model.views.options import CropOptions
from vrn_cropper.service.engines.contract import ScoreItem
from vrn_cropper.service.engines.cpu import CpuEngine
from vrn_cropper.service.engines.cpu_limit import available_cpus
from vrn_cropper.service.settings import read_settings

PRECISIONS = ("f32", "bf16")


def scores_of(engine: CpuEngine, photo: VotedPhoto) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Candidate views (N, 4), their scores (N,), and the scores of the pairs that people voted on (P, 2)."""
    made = read_photo(photo.human_crops.path)
    views = plan_views(made.width, made.height, CropOptions()).boxes_normalized
    pairs = photo.pairs_normalized.reshape(-1, 4)
    (scores,) = engine.score(engine.prepare([ScoreItem(made.model_input, np.concatenate([views, pairs]))]))
    return views, scores[: len(views)], scores[len(views) :].reshape(-1, 2)


def compare(
    folder: Annotated[Path, typer.Argument(help="FCDB's training part: annotations.json, pairs.json, images/.")],
) -> None:
    """Print what f32 and bf16 agree on, with each other and with people."""
    _, photos = split_fcdb(read_fcdb(folder))
    export = read_export_info(read_settings({}).model_path)
    agreed: dict[str, list[np.ndarray]] = {precision: [] for precision in PRECISIONS}
    overlaps: dict[str, list[float]] = {precision: [] for precision in PRECISIONS}
    engines = [CpuEngine(export, threads=available_cpus(), precision=precision) for precision in PRECISIONS]
    for engine in engines:
        engine.load()
    correlations, same_top, differences = [], [], []
    for photo in photos:
        found = [scores_of(engine, photo) for engine in engines]
        for precision, (views, scores, of_pairs) in zip(PRECISIONS, found, strict=True):
            counted = photo.margins != 0
            agreed[precision].append(((of_pairs[:, 0] > of_pairs[:, 1]) == (photo.margins > 0))[counted])
            best = views[scores.argmax()][None]
            overlaps[precision].append(float(pairwise_iou(best, photo.human_crops.boxes_normalized).max()))
        exact, rounded = found[0][1], found[1][1]
        correlations.append(float(spearmanr(exact, rounded).statistic))
        same_top.append(exact.argmax() == rounded.argmax())
        differences.append(np.abs(exact - rounded).max() / np.ptp(exact))
    print("| precision | votes agreed with | IoU of the best crop with people's |\n|---|---|---|")
    for precision in PRECISIONS:
        print(
            f"| {precision} | {np.concatenate(agreed[precision]).mean():.1%} | {np.mean(overlaps[precision]):.3f} |"
        )
    print(f"\n{len(photos)} photos; bf16 against f32:")
    print(f"- SRCC {np.mean(correlations):.4f} on average, {min(correlations):.4f} at worst")
    print(f"- the same best crop in {np.mean(same_top):.1%}")
    print(f"- largest difference {max(differences):.3f} of a photo's range of scores")


if __name__ == "__main__":
    sys.exit(run_command(compare, None, "python -m benchmarks.precision_fidelity"))
