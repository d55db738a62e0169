"""Folders, patterns and manifests, on a disk and in an object store."""

import boto3
import pyarrow as pa
import pyarrow.parquet
import pytest
from moto.server import ThreadedMotoServer

from vrn_cropper.cli.bulk.chunks import ChunkCropper, ChunkWork
from vrn_cropper.cli.bulk.parts import done_paths
from vrn_cropper.cli.bulk.places import PlaceError, list_photos, open_place


def test_folder_is_searched_through_in_order(photos):
    found = list(list_photos(str(photos)))
    assert found == sorted(str(path) for path in photos.rglob("*.jpg"))
    assert len(found) == 12


def test_pattern_picks(photos):
    assert [path[-7:] for path in list_photos(f"{photos}/p0[45].jpg")] == ["p04.jpg", "p05.jpg"]
    assert [path[-11:] for path in list_photos(f"{photos}/**/p09.*")] == ["sub/p09.jpg"]
    assert list(list_photos(f"{photos}/*.heic")) == []


@pytest.mark.parametrize("suffix", [".txt", ".csv", ".parquet"])
def test_manifest_names_photos_each_once(tmp_path, suffix):
    manifest, names = tmp_path / f"list{suffix}", ["s3://b/1.jpg", "/data/2", "s3://b/1.jpg"]
    if suffix == ".parquet":
        pyarrow.parquet.write_table(pa.table({"path": names, "more": [1, 2, 3]}), manifest)
    else:
        manifest.write_text(("path\n" if suffix == ".csv" else "") + "\n".join(names) + "\n")
    assert list(list_photos(str(manifest))) == names[:2]


def test_manifest_without_the_column_and_missing_source_are_told(tmp_path):
    (tmp_path / "list.csv").write_text("photo\na.jpg\n")
    with pytest.raises(PlaceError, match=r"column 'path'.*photo"):
        list(list_photos(str(tmp_path / "list.csv")))
    with pytest.raises(PlaceError, match="no such file"):
        list(list_photos(str(tmp_path / "missing")))
    with pytest.raises(PlaceError, match="ftp"):
        open_place("ftp://host/photos")


@pytest.fixture
def bucket(monkeypatch, photos):
    """An S3 server with the photos in a bucket."""
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    for name, value in {
        "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_ENDPOINT_URL": address,
        "AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    client = boto3.client("s3", endpoint_url=address, region_name="us-east-1")
    client.create_bucket(Bucket="photos")
    for path in photos.glob("*.jpg"):
        client.upload_file(str(path), "photos", f"in/{path.name}")
    yield client
    server.stop()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the server's and its client's libraries
def test_object_store_is_read_and_written(bucket):
    found = list(list_photos("s3://photos/in"))
    assert found[:2] == ["s3://photos/in/p01.jpg", "s3://photos/in/p02.jpg"]
    assert list(list_photos("s3://photos/in/p1*.jpg")) == ["s3://photos/in/p10.jpg", "s3://photos/in/p11.jpg"]
    work = ChunkWork("s3://photos/out", has_pictures=True, options={"top_k": 1})
    cropper = ChunkCropper(work)
    assert cropper.crop_chunk([*found, "s3://photos/in/gone.jpg"]) == (len(found) - 1, 2)
    version = pyarrow.parquet.read_table(
        f"photos/out/rows/{_only_part(bucket)}", filesystem=open_place("s3://photos/out").files
    )["model_version"][0].as_py()
    assert sorted(done_paths(open_place("s3://photos/out"), work.key, version)) == sorted(
        [*found, "s3://photos/in/gone.jpg"]
    )
    written = bucket.list_objects_v2(Bucket="photos", Prefix="out/pictures/")["Contents"]
    assert len([entry for entry in written if entry["Key"].endswith(".jpg")]) == len(found) - 1


def _only_part(bucket):
    (part,) = [
        entry["Key"].rpartition("/")[2]
        for entry in bucket.list_objects_v2(Bucket="photos", Prefix="out/rows/")["Contents"]
        if entry["Key"].endswith(".parquet")
    ]
    return part
