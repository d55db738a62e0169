"""What a pass is judged by: the measures of the evaluation that people decide, on photos that no step sees.

Asks exactly what serving answers, by the code of `model.evaluation`.
"""

import numpy as np
import torch

from vrn_cropper.model.evaluation.baselines import centre_crop
from vrn_cropper.model.evaluation.calibration import VoteCounts, fit_scale, preference, reliability
from vrn_cropper.model.evaluation.geometry_prior import GAICD_PRIOR
from vrn_cropper.model.evaluation.measures.attention import attention_table
from vrn_cropper.model.evaluation.measures.voted_crops import vote_counts, voted_table
from vrn_cropper.model.evaluation.methods import RATIOS, Method
from vrn_cropper.model.evaluation.vrn_scorer import VrnScorer
from vrn_cropper.model.network.vrn import Vrn
from vrn_cropper.model.training.people.photos import ValidationPhotos

# The mean of these decides between passes: the crop that people drew, the one they vote for, where they looked.
SELECTION = ("iou", "votes", "viewing")
WAYS = [ratio.label for ratio in RATIOS if ratio.label != "16:9"]  # a 16:9 window leaves little to choose


def vote_nll(photos: list[VoteCounts], log_odds_per_score: float) -> float:
    """Mean negative log-likelihood of a vote."""
    differences = np.concatenate([photo.differences for photo in photos])
    votes = np.concatenate([photo.votes for photo in photos])
    stated = np.stack([preference(differences, log_odds_per_score), preference(-differences, log_odds_per_score)], 1)
    return float(-(votes * np.log(stated)).sum() / votes.sum())


def validate(vrn: Vrn, photos: ValidationPhotos, device: torch.device) -> dict[str, float]:
    """FCDB's IoU and shares of votes, OSIE's viewing time at the largest size, and how well scores state odds.

    `way` is the mean share of the way from the centre to what half of the viewers would choose for the others.
    """
    method = Method("VRN", VrnScorer(vrn, device), states_log_odds=True)
    table, answers = voted_table([method], photos.voted, "validating on votes")
    found = dict(zip([column.title for column in table.columns], table.rows[0].means(), strict=True))
    counts = vote_counts(photos.voted, answers[0])
    scale = fit_scale(counts)
    rows = attention_table([method, centre_crop(GAICD_PRIOR)], photos.viewed, "validating on viewing points").rows
    own, centre, people = (dict(zip([r.label for r in RATIOS], row.means(), strict=True)) for row in rows[:3])
    ways = [_way(own[label], centre[label], people[label]) for label in WAYS]
    return {
        "iou": float(found["IoU"]),
        "votes": float(found["votes agreed with, all"]),
        "clear_votes": float(found["votes agreed with, clear"]),
        "vote_nll": vote_nll(counts, scale),
        "log_odds_per_score": scale,
        "calibration_error": reliability(counts, scale).error,
        "viewing": float(np.mean([own[label] for label in WAYS])),
        "way": float(np.mean(ways)),
        **{f"viewing_{label}": float(own[label]) for label in own},
    }


def selection_value(metrics: dict[str, float]) -> float:
    """What the best pass is chosen by."""
    return float(np.mean([metrics[name] for name in SELECTION]))


def _way(value: float, start: float, end: float) -> float:
    """The share of the way from start to end; 0 where they are the same place."""
    return (value - start) / (end - start) if end != start else 0.0
