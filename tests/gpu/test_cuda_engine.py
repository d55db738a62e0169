"""The CUDA engine on a real GPU: `make test-gpu`. Agreement with the CPU, batch independence, memory.

Compared with torch on the CPU, which tests/service/engines holds against OpenVINO, so that torch is all it needs.

The tolerances of half precision are what its 11 bits allow on scores of this size, not yet what was measured: each
test prints the largest difference that it saw.
"""

import time
from pathlib import Path

import numpy as np
import pytest

from vrn_cropper.model.network.export_info import read_export_info
from vrn_cropper.model.photos.input_shapes import INPUT_SHAPES
from vrn_cropper.model.views.candidates import grid_views
from vrn_cropper.service.engines.contract import ScoreItem

pytestmark = pytest.mark.gpu
EXPORT = Path(__file__).parents[2] / "model" / "weights" / "vrn-mobilenetv2.onnx"
DEVICE = "cuda:0"
MAX_BATCH_SIZE = 32
MEMORY_SHARE = 0.8
# Largest difference of a score that is accepted, against the CPU and between batches.
TOLERANCES = {"f32": 1e-3, "f16": 3e-2}


@pytest.fixture(scope="module", params=TOLERANCES)
def engine(request):
    """One engine a precision, warm."""
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("torch sees no CUDA device")
    made = make(DEVICE, request.param)
    made.load()
    began = time.perf_counter()
    made.warm_up()
    took_s, held_mib = time.perf_counter() - began, (made.memory_bytes() or 0) / 2**20
    print(f"\n{request.param}: warm-up {took_s:.1f} s, {held_mib:.0f} MiB")
    yield made
    made.close()


@pytest.fixture(scope="module")
def reference():
    cpu = make("cpu", "f32")
    cpu.load()
    yield cpu
    cpu.close()


def make(device, precision):
    from vrn_cropper.service.engines.cuda import TorchEngine

    return TorchEngine(
        read_export_info(EXPORT),
        device=device,
        precision=precision,
        max_batch_size=MAX_BATCH_SIZE,
        max_memory_share=MEMORY_SHARE,
    )


def items(shape, count):
    """Photos of noise over a gradient, so that no two are alike and no score saturates."""
    chance = np.random.default_rng(count)
    gradient = np.linspace(0, 200, shape.width, dtype=np.float32)[None, :, None]
    noise = chance.uniform(0, 55, (count, shape.height, shape.width, 3))
    views = grid_views(shape.width, shape.height)
    return [ScoreItem((gradient + photo).astype(np.uint8), views) for photo in noise]


def score(engine, batch):
    return engine.score(engine.prepare(batch))


def largest_difference(ours, theirs):
    return max(float(np.abs(one - other).max()) for one, other in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("shape", INPUT_SHAPES, ids=str)
def test_scores_agree_with_the_cpu(engine, reference, shape):
    batch = items(shape, 3)
    difference = largest_difference(score(engine, batch), score(reference, batch))
    print(f"\n{engine.precision} {shape}: {difference:.2e} from the CPU")
    assert difference <= TOLERANCES[engine.precision]


@pytest.mark.parametrize("count", [2, 5, MAX_BATCH_SIZE])
def test_a_photo_s_scores_do_not_depend_on_its_batch(engine, count):
    batch = items(INPUT_SHAPES[0], count)
    alone = [score(engine, [item])[0] for item in batch]
    difference = largest_difference(score(engine, batch), alone)
    print(f"\n{engine.precision} batch of {count}: {difference:.2e} from alone")
    assert difference <= TOLERANCES[engine.precision]


def test_a_longer_list_than_the_graphs_hold_scores_the_same_views_alike(engine):
    (item,) = items(INPUT_SHAPES[0], 1)
    longer = ScoreItem(item.photo, np.concatenate([item.boxes_normalized] * 3))
    (short,), (long,) = score(engine, [item]), score(engine, [longer])
    assert largest_difference([long[: len(short)]], [short]) <= TOLERANCES[engine.precision]


def test_memory_stays_within_the_share(engine):
    torch = pytest.importorskip("torch")
    held = engine.memory_bytes()
    assert held is not None
    assert 0 < held <= MEMORY_SHARE * torch.cuda.get_device_properties(0).total_memory
