"""The ablation's rows are the paper's, and its table is arithmetic."""

from pathlib import Path

import pytest
import torch

from vrn_cropper.model.data.checks import split_validation
from vrn_cropper.model.data.gaicd import read_gaicd
from vrn_cropper.model.network.vrn import VrnConfig
from vrn_cropper.model.training.ablation import METRICS, markdown_table, rows_of_table_2, run_rows
from vrn_cropper.model.training.batches import Augmentation
from vrn_cropper.model.training.config import TrainConfig

BASE = TrainConfig(
    network=VrnConfig(hidden_sizes=(8, 4)),
    epochs=1,
    frozen_backbone=True,
    augmentation=Augmentation(),
    warm_up_steps=1,
)


def test_the_four_rows_are_splitter_by_gain_loss() -> None:
    rows = rows_of_table_2(BASE)
    switches = {name: (row.network.has_splitter, row.loss.gain_weight > 0) for name, row in rows.items()}
    assert switches == {
        "none": (False, False), "FS": (True, False), "RGL": (False, True), "FS + RGL": (True, True),
    }  # fmt: skip


def test_every_row_and_seed_is_trained_and_kept(tiny_gaicd: Path, tmp_path: Path) -> None:
    photos, held_out = split_validation(read_gaicd(tiny_gaicd, "train"), seed=0, share=0.25)
    arguments = (rows_of_table_2(BASE), photos, held_out, 2, tmp_path, "random", torch.device("cpu"))
    results = run_rows(*arguments)
    assert {name: len(runs) for name, runs in results.items()} == dict.fromkeys(rows_of_table_2(BASE), 2)
    assert all(set(METRICS) <= set(run) for runs in results.values() for run in runs)
    assert len({run["pcc"] for runs in results.values() for run in runs}) == 8, "eight different runs"
    assert run_rows(*arguments) == results, "finished runs are read, not repeated"


def test_the_table_prints_mean_and_spread() -> None:
    runs = [dict.fromkeys(METRICS, 0.5), dict.fromkeys(METRICS, 0.7)]
    row = markdown_table({"none": runs}).splitlines()[-1]
    assert row == "| none | " + " | ".join(["60.0 ± 14.1"] * 4 + ["0.600 ± 0.141"] * 2) + " |"
    assert pytest.approx(14.1, abs=0.05) == torch.tensor([50.0, 70.0]).std().item()
