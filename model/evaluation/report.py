"""Every table that a folder of data allows, in one report: people first, model-made ratings last.

Recognises the layouts: `images/test` is rated photos (GAICD), with `judgements.jsonl` their subjects;
`annotations.json` is photos with human crops (FLMS), with `pairs.json` votes (FCDB); a JSON file in `attention/` is
viewing points of photos of the rated data set. Knows nothing of command lines and checkpoints.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from vrn_cropper.model.data.attention import read_attention, split_attention
from vrn_cropper.model.data.checks import split_validation
from vrn_cropper.model.data.fcdb import PAIRS, VotedPhoto, read_fcdb, split_fcdb
from vrn_cropper.model.data.gaicd import RatedPhoto, read_gaicd, read_validation
from vrn_cropper.model.data.human_crops import read_human_crops
from vrn_cropper.model.data.judgements import read_judgements
from vrn_cropper.model.errors import DataError
from vrn_cropper.model.evaluation.baselines import centre_crop, own_baselines, whole_frame
from vrn_cropper.model.evaluation.calibration import draw_reliability, error_interval, fit_scale, reliability
from vrn_cropper.model.evaluation.faces import HeadOracle
from vrn_cropper.model.evaluation.geometry_prior import GAICD_PRIOR, GeometryPrior, fit_prior
from vrn_cropper.model.evaluation.measures.attention import attention_table
from vrn_cropper.model.evaluation.measures.human_crops import human_crops_table
from vrn_cropper.model.evaluation.measures.mos import mos_table
from vrn_cropper.model.evaluation.measures.stability import stability_markdown
from vrn_cropper.model.evaluation.measures.subjects import Subjects, subjects_table
from vrn_cropper.model.evaluation.measures.voted_crops import ask_voted, vote_counts, voted_table
from vrn_cropper.model.evaluation.methods import Method, measure_all

Split = Literal["test", "validation"]
RATED_SEED, RATED_SHARE = 0, 0.1  # of `images/train`, as training holds it out
HEAD_KEPT, SUBJECT_KEPT = 0.9, 0.5  # a head is cut if less than this of its box is kept; a main subject, if halved
Croppers = Callable[[GeometryPrior], list[Method]]


@dataclass(frozen=True)
class DataFolders:
    """Where each kind of data lies; None where there is none. `voted` has `test/` and `train/`, or is one set."""

    rated: Path | None = None
    voted: Path | None = None
    human_crops: Path | None = None
    viewed: Path | None = None  # the JSON file


def find_data(root: Path) -> DataFolders:
    """The data in `root`, which is one data set or a folder of them. Raises DataError where there is none."""
    kinds: dict[str, Path] = {}
    for folder in [root, *sorted(path for path in root.glob("*") if path.is_dir())]:
        kind = _kind(folder)
        if kind:
            kinds.setdefault(kind, folder)
        if folder == root and kind:
            break
    viewed = sorted((root / "attention").glob("*.json"))
    if not kinds:
        raise DataError(
            f"{root}: no data set here or in a folder of it; looked for images/test (GAICD layout), annotations.json"
            " (human crops) and test/annotations.json with pairs.json (votes)"
        )
    return DataFolders(**kinds, viewed=viewed[0] if viewed and "rated" in kinds else None)


def _kind(folder: Path) -> str | None:
    if (folder / PAIRS).is_file() or (folder / "test" / PAIRS).is_file():
        return "voted"
    if (folder / "annotations.json").is_file():
        return "human_crops"
    return "rated" if (folder / "images" / "test").is_dir() else None


@dataclass(frozen=True)
class Evaluation:
    """What is evaluated: the network's rows first, `others` gives the croppers of other packages for a prior.

    `split`: the test photos, or the validation part of the training photos, on which choices are made.
    `faces` finds heads, offline; `figures` is where the reliability plot goes.
    """

    network: Sequence[Method]
    others: Croppers
    split: Split = "test"
    faces: HeadOracle | None = None
    figures: Path | None = None

    def report(self, data: DataFolders) -> Iterator[str]:
        """Markdown parts, each as soon as it is measured."""
        if data.voted:
            yield from self._voted(data.voted)
        if data.human_crops and self.split == "test":
            photos = read_human_crops(data.human_crops)
            methods = [*self.network, whole_frame(), *own_baselines(GAICD_PRIOR), *self.others(GAICD_PRIOR)]
            yield human_crops_table(methods, photos, f"Crops that people drew: {data.human_crops.name}").markdown()
        if data.viewed and data.rated:
            split_photos = read_attention(data.viewed, data.rated, "test" if self.split == "test" else "train")
            viewed = split_photos if self.split == "test" else split_attention(split_photos)[1]
            title = f"Where people looked: {data.viewed.stem}, {self.split}"
            yield attention_table(self._at_ratios(), viewed, title).markdown()
        if data.rated:
            yield from self._rated(data.rated)

    def _at_ratios(self) -> list[Method]:
        """The network and the baselines that crop to a given ratio."""
        return [*self.network, centre_crop(GAICD_PRIOR), *self.others(GAICD_PRIOR)]

    def _voted(self, root: Path) -> Iterator[str]:
        photos, validation = _voted_photos(root, self.split)
        methods = [*self.network, whole_frame(), *own_baselines(GAICD_PRIOR), *self.others(GAICD_PRIOR)]
        title = f"People's crops and votes: {root.name}, {self.split}"
        table, answers = voted_table(methods, photos, title)
        yield table.markdown()
        if not self.network or not validation:
            return
        method = self.network[0]
        if self.split == "test":
            fitted = vote_counts(validation, measure_all([method], ask_voted(validation), "calibration")[0])
        else:
            fitted = vote_counts(photos, answers[0])
        scale = fit_scale(fitted)
        asked = vote_counts(photos, answers[0])
        found, (low, high) = reliability(asked, scale), error_interval(asked, scale)
        yield (
            f"Share of people who prefer A to B, stated as 1 / (1 + exp(-{scale:.2f} x score difference)), the factor"
            f" fitted on {len(validation)} validation photos: expected calibration error {found.error:.3f}"
            f" ({low:.3f} to {high:.3f}) of {method.name} on {self.split} photos.\n"
        )
        if self.figures:
            draw_reliability(found, self.figures / "reliability.png")

    def _rated(self, root: Path) -> Iterator[str]:
        training, photos = _rated_photos(root, self.split)
        judged = read_judgements(root)
        if judged:
            subjects = [
                _subjects(photo, judged[Path(photo.name).stem].main_subjects_normalized)
                for photo in photos
                if Path(photo.name).stem in judged
            ]
            table = subjects_table(
                self._at_ratios(), subjects, f"Main subjects cut, {self.split}", "main subjects", SUBJECT_KEPT
            )
            yield table.markdown()
        if self.faces is not None:
            heads = [_subjects(photo, self.faces.heads(photo.path)) for photo in photos if photo.path]
            blind = [
                replace(method, name=f"{method.name}, heads ignored", find_heads=None) for method in self.network
            ]
            table = subjects_table(
                [*blind, *self._at_ratios()], heads, f"Heads cut, {self.split}", "heads", HEAD_KEPT
            )
            yield table.markdown()
        if self.network:
            yield stability_markdown(self.network[0], photos, f"Stability, {self.split}")
        prior = fit_prior(training)
        methods = [*self.network, *own_baselines(prior), *self.others(prior)]
        yield mos_table(methods, photos, f"Rated views: {root.name}, {self.split}").markdown()


def _blind(method: Method) -> Method:
    """The method without its care for heads."""
    return replace(method, name=f"{method.name}, heads ignored", find_heads=None)


def _subjects(photo: RatedPhoto, boxes_normalized: np.ndarray) -> Subjects:
    assert photo.path is not None
    return Subjects(photo.path, photo.width, photo.height, boxes_normalized)


def _voted_photos(root: Path, split: str) -> tuple[list[VotedPhoto], list[VotedPhoto]]:
    """(photos to measure, validation photos); a lone set is measured whole and has no validation part."""
    if (root / PAIRS).is_file():
        return read_fcdb(root), []
    validation = split_fcdb(read_fcdb(root / "train"))[1] if (root / "train" / PAIRS).is_file() else []
    if split == "test":
        return read_fcdb(root / "test"), validation
    if not validation:
        raise DataError(f"{root / 'train'}: no {PAIRS} here, so there is no validation part")
    return validation, validation


def _rated_photos(root: Path, split: str) -> tuple[list[RatedPhoto], list[RatedPhoto]]:
    """(training photos for the prior, photos to measure)."""
    training = read_gaicd(root, "train")
    if split == "test":
        return training, read_gaicd(root, "test")
    held_out = read_validation(root)
    return (training, held_out) if held_out else split_validation(training, seed=RATED_SEED, share=RATED_SHARE)
