"""Where people looked (OSIE): share of viewing time inside the largest crop of a ratio.

Of equally large crops the one that keeps more of what people looked at loses less; this says nothing of beauty.
"""

from collections.abc import Sequence

import numpy as np

from vrn_cropper.model.data.attention import ViewedPhoto
from vrn_cropper.model.evaluation.methods import RATIOS, Method, Question, measure_all, sliding_windows
from vrn_cropper.model.evaluation.tables import Column, Row, Table

WINDOW_STEPS = 97
HALVES = 10  # random halves of the viewers, averaged
COLUMNS = tuple(Column(ratio.label) for ratio in RATIOS)


def kept_share(box_normalized: np.ndarray, points: np.ndarray) -> float:
    """Share of the viewing time of points (F, 3) inside a box (4,)."""
    x1, y1, x2, y2 = box_normalized
    inside = (points[:, 0] >= x1) & (points[:, 0] <= x2) & (points[:, 1] >= y1) & (points[:, 1] <= y2)
    return float(points[inside, 2].sum() / points[:, 2].sum())


def attention_table(methods: Sequence[Method], photos: Sequence[ViewedPhoto], title: str) -> Table:
    """Every method at the largest size of each ratio, half of the viewers judged by the others, and the best."""
    questions = [Question(p.path, p.width, p.height, RATIOS, largest=True) for p in photos]
    rows = []
    for method, answers in zip(methods, measure_all(methods, questions, title), strict=True):
        values = [[kept_share(box, p.points()) for box in a.crops] for a, p in zip(answers, photos, strict=True)]
        rows.append(Row(method.name, np.array(values)))
    rows += [half_the_viewers(photos), best_windows(photos)]
    text = (
        f"{len(photos)} photos, {sum(len(p.viewers) for p in photos)} viewings. Share of viewing time inside the crop"
    )
    return Table(title, text, COLUMNS, rows)


def half_the_viewers(photos: Sequence[ViewedPhoto], seed: int = 0) -> Row:
    """The window that keeps most of what one half of the viewers looked at, judged by the other half."""
    rng = np.random.default_rng(seed)
    values = []
    for photo in photos:
        found = []
        for _ in range(HALVES if len(photo.viewers) > 1 else 0):
            order = rng.permutation(len(photo.viewers))
            chosen, judges = np.array_split(order, 2)
            own, others = (np.concatenate([photo.viewers[i] for i in half]) for half in (chosen, judges))
            found.append([kept_share(_best_window(photo, ratio.value, own), others) for ratio in RATIOS])
        values.append(np.mean(found, axis=0) if found else np.full(len(RATIOS), np.nan))
    return Row("half of the viewers, judged by the others", np.array(values))


def best_windows(photos: Sequence[ViewedPhoto]) -> Row:
    """The window that keeps most of what all viewers looked at."""
    values = [
        [kept_share(_best_window(photo, ratio.value, photo.points()), photo.points()) for ratio in RATIOS]
        for photo in photos
    ]
    return Row("best possible", np.array(values))


def _best_window(photo: ViewedPhoto, ratio: float | None, points: np.ndarray) -> np.ndarray:
    assert ratio is not None  # RATIOS are all fixed
    windows = sliding_windows(photo.width, photo.height, ratio, WINDOW_STEPS)
    return windows[int(np.argmax([kept_share(window, points) for window in windows]))]
