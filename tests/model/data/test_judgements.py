"""Judgements: boxes in fractions as the file says in twelfths, and a broken line named."""

import json
from pathlib import Path

import numpy as np
import pytest

from vrn_cropper.model.data.judgements import read_judgements
from vrn_cropper.model.errors import DataError

LINE = {"id": "a", "subj": [[3, 6, 6, 9, 3], [-1, 0, 6, 13, 1]], "bad": [[9, 0, 12, 6]]}


def write_lines(root: Path, *lines: str) -> None:
    (root / "judgements.jsonl").write_text("\n".join(lines) + "\n")


def test_judgements_are_read_in_twelfths(tmp_path: Path) -> None:
    views = {"best": [[0, 0, 6, 12], [3, 0, 12, 6]], "poor": [[6, 6, 12, 12]]}
    write_lines(tmp_path, json.dumps({**LINE, **views}), json.dumps({"id": "b", "subj": [], "bad": []}))
    judged = read_judgements(tmp_path)
    np.testing.assert_allclose(judged["a"].subject_boxes_normalized, [[0.25, 0.5, 0.5, 0.75], [0, 0, 0.5, 1]])
    np.testing.assert_allclose(judged["a"].subject_strengths, [1, 1 / 3])
    np.testing.assert_allclose(judged["a"].disturbance_boxes_normalized, [[0.75, 0, 1, 0.5]])
    np.testing.assert_allclose(judged["a"].main_subjects_normalized, [[0.25, 0.5, 0.5, 0.75]])
    np.testing.assert_allclose(judged["a"].best_views_normalized, [[0, 0, 0.5, 1], [0.25, 0, 1, 0.5]])
    np.testing.assert_allclose(judged["a"].poor_views_normalized, [[0.5, 0.5, 1, 1]])
    assert [part.shape[1:] for part in judged["b"]] == [(4,), (), (4,), (4,), (4,)]
    assert not any(len(part) for part in judged["b"])


def test_a_data_set_without_judgements_has_none(tmp_path: Path) -> None:
    assert read_judgements(tmp_path) == {}


@pytest.mark.parametrize("line", ["{", "[]", '{"id": "b"}', '{"id": "b", "subj": [[1, 2, 3]], "bad": []}'])
def test_a_broken_judgement_is_named_by_line(tmp_path: Path, line: str) -> None:
    write_lines(tmp_path, json.dumps(LINE), line)
    with pytest.raises(DataError, match=r"judgements\.jsonl:2: not a judgement"):
        read_judgements(tmp_path)
