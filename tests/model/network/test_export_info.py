"""An export is read with its description, and a damaged pair is found before it is served."""

import hashlib
import json

import pytest

from vrn_cropper.model.errors import CheckpointError
from vrn_cropper.model.network.export_info import read_export_info
from vrn_cropper.model.photos.input_shapes import InputShape


@pytest.fixture
def export(tmp_path):
    graph = tmp_path / "small.onnx"
    graph.write_bytes(b"graph")
    facts = {
        "name": "small", "version": "1.2", "input_shapes": [[256, 320]],
        "sha256": hashlib.sha256(b"graph").hexdigest(), "more": "is ignored",
    }  # fmt: skip
    graph.with_suffix(".json").write_text(json.dumps(facts))
    return graph


def test_name_version_and_shapes_are_read(export):
    info = read_export_info(export)
    assert (info.path, info.name, info.version) == (export, "small", "1.2")
    assert info.input_shapes == (InputShape(256, 320),)


@pytest.mark.parametrize(
    ("damage", "hint"),
    [
        (lambda export: export.unlink(), "no exported graph"),
        (lambda export: export.write_bytes(b"grap"), "damaged"),
        (lambda export: export.with_suffix(".json").unlink(), "no description"),
        (lambda export: export.with_suffix(".json").write_text("{"), "damaged"),
        (lambda export: export.with_suffix(".json").write_text("[]"), "damaged"),
        (lambda export: export.with_suffix(".json").write_text('{"name": "x"}'), "version"),
    ],
    ids=["no graph", "graph cut short", "no description", "broken JSON", "another JSON", "keys missing"],
)
def test_every_fault_is_named(export, damage, hint):
    damage(export)
    with pytest.raises(CheckpointError, match=hint):
        read_export_info(export)


def test_description_without_shapes_is_refused(export):
    sidecar = export.with_suffix(".json")
    sidecar.write_text(json.dumps({**json.loads(sidecar.read_text()), "input_shapes": []}))
    with pytest.raises(CheckpointError, match="no input shape"):
        read_export_info(export)
