"""The record of an output folder: done means the same options, the same photo, and files that are there."""

import os

import pytest

from vrn_cropper.cli.run_record import RECORD_NAME, RunRecord, options_key, photo_key
from vrn_cropper.cli.sources import Source


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(b"a photo")
    return Source(path, path.relative_to(tmp_path))


def test_photo_is_done_with_these_options_while_its_files_are_there(tmp_path, photo):
    out = tmp_path / "out"
    key = photo_key(photo, options_key("4:5", 80))
    out.mkdir()
    (out / "a-crop.jpg").touch()
    RunRecord(out).add("a", key, [out / "a-crop.jpg"])
    record = RunRecord(out)
    assert record.is_done("a", key)
    assert not record.is_done("b", key)
    assert not record.is_done("a", photo_key(photo, options_key("4:5", 70)))
    (out / "a-crop.jpg").unlink()
    assert not record.is_done("a", key)


def test_changed_photo_is_another_one(photo):
    before = photo_key(photo, "options")
    os.utime(photo.path, ns=(1, 1))
    assert photo_key(photo, "options") != before


def test_photo_that_was_left_as_it_is_is_done_without_files(tmp_path):
    RunRecord(tmp_path).add("a", "key", [])
    assert RunRecord(tmp_path).is_done("a", "key")


def test_half_a_line_of_a_killed_run_costs_only_its_photo(tmp_path):
    RunRecord(tmp_path).add("a", "key", [])
    with (tmp_path / RECORD_NAME).open("a") as file:
        file.write('{"name": "b", "key": "ke')
    RunRecord(tmp_path).add("c", "key", [])
    record = RunRecord(tmp_path)
    assert [record.is_done(name, "key") for name in "abc"] == [True, False, True]
