"""Both engines on the shipped model: equal scores, independent of batch-mates and of padding."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vrn_cropper.model.errors import CheckpointError
from vrn_cropper.model.network.export_info import read_export_info
from vrn_cropper.model.network.reference import check_reference, reference_input
from vrn_cropper.model.photos.input_shapes import INPUT_SHAPES, InputShape
from vrn_cropper.model.photos.reading import read_photo
from vrn_cropper.model.views.candidates import grid_views
from vrn_cropper.service.engines.contract import ScoreItem
from vrn_cropper.service.engines.cpu import CpuEngine
from vrn_cropper.service.errors import EngineError, EngineMemoryError

ROOT = Path(__file__).parents[3]
EXPORT = ROOT / "model" / "weights" / "vrn-mobilenetv2.onnx"
PHOTOS = sorted((ROOT / "tests" / "photos").glob("*.jpg"))[:3]

pytestmark = pytest.mark.skipif(not EXPORT.exists(), reason="the exported model is not in this checkout")


@pytest.fixture(scope="module")
def cpu_engine():
    engine = CpuEngine(read_export_info(EXPORT), threads=2)
    engine.load()
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def torch_engine():
    pytest.importorskip("torch")
    from vrn_cropper.service.engines.cuda import TorchEngine

    engine = TorchEngine(
        read_export_info(EXPORT), device="cpu", precision="f32", max_batch_size=4, max_memory_share=1
    )
    engine.load()
    yield engine
    engine.close()


def items(shape, views=None):
    result = []
    for number, path in enumerate(PHOTOS):
        with Image.open(path) as photo:
            pixels = read_photo(photo, (shape,)).model_input
        boxes = grid_views(shape.width, shape.height)
        result.append(ScoreItem(pixels, boxes[: (views or len(boxes)) - number]))
    return result


def score(engine, batch):
    return engine.score(engine.prepare(batch))


@pytest.mark.parametrize("name", ["cpu_engine", "torch_engine"])
def test_scores_do_not_depend_on_batch_mates_or_padding(request, name):
    engine = request.getfixturevalue(name)
    batch = items(InputShape(256, 384), views=40)
    together = score(engine, batch)
    for item, scores in zip(batch, together, strict=True):
        (alone,) = score(engine, [item])
        assert scores.shape == (len(item.boxes_normalized),)
        assert scores.dtype == np.float32
        assert scores == pytest.approx(alone, abs=1e-4)


def test_photos_side_by_side_get_the_scores_that_each_gets_alone(cpu_engine):
    batches = [items(shape) * 3 for shape in (InputShape(256, 384), InputShape(384, 256))]
    with ThreadPoolExecutor(cpu_engine.parallel_batches) as threads:
        results = list(threads.map(lambda batch: score(cpu_engine, batch), batches))
    for batch, together in zip(batches, results, strict=True):
        for item, scores in zip(batch, together, strict=True):
            (alone,) = score(cpu_engine, [item])
            assert scores == pytest.approx(alone, abs=1e-5)


def test_photo_that_fails_fails_its_batch_and_leaves_the_engine_usable(cpu_engine):
    batch = cpu_engine.prepare(items(InputShape(256, 256)))
    broken = replace(batch, boxes_normalized=batch.boxes_normalized[..., :3])
    with pytest.raises(EngineError, match="failed"):
        cpu_engine.score(broken)
    for _ in range(2):
        assert len(cpu_engine.score(batch)) == 3


@pytest.mark.parametrize("threads", [1, 2, 16])
def test_any_number_of_threads_scores_that_many_photos_at_once(threads):
    engine = CpuEngine(read_export_info(EXPORT), threads=threads)
    engine.load()
    assert engine.parallel_batches == threads
    batch = items(InputShape(160, 160))
    with ThreadPoolExecutor(threads) as pool:
        results = list(pool.map(lambda _: score(engine, batch), range(threads)))
    for result in results[1:]:
        for ours, first in zip(result, results[0], strict=True):
            assert ours == pytest.approx(first, abs=1e-5)
    engine.close()


@pytest.mark.parametrize("shape", [InputShape(256, 256), InputShape(512, 256)])
def test_engines_agree(cpu_engine, torch_engine, shape):
    batch = items(shape)
    for ours, theirs in zip(score(cpu_engine, batch), score(torch_engine, batch), strict=True):
        assert ours == pytest.approx(theirs, abs=1e-4)


def test_torch_engine_fills_batches_up_to_warm_sizes(torch_engine):
    batch = items(InputShape(256, 256))
    assert tuple(torch_engine.prepare(batch).photos.shape[:1]) == (4,)
    assert len(score(torch_engine, batch)) == 3


def test_torch_engine_turns_memory_trouble_into_a_smaller_batch(torch_engine, monkeypatch):
    torch = pytest.importorskip("torch")

    def no_memory(*_):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(torch_engine, "_run", no_memory)
    with pytest.raises(EngineMemoryError):
        score(torch_engine, items(InputShape(256, 256)))


def test_warm_up_of_the_torch_engine_scores_every_input_shape(torch_engine, monkeypatch):
    seen = set()
    monkeypatch.setattr(torch_engine, "_forward", lambda photos, boxes: seen.add(tuple(photos.shape[1:3])))
    torch_engine.warm_up()
    assert seen == {tuple(shape) for shape in INPUT_SHAPES}


@pytest.mark.parametrize("name", ["cpu_engine", "torch_engine"])
def test_engine_scores_the_reference_photo_as_noted_at_the_export(request, name):
    engine, export = request.getfixturevalue(name), read_export_info(EXPORT)
    engine.warm_up()
    (scores,) = score(engine, [ScoreItem(*reference_input(export.input_shapes[0]))])
    check_reference(export, engine.precision, scores)


def test_weights_that_are_not_those_of_the_export_are_refused(tmp_path):
    pytest.importorskip("torch")
    from vrn_cropper.service.engines.cuda import TorchEngine

    (tmp_path / "vrn.safetensors").write_bytes(b"other weights")
    export = replace(read_export_info(EXPORT), path=tmp_path / "vrn.onnx")
    engine = TorchEngine(export, device="cpu", precision="f32", max_batch_size=1, max_memory_share=1)
    with pytest.raises(CheckpointError, match="SHA-256"):
        engine.load()


def test_engine_that_is_not_loaded_says_so():
    engine = CpuEngine(read_export_info(EXPORT), threads=1)
    with pytest.raises(EngineError, match="not loaded"):
        score(engine, items(InputShape(256, 256)))


def test_batch_sizes_kept_warm_are_powers_of_two_and_the_largest():
    pytest.importorskip("torch")
    from vrn_cropper.service.engines.cuda import batch_buckets

    assert batch_buckets(1) == (1,)
    assert batch_buckets(6) == (1, 2, 4, 6)
    assert batch_buckets(8) == (1, 2, 4, 8)
