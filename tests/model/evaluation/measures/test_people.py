"""What people say: crops, votes and viewing points are measured by hand-checked numbers."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vrn_cropper.model.data.attention import ViewedPhoto
from vrn_cropper.model.data.fcdb import VotedPhoto
from vrn_cropper.model.data.human_crops import HumanCrops
from vrn_cropper.model.evaluation.measures.attention import attention_table, half_the_viewers, kept_share
from vrn_cropper.model.evaluation.measures.human_crops import best_possible, human_crops_table, people
from vrn_cropper.model.evaluation.measures.voted_crops import agreement, by_margin, vote_counts, voted_table
from vrn_cropper.model.evaluation.methods import RATIOS, Method
from vrn_cropper.model.views.boxes import area

WHOLE, LEFT, RIGHT = [0, 0, 1, 1], [0, 0, 0.5, 1], [0.5, 0, 1, 1]


class BoxCropper:
    def __init__(self, box):
        self.box = np.array(box, dtype=float)

    def crop(self, photo, ratio=None):
        return self.box


class AreaScorer:
    def score(self, photo, boxes_normalized):
        return area(boxes_normalized)


def crops(tmp_path, boxes):
    path = tmp_path / "a.png"
    Image.new("RGB", (300, 200)).save(path)
    return HumanCrops("a.png", path, 300, 200, np.array(boxes, np.float32))


def cell(table, row, column):
    (found,) = [r for r in table.rows if r.name == row]
    return found.values[0, column]


def test_iou_with_the_nearest_human_crop_and_with_all(tmp_path):
    table = human_crops_table([Method.of_cropper("left", BoxCropper(LEFT))], [crops(tmp_path, [LEFT, WHOLE])], "x")
    assert cell(table, "left", 0) == 1
    assert cell(table, "left", 1) == 0
    assert cell(table, "left", 2) == 0.75
    assert cell(table, "a person, judged by the others", 2) == 0.5


def test_people_are_judged_by_the_others_alone(tmp_path):
    row = people([crops(tmp_path, [WHOLE, WHOLE, LEFT])])
    # Two find their like, the third has half of the photo; on average over all others .75, .75 and .5.
    np.testing.assert_allclose(row.values[0][[0, 2]], [(1 + 1 + 0.5) / 3, (0.75 + 0.75 + 0.5) / 3])


def test_no_candidate_view_passes_the_best_possible(tmp_path):
    photo = crops(tmp_path, [LEFT])
    best = best_possible([photo]).values[0]
    found = human_crops_table([Method("largest", AreaScorer())], [photo], "x").rows[0].values[0]
    assert best[0] >= found[0]
    assert best[1] <= found[1]
    assert best[2] >= found[2]


def voted(tmp_path):
    pairs = np.array([[WHOLE, LEFT], [LEFT, WHOLE], [WHOLE, RIGHT], [LEFT, RIGHT]], np.float32)
    votes = np.array([[5, 0], [4, 1], [3, 2], [1, 4]])
    return VotedPhoto(crops(tmp_path, [WHOLE]), pairs, votes)


def test_votes_are_counted_by_margin(tmp_path):
    photo = voted(tmp_path)
    table, answers = voted_table([Method("larger", AreaScorer())], [photo], "x")
    row = table.rows[0]
    # Right on 5:0 and 3:2, wrong on the first 4:1, undecided on the second.
    np.testing.assert_allclose(row.values[0, 2:], [2.5 / 4, 1, 0.25, 1, 1.5 / 3])
    np.testing.assert_array_equal(row.weights[0, 2:], [4, 1, 2, 1, 3])
    np.testing.assert_allclose(table.rows[-1].values[0, 2:], [0.8, 0.6, 0.8, 1, 2.6 / 3])
    (counts,) = vote_counts([photo], answers[0])
    np.testing.assert_allclose(counts.differences, [0.5, -0.5, 0.5, 0])


def test_a_draw_of_the_voters_is_not_counted_and_one_of_the_scores_half():
    assert agreement(np.array([1.0, -1.0, 0.0]), np.array([3, 3, -1])).tolist() == [1, 0, 0.5]
    assert by_margin(np.array([1.0, 0.0]), np.array([0, 1])) == ([0, 0, 0, 0, 0], [1, 1, 0, 0, 0])


def viewed(tmp_path, *viewers):
    path = crops(tmp_path, [WHOLE]).path
    return ViewedPhoto("a.png", path, 300, 200, tuple(np.array(v, dtype=float) for v in viewers))


def test_the_share_of_viewing_time_counts_milliseconds():
    points = np.array([[0.1, 0.5, 300], [0.9, 0.5, 100]])
    assert kept_share(np.array(LEFT), points) == 0.75
    assert kept_share(np.array(WHOLE), points) == 1


def test_half_of_the_viewers_choose_well_where_all_look_at_one_place(tmp_path):
    at_the_left = [[0.02, 0.5, 100]]
    photo = viewed(tmp_path, *[at_the_left] * 4)
    np.testing.assert_allclose(half_the_viewers([photo]).values, np.ones((1, len(RATIOS))))
    table = attention_table([Method.of_cropper("right", BoxCropper(RIGHT))], [photo], "x")
    assert not cell(table, "right", slice(None)).any()
    assert cell(table, "best possible", slice(None)).all()


def test_one_viewer_cannot_be_judged_by_others(tmp_path):
    assert np.isnan(half_the_viewers([viewed(tmp_path, [[0.5, 0.5, 1]])]).values).all()


@pytest.mark.skipif(not (Path(__file__).parents[5] / "shared").is_dir(), reason="../shared/data is not here")
def test_people_on_flms_are_what_its_readme_says():
    from vrn_cropper.model.data.human_crops import read_human_crops

    means = people(read_human_crops(Path(__file__).parents[5] / "shared" / "data" / "flms20")).values.mean(axis=0)
    assert means[0] == pytest.approx(0.800, abs=0.001)
    assert means[2] == pytest.approx(0.592, abs=0.001)
