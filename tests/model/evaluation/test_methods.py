"""Methods: a scorer crops as the service does, a cropper by its own box; both answer everything in one pass."""

import numpy as np
import pytest
from PIL import Image

from vrn_cropper.model.evaluation.methods import (
    RATIOS,
    Method,
    Question,
    centred_window,
    measure_all,
    sliding_windows,
)
from vrn_cropper.model.views.boxes import normalize_boxes
from vrn_cropper.model.views.crops import plan_views, rank_crops
from vrn_cropper.model.views.options import FREE, CropOptions

PHOTO = Image.new("RGB", (600, 400))
VIEWS = np.array([[0, 0, 0.5, 0.5], [0.5, 0.5, 1, 1]], np.float32)


class CountingScorer:
    """Likes what lies to the right, and counts its passes."""

    def __init__(self):
        self.passes = 0

    def score(self, photo, boxes_normalized):
        self.passes += 1
        return boxes_normalized[:, 0] + boxes_normalized[:, 2]


class CornerCropper:
    def crop(self, photo, ratio=None):
        return np.array([0, 0, 0.5, 0.5]) if ratio is None else np.array([0, 0, ratio / 10, 0.1])


@pytest.mark.parametrize("largest", [False, True])
def test_a_scorer_crops_as_the_service_does_in_one_pass(largest):
    scorer = CountingScorer()
    ratios = (FREE, *RATIOS)
    found = Method("right", scorer, states_log_odds=True).answer(Question(PHOTO, 600, 400, ratios, largest, VIEWS))
    assert scorer.passes == 1
    options = CropOptions(top_k=1, aspect_ratios=ratios, min_scale=1.0 if largest else None)
    plan = plan_views(600, 400, options)
    served = rank_crops(plan, scorer.score(PHOTO, plan.boxes_normalized), options).crops
    np.testing.assert_array_equal(found.crops, normalize_boxes([crop.box_xyxy for crop in served], 600, 400))
    np.testing.assert_allclose(found.scores, [0.5, 1.5])


def test_of_scores_that_are_no_log_odds_the_highest_comes_first():
    scorer = CountingScorer()
    found = Method("right", scorer).answer(Question(PHOTO, 600, 400))
    views = plan_views(600, 400, CropOptions()).boxes_normalized[:-1]
    assert scorer.score(PHOTO, found.crops)[0] == scorer.score(PHOTO, views).max()


def test_a_question_about_views_alone_scores_nothing_else():
    found = Method("right", CountingScorer()).answer(Question(PHOTO, 600, 400, (), views_normalized=VIEWS))
    assert found.crops.shape == (0, 4)
    assert len(found.scores) == 2


def test_a_cropper_answers_with_its_own_boxes_and_ranks_views_by_their_overlap():
    found = Method.of_cropper("corner", CornerCropper()).answer(
        Question(PHOTO, 600, 400, (FREE, RATIOS[0]), False, VIEWS)
    )
    np.testing.assert_allclose(found.crops, [[0, 0, 0.5, 0.5], [0, 0, 0.1, 0.1]])
    assert found.scores[0] > found.scores[1]


def test_a_cropper_looks_at_a_file_once_for_each_ratio(tmp_path):
    class Counting(CornerCropper):
        calls = 0

        def crop(self, photo, ratio=None):
            Counting.calls += 1
            return super().crop(photo, ratio)

    PHOTO.save(tmp_path / "a.png")
    method = Method.of_cropper("corner", Counting())
    for _ in range(2):
        method.answer(Question(tmp_path / "a.png", 600, 400, (FREE, RATIOS[0]), views_normalized=VIEWS))
    assert Counting.calls == 2


def test_answers_come_by_method_and_photo():
    questions = [Question(PHOTO, 600, 400), Question(PHOTO, 600, 400, (FREE, *RATIOS))]
    methods = [Method("right", CountingScorer()), Method.of_cropper("corner", CornerCropper())]
    assert [[len(a.crops) for a in given] for given in measure_all(methods, questions, "x")] == [[1, 6], [1, 6]]


def test_windows_slide_along_the_side_that_leaves_room_and_start_in_the_middle():
    windows = sliding_windows(600, 400, 1.0, 5)
    np.testing.assert_allclose(windows[0], centred_window(600, 400, 1.0))
    np.testing.assert_allclose(windows[:, [1, 3]], np.tile([0, 1], (5, 1)))
    assert windows[:, 0].min() == 0
    assert windows[:, 2].max() == pytest.approx(1)
