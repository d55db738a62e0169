"""One place chooses how the graph is run, and both libraries give the scores of torch's export."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from vrn_cropper.model.errors import CheckpointError
from vrn_cropper.model.network.export_info import read_export_info
from vrn_cropper.model.network.inference import GraphError, choose_precision, open_graph
from vrn_cropper.model.network.reference import check_reference, reference_input

EXPORT = Path(__file__).parents[3] / "model" / "weights" / "vrn-mobilenetv2.onnx"
PRECISIONS = [
    "f32",
    pytest.param(
        "bf16", marks=pytest.mark.skipif(choose_precision("auto", lambda: True) != "bf16", reason="no OpenVINO")
    ),
]


def yes():
    return True


def no():
    return False


@pytest.mark.parametrize(
    ("wanted", "has_amx", "has_openvino", "chosen"),
    [("auto", yes, yes, "bf16"), ("auto", yes, no, "f32"), ("auto", no, yes, "f32"), ("f32", yes, yes, "f32"),
     ("bf16", no, yes, "bf16")],
)  # fmt: skip
def test_auto_is_bf16_where_amx_and_its_library_are(wanted, has_amx, has_openvino, chosen):
    assert choose_precision(wanted, has_amx, has_openvino) == chosen


def test_bf16_without_its_library_is_refused_with_what_to_take_instead():
    with pytest.raises(CheckpointError, match="take f32"):
        choose_precision("bf16", no, no)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_graph_scores_its_reference_photo_as_torch_did(precision):
    export = read_export_info(EXPORT)
    photo, boxes = reference_input(export.input_shapes[0])
    assert export.reference_scores
    check_reference(export, precision, open_graph(EXPORT, precision, threads=1)(photo[None], boxes[None])[0])


@pytest.mark.parametrize("precision", PRECISIONS)
def test_calls_at_once_get_what_each_gets_alone(precision):
    graph = open_graph(EXPORT, precision, threads=2, streams=2)
    photo, boxes = reference_input(read_export_info(EXPORT).input_shapes[0])
    photos = [np.roll(photo, 20 * number, axis=1)[None] for number in range(8)]
    alone = [graph(photo, boxes[None]) for photo in photos]
    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(lambda photo: graph(photo, boxes[None]), photos))
    np.testing.assert_allclose(together, alone, atol=1e-5)
    assert np.ptp([scores[0, 0] for scores in alone]) > 1e-3  # equal photos would agree with any mix-up


@pytest.mark.parametrize("precision", PRECISIONS)
def test_input_that_does_not_fit_is_a_named_error_and_the_next_one_passes(precision):
    graph = open_graph(EXPORT, precision, threads=1)
    photo, boxes = reference_input(read_export_info(EXPORT).input_shapes[0])
    with pytest.raises(GraphError):
        graph(photo[None], boxes[None, :, :3])
    assert graph(photo[None], boxes[None]).shape == (1, len(boxes))


@pytest.mark.parametrize("precision", PRECISIONS)
def test_file_that_is_no_graph_is_refused(precision, tmp_path):
    path = tmp_path / "graph.onnx"
    path.write_bytes(b"graph")
    with pytest.raises(CheckpointError, match="not a graph"):
        open_graph(path, precision, threads=1)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_graph_of_another_kind_is_refused(precision, tmp_path):
    onnx = pytest.importorskip("onnx")
    value = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, 3]) for name in ("x", "y")]
    graph = onnx.helper.make_graph([onnx.helper.make_node("Relu", ["x"], ["y"])], "other", value[:1], value[1:])
    path = tmp_path / "other.onnx"
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=10), path)
    with pytest.raises(CheckpointError, match="inputs"):
        open_graph(path, precision, threads=1)
