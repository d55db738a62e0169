"""Tables: right numbers in the cells, and what does not apply is no number."""

import re

import numpy as np
import pytest

from vrn_cropper.model.evaluation.tables import Column, Row, Table, markdown_table

SHARES, IOU = (Column("Acc", 100, 1),), (Column("IoU"),)


def test_a_cell_holds_mean_and_interval_in_the_columns_unit():
    values = np.tile(np.array([[0.0], [1.0]]), (50, 1))
    (cell,) = re.findall(r"\| a \| ([^|]*) \|", markdown_table([Row("a", values)], SHARES, None))
    mean, low, high = map(float, re.fullmatch(r"(\S+) \((\S+) to (\S+)\)", cell).groups())
    assert mean == 50
    assert low == pytest.approx(40, abs=2)
    assert high == pytest.approx(60, abs=2)


def test_the_paired_difference_is_sharper_than_the_two_intervals():
    level = np.random.default_rng(0).random((100, 1))
    rows = [Row("a", level), Row("b", level - 0.02)]
    assert "| 0.020 (0.020 to 0.020) |" in markdown_table(rows, IOU, compared=0)


def test_a_mean_weighs_photos_by_what_is_counted_on_them():
    row = Row("a", np.array([[1.0], [0.0]]), np.array([[3], [1]]))
    assert "| 75.0 (" in markdown_table([row], SHARES, None)


def test_a_measure_that_does_not_apply_is_a_dash_and_no_number():
    rows = [Row("a", np.ones((3, 1))), Row("b", np.full((3, 1), np.nan))]
    text = Table("Title", "3 photos", IOU, rows, 0).markdown()
    assert text.startswith("## Title\n\n3 photos. In brackets")
    assert "| b | – | – |" in text
