"""Which photos a command line names: every one that can be read, whatever else is wrong."""

from pathlib import Path, PurePath

import pytest
from PIL import Image

from vrn_cropper.cli.sources import Shard, Source, find_sources, read_list
from vrn_cropper.model.photos.decode import DecodeLimits, Decoder, photo_suffixes


@pytest.fixture
def folder(tmp_path):
    for name in ("a.jpg", "b.PNG", "notes.txt", ".hidden.jpg", "sub/a.jpg", "out/a-crop.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def names(found):
    return [source.name.as_posix() for source in found.sources]


def test_folder_is_searched_through_and_earlier_results_are_left_out(folder):
    assert names(find_sources([str(folder)], out=folder / "out")) == ["a.jpg", "b.PNG", "sub/a.jpg"]


def test_results_beside_the_photos_are_known_by_name(folder):
    (folder / "a-crop-16x9-2.jpg").touch()
    (folder / "b-overlay.jpg").touch()
    (folder / "a-crop-tops.jpg").touch()
    assert not {"a-crop-16x9-2.jpg", "b-overlay.jpg"} & set(names(find_sources([str(folder)], out=folder)))


@pytest.mark.parametrize("name", ["a.HIF", "a.jfif", "a.mpo", "a.heics", "a.avifs", "a.JPE", "a.apng", "a.tiff"])
def test_folder_search_takes_every_suffix_that_the_decoder_reads(tmp_path, name):
    (tmp_path / name).touch()
    assert names(find_sources([str(tmp_path)])) == [name]


def test_suffixes_are_those_of_the_decoders_formats():
    Decoder(DecodeLimits(10**6, 10**4), owns_process=False)  # registers them all
    readable = {suffix for suffix, name in Image.registered_extensions().items() if name in ("JPEG", "HEIF", "AVIF")}
    assert readable <= photo_suffixes()
    assert not {".pdf", ".psd", ".txt", ".svg"} & photo_suffixes()


def test_pattern_and_repeats_name_each_photo_once(folder):
    assert names(find_sources([str(folder / "*.jpg"), str(folder / "a.jpg")])) == ["a.jpg"]


def test_names_of_a_pattern_are_relative_to_the_folders_before_its_first_star(folder):
    assert names(find_sources([str(folder / "*" / "a*.jpg")])) == ["out/a-crop.jpg", "sub/a.jpg"]


@pytest.mark.parametrize("argument", ["missing.jpg", "*.gif", "empty", "missing/"])
def test_argument_that_names_no_photo_is_told_and_costs_no_other(tmp_path, monkeypatch, argument):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "a.JPG").touch()
    found = find_sources([argument, "a.JPG"])
    assert names(found) == ["a.JPG"]
    (fault,) = found.faults
    assert fault.argument == argument
    assert fault.message.startswith("no ")


def test_paths_of_a_list_keep_their_folders(folder, monkeypatch):
    monkeypatch.chdir(folder)
    found = find_sources([], listed=["sub/a.jpg", "./a.jpg", "missing.jpg", str(folder / "b.PNG")])
    assert names(found) == ["sub/a.jpg", "a.jpg", PurePath(*(folder / "b.PNG").parts[1:]).as_posix()]
    assert [fault.argument for fault in found.faults] == ["missing.jpg"]


def test_list_is_apart_by_lines_or_by_nul():
    assert read_list("a b.jpg\n\nc.jpg\n") == ["a b.jpg", "c.jpg"]
    assert read_list("a\nb.jpg\0c.jpg\0") == ["a\nb.jpg", "c.jpg"]


@pytest.mark.parametrize(
    ("pattern", "left"),
    [
        ("sub", ["a.jpg", "b.PNG"]),
        ("sub/*", ["a.jpg", "b.PNG"]),
        ("*.PNG", ["a.jpg", "sub/a.jpg"]),
        ("a.jpg", ["b.PNG"]),
    ],
)
def test_excluded_are_paths_names_and_folders(folder, pattern, left):
    assert names(find_sources([str(folder)], out=folder / "out", exclude=[pattern])) == left


def test_shards_part_the_photos_whatever_lies_beside_them(folder):
    for number in range(40):
        (folder / f"{number}.jpg").touch()
    whole = names(find_sources([str(folder)]))
    parts = [names(find_sources([str(folder)], shard=Shard(number, 3))) for number in (1, 2, 3)]
    assert sorted(name for part in parts for name in part) == sorted(whole)
    assert all(parts)
    (folder / "0.jpg").unlink()
    assert names(find_sources([str(folder)], shard=Shard(2, 3))) == [name for name in parts[1] if name != "0.jpg"]


def test_photos_whose_outputs_might_collide_are_in_one_shard():
    shards = [Shard(number, 64) for number in range(1, 65)]
    for name in ("a", "b/c", "d"):
        held = {
            shard for shard in shards for kind in (".jpg", ".png") if shard.holds(Source(None, PurePath(name + kind)))
        }
        assert len(held) == 1


@pytest.mark.parametrize("text", ["0/3", "4/3", "3", "a/b", "1/0", "-1/3"])
def test_shard_that_is_none_is_refused(text):
    with pytest.raises(ValueError, match="such as 3/64"):
        Shard.parse(text)


def test_minus_is_standard_input():
    (source,) = find_sources(["-"]).sources
    assert (source.path, str(source)) == (None, "-")
    assert Path(source.name).stem == "stdin"
