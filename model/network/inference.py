"""The exported graph on this CPU: the one place that chooses the library and the precision. Needs no torch.

f32 runs on ONNX Runtime. bf16 runs on OpenVINO, which alone has kernels for AMX, and is chosen where the CPU has AMX.
Elsewhere ONNX Runtime needs no more CPU than OpenVINO in either precision, half of its memory, and no compiling
(docs/benchmarks.md). Knows nothing of batches and settings.
"""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Protocol

import numpy as np

from vrn_cropper.model.cpu_flags import has_amx_bf16
from vrn_cropper.model.errors import CheckpointError

_INPUTS = ("photos", "boxes_normalized")


class GraphError(Exception):
    """The library failed in running the graph."""


class Graph(Protocol):
    """The network, ready to score."""

    def __call__(self, photos: np.ndarray, boxes_normalized: np.ndarray) -> np.ndarray:
        """uint8 (B, H, W, 3), float32 (B, N, 4) -> scores float32 (B, N). Any thread. Raises GraphError."""


def choose_precision(
    wanted: str,
    has_amx: Callable[[], bool] = has_amx_bf16,
    has_openvino: Callable[[], bool] = lambda: importlib.util.find_spec("openvino") is not None,
) -> str:
    """`f32` or `bf16`: what is wanted; `auto` is the faster of the two that can run here. Raises CheckpointError."""
    if wanted == "bf16" and not has_openvino():
        raise CheckpointError("the precision bf16 needs OpenVINO, which is not installed; take f32")
    if wanted != "auto":
        return wanted
    return "bf16" if has_amx() and has_openvino() else "f32"


def open_graph(path: Path, precision: str, *, threads: int, streams: int = 1) -> Graph:
    """The graph at `path`, on `threads` threads shared by `streams` calls that may run at once.

    Raises CheckpointError if it cannot be run, or is another graph than an exported VRN.
    """
    return _OnnxGraph(path, threads // streams) if precision == "f32" else _OpenVinoGraph(path, threads, streams)


class _OnnxGraph:
    """On ONNX Runtime: each call on its own thread, with `threads` - 1 helpers."""

    def __init__(self, path: Path, threads: int) -> None:
        import onnxruntime
        from onnxruntime.capi import onnxruntime_pybind11_state as state

        # They have no base of their own.
        self._errors = (
            state.EPFail, state.Fail, state.InvalidArgument, state.InvalidGraph, state.InvalidProtobuf,
            state.NoSuchFile, state.NotImplemented, state.RuntimeException,
        )  # fmt: skip
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = max(1, threads)
        options.log_severity_level = 3  # errors: it writes to standard error itself
        # A pattern would be kept for every number of views. The arena stays, and keeps what it has taken: without it
        # large blocks are mapped anew for every photo, which costs half as much CPU again.
        options.enable_mem_pattern = False
        # Helpers that spin between two layers take the CPU from decoding.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        except self._errors as error:
            raise CheckpointError(f"{path} is not a graph that ONNX Runtime can run: {error}") from error
        _check_inputs(path, [port.name for port in self._session.get_inputs()])

    def __call__(self, photos: np.ndarray, boxes_normalized: np.ndarray) -> np.ndarray:
        inputs = dict(zip(_INPUTS, (photos, boxes_normalized), strict=True))
        try:
            (scores,) = self._session.run(["scores"], inputs)
        except self._errors as error:
            raise GraphError(str(error)) from error
        return np.asarray(scores)


class _OpenVinoGraph:
    """On OpenVINO in bf16: as many requests as streams, each used by one call at a time."""

    def __init__(self, path: Path, threads: int, streams: int) -> None:
        import openvino

        options = {
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": streams,
            "INFERENCE_PRECISION_HINT": "bf16",
            # Pinning fights with the decode threads and with other processes on the same cores.
            "ENABLE_CPU_PINNING": False,
        }
        try:
            compiled = openvino.Core().compile_model(path, "CPU", options)
        except RuntimeError as error:
            raise CheckpointError(f"{path} is not a graph that OpenVINO can run: {error}") from error
        _check_inputs(path, [name for port in compiled.inputs for name in port.names])
        self._free: SimpleQueue[Any] = SimpleQueue()
        for _ in range(streams):
            self._free.put(compiled.create_infer_request())

    def __call__(self, photos: np.ndarray, boxes_normalized: np.ndarray) -> np.ndarray:
        request = self._free.get()
        try:
            inputs = dict(zip(_INPUTS, (photos, boxes_normalized), strict=True))
            # A copy, as the request's own output is overwritten by the next call.
            return np.array(request.infer(inputs, share_inputs=True)["scores"])
        except RuntimeError as error:
            raise GraphError(str(error)) from error
        finally:
            self._free.put(request)


def _check_inputs(path: Path, names: list[str]) -> None:
    if not set(_INPUTS) <= set(names):
        raise CheckpointError(f"{path} is not an exported VRN: its inputs are {sorted(names)}")
