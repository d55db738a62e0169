"""The face detector's graph, made once from Google's TensorFlow Lite file: BlazeFace, full range, as ONNX.

    npm pack @mediapipe/face_detection@0.4.1657300184      # Apache-2.0
    tar xzf mediapipe-face_detection-0.4.1657300184.tgz
    pip install tflite
    python -m vrn_cropper.model.network.face_graph package/face_detection_full_range.tflite \
        model/weights/face-detector.onnx

The published file takes 192 x 192 pixels only. The network is convolutional, so that here it takes any sides that are
multiples of 32: a photo of 3:2 needs no black bars, and a third less work.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import onnx
import typer
from onnx import TensorProto, helper, numpy_helper

from vrn_cropper.model.command_line import run_command
from vrn_cropper.model.errors import CheckpointError
from vrn_cropper.model.files import write_atomically

OPSET = 18
VALUES_A_CELL = 17  # a score, and the regressors: centre, size, six points
_SAME, _RELU = 0, 1


class Translation:
    """One pass over the operators of a TensorFlow Lite graph; tensors become channels-first."""

    def __init__(self, model: Any, tflite: Any) -> None:
        self._tflite = tflite
        self._model, self._graph = model, model.Subgraphs(0)
        self._kinds = {value: name for name, value in vars(tflite.BuiltinOperator).items() if isinstance(value, int)}
        self._aliases: dict[int, int] = {}
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def constant(self, index: int) -> np.ndarray:
        """The values of a tensor that the file holds, as float32 or int32."""
        index = self._aliases.get(index, index)
        tensor = self._graph.Tensors(index)
        kinds = self._tflite.TensorType
        dtype = {kinds.FLOAT32: "<f4", kinds.FLOAT16: "<f2", kinds.INT32: "<i4"}[tensor.Type()]
        content = self._model.Buffers(tensor.Buffer()).DataAsNumpy()
        if not isinstance(content, np.ndarray):
            raise CheckpointError(f"tensor {tensor.Name()!r} has no values")
        values = np.frombuffer(content.tobytes(), dtype).reshape(tensor.ShapeAsNumpy())
        return values.astype(np.float32) if values.dtype.kind == "f" else values

    def run(self) -> list[str]:
        """Translate all; the names of the two maps, scores and regressors, that the last reshapes take."""
        maps: dict[int, str] = {}  # by channels
        for position in range(self._graph.OperatorsLength()):
            op = self._graph.Operators(position)
            code = self._model.OperatorCodes(op.OpcodeIndex())
            kind = self._kinds[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]
            inputs, output = [int(i) for i in op.InputsAsNumpy()], int(op.Outputs(0))
            if kind == "DEQUANTIZE":  # weights are stored in half precision
                self._aliases[output] = inputs[0]
            elif kind == "RESHAPE":
                maps[int(self._graph.Tensors(inputs[0]).ShapeAsNumpy()[-1])] = _name(inputs[0])
            else:
                getattr(self, f"_{kind.lower()}")(op, inputs, output)
        return [maps[1], maps[VALUES_A_CELL - 1]]

    def _add_weight(self, name: str, values: np.ndarray) -> str:
        """Weights stay in half precision in the file; a runtime widens them once, when it loads it."""
        is_narrow = values.dtype == np.float32 and np.array_equal(values, values.astype(np.float16))
        stored = f"{name}.half" if is_narrow else name
        values = np.ascontiguousarray(values, np.float16 if is_narrow else values.dtype)
        self.weights.append(numpy_helper.from_array(values, stored))
        if is_narrow:
            self.nodes.append(helper.make_node("Cast", [stored], [name], to=TensorProto.FLOAT))
        return name

    def _node(self, kind: str, inputs: list[str], output: int, activation: int = 0, **attributes: Any) -> None:
        name = _name(output)
        inner = f"{name}.linear" if activation == _RELU else name
        self.nodes.append(helper.make_node(kind, inputs, [inner], **attributes))
        if activation == _RELU:
            self.nodes.append(helper.make_node("Relu", [inner], [name]))

    def _options(self, op: Any, kind: str) -> Any:
        options = getattr(self._tflite, kind)()
        options.Init(op.BuiltinOptions().Bytes, op.BuiltinOptions().Pos)
        return options

    def _conv_2d(self, op: Any, inputs: list[int], output: int) -> None:
        self._convolution(self._options(op, "Conv2DOptions"), inputs, output, depthwise=False)

    def _depthwise_conv_2d(self, op: Any, inputs: list[int], output: int) -> None:
        self._convolution(self._options(op, "DepthwiseConv2DOptions"), inputs, output, depthwise=True)

    def _convolution(self, options: Any, inputs: list[int], output: int, *, depthwise: bool) -> None:
        kernel = self.constant(inputs[1]).transpose((3, 0, 1, 2) if depthwise else (0, 3, 1, 2))
        weights = [self._add_weight(f"w{output}", kernel), self._add_weight(f"b{output}", self.constant(inputs[2]))]
        self._node(
            "Conv",
            [_name(inputs[0]), *weights],
            output,
            options.FusedActivationFunction(),
            strides=[options.StrideH(), options.StrideW()],
            auto_pad="SAME_UPPER" if options.Padding() == _SAME else "VALID",
            group=kernel.shape[0] if depthwise else 1,
        )

    def _add(self, op: Any, inputs: list[int], output: int) -> None:
        self._node(
            "Add", [_name(i) for i in inputs], output, self._options(op, "AddOptions").FusedActivationFunction()
        )

    def _relu(self, op: Any, inputs: list[int], output: int) -> None:
        self._node("Relu", [_name(inputs[0])], output)

    def _max_pool_2d(self, op: Any, inputs: list[int], output: int) -> None:
        options = self._options(op, "Pool2DOptions")
        self._node(
            "MaxPool", [_name(inputs[0])], output,
            kernel_shape=[options.FilterHeight(), options.FilterWidth()],
            strides=[options.StrideH(), options.StrideW()],
            auto_pad="SAME_UPPER" if options.Padding() == _SAME else "VALID",
        )  # fmt: skip

    def _pad(self, op: Any, inputs: list[int], output: int) -> None:
        before, after = self.constant(inputs[1])[[0, 3, 1, 2]].T.astype(np.int64)
        pads = self._add_weight(f"p{output}", np.concatenate([before, after]))
        self._node("Pad", [_name(inputs[0]), pads], output)

    def _resize_bilinear(self, op: Any, inputs: list[int], output: int) -> None:
        if not self._options(op, "ResizeBilinearOptions").HalfPixelCenters():
            raise CheckpointError("a resize without half-pixel centres is not translated")
        scales = self._add_weight(f"s{output}", np.array([1, 1, 2, 2], np.float32))
        self._node("Resize", [_name(inputs[0]), "", scales], output, mode="linear")

    @property
    def input_name(self) -> str:
        """Of the pixels."""
        return _name(int(self._graph.Inputs(0)))


def translate(content: bytes) -> onnx.ModelProto:
    """The detector: `photos` uint8 (B, H, W, 3), H and W multiples of 32 -> `cells` float32 (B, H/4, W/4, 17).

    A cell holds the score's logit, then centre, size and six points in pixels of the input, from the cell's middle.
    Raises CheckpointError if the file is another graph.
    """
    import tflite  # one file is read with it, once

    model = tflite.Model.GetRootAsModel(content, 0)
    work = Translation(model, tflite)
    try:
        maps = work.run()
    except (AttributeError, KeyError, ValueError) as error:
        raise CheckpointError(f"this is not face_detection_full_range.tflite: {error}") from error
    half, one = (helper.make_tensor(n, TensorProto.FLOAT, [], [v]) for n, v in (("half", 127.5), ("one", 1.0)))
    before = [
        helper.make_node("Cast", ["photos"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("Div", ["float", "half"], ["scaled"]),
        helper.make_node("Sub", ["scaled", "one"], ["normalised"]),
        helper.make_node("Transpose", ["normalised"], [work.input_name], perm=[0, 3, 1, 2]),
    ]
    after = [
        helper.make_node("Concat", maps, ["maps"], axis=1),
        helper.make_node("Transpose", ["maps"], ["cells"], perm=[0, 2, 3, 1]),
    ]
    graph = helper.make_graph(
        [*before, *work.nodes, *after],
        "blazeface-full-range",
        [helper.make_tensor_value_info("photos", TensorProto.UINT8, ["B", "H", "W", 3])],
        [helper.make_tensor_value_info("cells", TensorProto.FLOAT, ["B", "H4", "W4", VALUES_A_CELL])],
        [half, one, *work.weights],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)
    onnx.checker.check_model(made, full_check=True)
    return made


def _name(index: int) -> str:
    return f"t{index}"


def convert(
    source: Annotated[Path, typer.Argument(metavar="TFLITE", help="face_detection_full_range.tflite")],
    out: Annotated[Path, typer.Argument(metavar="ONNX", help="The file to write.")],
) -> None:
    """Make the face detector's graph from its published file."""
    try:
        made = translate(source.read_bytes())
    except OSError as error:
        raise CheckpointError(f"{source} cannot be read: {error.strerror}") from error
    write_atomically(out, made.SerializeToString())
    print(f"{out}: {out.stat().st_size} bytes")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; the exit code."""
    return run_command(convert, arguments, "python -m vrn_cropper.model.network.face_graph")


if __name__ == "__main__":
    sys.exit(main())
