"""Which engine a device setting means, told with its reason."""

import logging
from pathlib import Path

import pytest

from vrn_cropper.model.network.export_info import ExportInfo
from vrn_cropper.model.network.inference import choose_precision
from vrn_cropper.model.photos.input_shapes import INPUT_SHAPES
from vrn_cropper.service.engines import choice as engine_choice
from vrn_cropper.service.engines.choice import EngineOptions, choose_engine, cuda_obstacle, driver_obstacle
from vrn_cropper.service.errors import StartUpError

EXPORT = ExportInfo(Path("tiny.onnx"), "tiny", "v1", INPUT_SHAPES)


def options(device="auto", precision="auto", threads=0):
    return EngineOptions(device, precision, threads, 0, 0.8)


@pytest.fixture
def _no_cuda(monkeypatch):
    monkeypatch.setattr(engine_choice, "cuda_obstacle", lambda device: "this machine has no CUDA; install it")


@pytest.fixture
def _cuda(monkeypatch):
    monkeypatch.setattr(engine_choice, "cuda_obstacle", lambda device: None)


@pytest.mark.usefixtures("_no_cuda")
def test_auto_without_cuda_is_the_cpu_engine_and_the_log_says_why(caplog):
    with caplog.at_level(logging.INFO):
        engine = choose_engine(EXPORT, options(threads=3))
    assert (engine.device, engine.precision) == ("cpu", choose_precision("auto"))
    assert "this machine has no CUDA" in caplog.text
    assert "3 threads" in caplog.text


@pytest.mark.usefixtures("_cuda")
def test_auto_with_cuda_is_the_torch_engine_in_half_precision():
    pytest.importorskip("torch")
    engine = choose_engine(EXPORT, options())
    assert (engine.device, engine.precision) == ("cuda:0", "f16")
    assert choose_engine(EXPORT, options("cuda:1", "f32")).device == "cuda:1"


@pytest.mark.usefixtures("_cuda")
def test_cpu_is_taken_if_asked_even_where_there_is_cuda():
    assert choose_engine(EXPORT, options("cpu")).device == "cpu"


@pytest.mark.usefixtures("_no_cuda")
def test_cuda_where_there_is_none_is_a_start_up_error_that_says_what_to_install():
    with pytest.raises(StartUpError, match=r"VRN_DEVICE=cuda:2: .*install"):
        choose_engine(EXPORT, options("cuda:2"))


@pytest.mark.parametrize("precision", ["f32", "bf16"])
def test_precision_that_is_asked_for_is_the_cpu_engine_s(precision):
    assert choose_engine(EXPORT, options("cpu", precision)).precision == precision


@pytest.mark.usefixtures("_cuda")
def test_bf16_is_refused_on_cuda_with_what_to_take_instead():
    with pytest.raises(StartUpError, match="f16 or f32"):
        choose_engine(EXPORT, options("cuda", "bf16"))


def test_half_precision_needs_cuda():
    with pytest.raises(StartUpError, match="VRN_PRECISION=f16"):
        choose_engine(EXPORT, options("cpu", "f16"))


def test_machine_without_driver_is_told_apart_without_importing_torch(monkeypatch):
    monkeypatch.setattr(engine_choice, "has_nvidia_driver", lambda: False)
    monkeypatch.setattr(engine_choice.importlib.util, "find_spec", lambda name: pytest.fail("torch was looked for"))
    assert "no NVIDIA driver" in cuda_obstacle("auto")


def test_missing_torch_is_named_with_the_command(monkeypatch):
    monkeypatch.setattr(engine_choice, "has_nvidia_driver", lambda: True)
    monkeypatch.setattr(engine_choice.importlib.util, "find_spec", lambda name: None)
    assert "pip install 'vrn-cropper[torch]'" in cuda_obstacle("cuda")


def test_device_number_that_does_not_exist_is_named(monkeypatch):
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(engine_choice, "has_nvidia_driver", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert cuda_obstacle("cuda:1") is None
    assert "2 CUDA devices" in cuda_obstacle("cuda:2")


@pytest.mark.parametrize(
    ("driver", "built_for", "release"),
    [((12, 8), "13.2", "580"), ((11, 4), "12.6", "525"), ((13, 2), "14.0", "a newer one")],
)
def test_a_driver_that_is_too_old_is_named_with_the_release_that_is_needed(driver, built_for, release):
    told = driver_obstacle(driver, built_for)
    assert f"CUDA {driver[0]}.{driver[1]}" in told
    assert release in told


@pytest.mark.parametrize(
    ("driver", "built_for"), [((13, 0), "13.2"), ((13, 2), "12.6"), (None, "13.2"), ((13, 0), None)]
)
def test_a_driver_of_the_same_major_version_or_a_newer_one_will_do(driver, built_for):
    assert driver_obstacle(driver, built_for) is None
