"""A worker's part: one row a photo whatever happens, in one schema; done twice it is the same file."""

import pandas as pd
import pyarrow.parquet
import pytest
from PIL import Image

from vrn_cropper import Cropper
from vrn_cropper.cli.bulk.chunks import ChunkCropper, ChunkWork
from vrn_cropper.cli.bulk.parts import done_paths
from vrn_cropper.cli.bulk.places import PlaceError, list_photos, open_place
from vrn_cropper.cli.bulk.rows import SCHEMA, crop_frames

OPTIONS = {"aspect_ratios": ["free", "1:1"], "top_k": 2}


@pytest.fixture
def paths(photos):
    return [*list_photos(str(photos)), str(photos / "gone.jpg")]


def read(folder):
    return pyarrow.parquet.read_table(folder / "rows")


def test_every_photo_has_one_row_with_crops_or_an_error(paths, tmp_path):
    out = tmp_path / "out"
    work = ChunkWork(str(out), has_pictures=True, options=OPTIONS)
    assert ChunkCropper(work).crop_chunk(paths) == (11, 2)
    table = read(out)
    assert table.schema.equals(SCHEMA, check_metadata=True)
    rows = {row["path"]: row for row in table.to_pylist()}
    assert list(rows) == paths
    failed = {path[-8:]: row["error_code"] for path, row in rows.items() if row["error_code"]}
    assert failed == {"/p01.jpg": "broken_photo", "gone.jpg": "file_error"}
    alone = Cropper.load(threads=1).crop(paths[-2], **OPTIONS)
    row = rows[paths[-2]]
    assert [(c["x"], c["y"], c["x"] + c["width"], c["y"] + c["height"]) for c in row["crops"]] == [
        crop.box_xyxy for crop in alone.crops
    ]
    assert row["best_crop_gain"] == pytest.approx(alone.gain, abs=1e-5)
    for crop in row["crops"]:
        with Image.open(out / crop["picture"]) as picture:
            assert picture.size == (crop["width"], crop["height"])


def test_chunk_done_twice_is_one_part(paths, tmp_path):
    cropper = ChunkCropper(ChunkWork(str(tmp_path / "out"), options=OPTIONS))
    cropper.crop_chunk(paths[:3])
    first = read(tmp_path / "out")
    assert cropper({"paths": [paths[:3]]}) == {"cropped": [2], "failed": [1]}
    assert read(tmp_path / "out").equals(first)
    assert [path.name[:5] for path in (tmp_path / "out" / "rows").iterdir()] == ["part-"]


def test_rows_of_other_options_are_not_mixed_in(paths, tmp_path):
    work = ChunkWork(str(tmp_path / "out"), options=OPTIONS)
    ChunkCropper(work).crop_chunk(paths[:1])
    version = read(tmp_path / "out")["model_version"][0].as_py()
    assert list(done_paths(open_place(str(tmp_path / "out")), work.key, version)) == paths[:1]
    with pytest.raises(PlaceError, match="other options"):
        list(done_paths(open_place(str(tmp_path / "out")), "another", version))


def test_frames_of_spark_are_rows_of_the_same_schema(paths):
    """The function of docs/bulk.md, called on frames as `mapInPandas` calls it."""
    from pathlib import Path

    frames = [pd.DataFrame({"path": [path], "content": [Path(path).read_bytes()]}) for path in paths[:3]]
    made = pd.concat(crop_frames(iter(frames), Cropper.load(threads=1), **OPTIONS))
    assert list(made.columns) == SCHEMA.names
    assert made["path"].tolist() == paths[:3]
    assert made["error_code"].notna().tolist() == [path.endswith("p01.jpg") for path in paths[:3]]
    assert len(made["crops"].iloc[-1]) == 4
