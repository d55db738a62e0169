"""Both engines on the shipped model: equal scores, independent of batch-mates and of padding."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vrn_cropper.model.errors import CheckpointError
from vrn_cropper.model.network.export_info import ExportInfo, read_export_info
from vrn_cropper.model.photos.input_shapes import INPUT_SHAPES, InputShape
from vrn_cropper.model.photos.reading import read_photo
from vrn_cropper.model.views.candidates import grid_views
from vrn_cropper.service.engines.contract import ScoreItem
from vrn_cropper.service.engines.cpu import OpenVinoEngine
from vrn_cropper.service.errors import EngineError, EngineMemoryError

ROOT = Path(__file__).parents[3]
EXPORT = ROOT / "model" / "weights" / "vrn-mobilenetv2.onnx"
PHOTOS = sorted((ROOT / "tests" / "photos").glob("*.jpg"))[:3]

pytestmark = pytest.mark.skipif(not EXPORT.exists(), reason="the exported model is not in this checkout")


@pytest.fixture(scope="module")
def openvino_engine(tmp_path_factory):
    engine = OpenVinoEngine(read_export_info(EXPORT), threads=2, cache_dir=tmp_path_factory.mktemp("cache"))
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


@pytest.mark.parametrize("name", ["openvino_engine", "torch_engine"])
def test_scores_do_not_depend_on_batch_mates_or_padding(request, name):
    engine = request.getfixturevalue(name)
    batch = items(InputShape(256, 384), views=40)
    together = score(engine, batch)
    for item, scores in zip(batch, together, strict=True):
        (alone,) = score(engine, [item])
        assert scores.shape == (len(item.boxes_normalized),)
        assert scores.dtype == np.float32
        assert scores == pytest.approx(alone, abs=1e-4)


def test_photos_side_by_side_get_the_scores_that_each_gets_alone(openvino_engine):
    batches = [items(shape) * 3 for shape in (InputShape(256, 384), InputShape(384, 256))]
    with ThreadPoolExecutor(openvino_engine.parallel_batches) as threads:
        results = list(threads.map(lambda batch: score(openvino_engine, batch), batches))
    for batch, together in zip(batches, results, strict=True):
        for item, scores in zip(batch, together, strict=True):
            (alone,) = score(openvino_engine, [item])
            assert scores == pytest.approx(alone, abs=1e-5)


def test_photo_that_fails_on_its_stream_fails_the_batch_and_leaves_the_streams_usable(openvino_engine):
    batch = openvino_engine.prepare(items(InputShape(256, 256)))
    broken = replace(batch, boxes_normalized=batch.boxes_normalized[..., :3])
    with pytest.raises(EngineError, match="failed"):
        openvino_engine.score(broken)
    for _ in range(2):
        assert len(openvino_engine.score(batch)) == 3


@pytest.mark.parametrize(("threads", "streams"), [(1, [1]), (2, [1, 2]), (16, [1, 8])])
def test_streams_follow_the_threads_up_to_a_limit_and_one_needs_no_second_graph(monkeypatch, threads, streams):
    asked = []
    compile_graph = OpenVinoEngine._compile

    def noting(engine, hint, *, streams):
        asked.append(streams)
        return compile_graph(engine, hint, streams=streams)

    monkeypatch.setattr(OpenVinoEngine, "_compile", noting)
    engine = OpenVinoEngine(read_export_info(EXPORT), threads=threads, cache_dir=None)
    engine.load()
    assert asked == streams
    batch = items(InputShape(256, 256))
    assert len(score(engine, batch)) == 3
    assert len(score(engine, batch[:1])) == 1
    engine.close()


@pytest.mark.parametrize("shape", [InputShape(256, 256), InputShape(512, 256)])
def test_engines_agree(openvino_engine, torch_engine, shape):
    batch = items(shape)
    for ours, theirs in zip(score(openvino_engine, batch), score(torch_engine, batch), strict=True):
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


@pytest.mark.parametrize("name", ["openvino_engine", "torch_engine"])
def test_warm_up_scores_every_input_shape(request, name, monkeypatch):
    engine = request.getfixturevalue(name)
    seen = set()
    if name == "openvino_engine":
        run = engine.score
        monkeypatch.setattr(engine, "score", lambda batch: (seen.add(batch.photos.shape[1:3]), run(batch))[1])
    else:
        monkeypatch.setattr(engine, "_forward", lambda photos, boxes: seen.add(tuple(photos.shape[1:3])))
    engine.warm_up()
    assert seen == {tuple(shape) for shape in INPUT_SHAPES}


def test_engine_that_is_not_loaded_says_so():
    engine = OpenVinoEngine(read_export_info(EXPORT), threads=1, cache_dir=None)
    with pytest.raises(EngineError, match="not loaded"):
        score(engine, items(InputShape(256, 256)))


def test_cache_folder_that_cannot_be_made_costs_time_only(tmp_path, caplog):
    (tmp_path / "file").touch()
    engine = OpenVinoEngine(read_export_info(EXPORT), threads=1, cache_dir=tmp_path / "file" / "cache")
    engine.load()
    assert len(score(engine, items(InputShape(256, 256)))) == 3
    assert "VRN_MODEL_CACHE_DIR" in caplog.text


def test_graph_of_another_kind_is_refused(tmp_path):
    openvino = pytest.importorskip("openvino")
    ops = openvino.opset13
    other = ops.parameter([1, 3], np.float32, name="x")
    path = tmp_path / "other.xml"
    openvino.save_model(openvino.Model([ops.relu(other)], [other]), path)
    with pytest.raises(CheckpointError, match="inputs"):
        OpenVinoEngine(ExportInfo(path, "other", "1", INPUT_SHAPES), threads=1, cache_dir=None).load()


def test_batch_sizes_kept_warm_are_powers_of_two_and_the_largest():
    pytest.importorskip("torch")
    from vrn_cropper.service.engines.cuda import batch_buckets

    assert batch_buckets(1) == (1,)
    assert batch_buckets(6) == (1, 2, 4, 6)
    assert batch_buckets(8) == (1, 2, 4, 8)
