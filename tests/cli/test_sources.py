"""Which photos a command line names, and what their outputs are called."""

import pytest

from vrn_cropper.cli.sources import Source, SourceError, crop_name, find_sources


@pytest.fixture
def folder(tmp_path):
    for name in ("a.jpg", "b.PNG", "notes.txt", ".hidden.jpg", "sub/a.jpg", "out/a-crop.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def stems(sources):
    return [source.stem for source in sources]


def test_folder_is_searched_through_and_earlier_results_are_left_out(folder):
    assert stems(find_sources([str(folder)], folder / "out")) == ["a", "b", "sub/a"]


def test_results_beside_the_photos_are_known_by_name(folder):
    (folder / "a-crop-16x9-2.jpg").touch()
    (folder / "b-overlay.jpg").touch()
    (folder / "a-crop-tops.jpg").touch()
    assert "a-crop-16x9-2" not in stems(find_sources([str(folder)], folder))
    assert "b-overlay" not in stems(find_sources([str(folder)], folder))


def test_pattern_and_repeats_name_each_photo_once(folder):
    assert stems(find_sources([str(folder / "*.jpg"), str(folder / "a.jpg")], None)) == ["a"]


def test_photos_of_one_name_get_different_outputs(folder):
    (folder / "a.png").touch()
    found = find_sources([str(folder / "a.jpg"), str(folder / "a.png")], None)
    assert stems(found) == ["a.jpg", "a.png"]


def test_photos_whose_outputs_would_collide_are_refused(folder):
    with pytest.raises(SourceError, match="same name"):
        find_sources([str(folder / "a.jpg"), str(folder / "sub" / "a.jpg")], None)


@pytest.mark.parametrize("argument", ["missing.jpg", "*.gif", "."])
def test_argument_that_names_no_photo_is_told(tmp_path, monkeypatch, argument):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SourceError, match="no "):
        find_sources([argument], None)


def test_names_tell_ratio_and_rank_apart(tmp_path):
    source = Source(tmp_path / "a.jpg", "a")
    assert crop_name(source, None, 1) == "a-crop"
    assert crop_name(source, "16:9", 1) == "a-crop-16x9"
    assert crop_name(source, "1.91:1", 3) == "a-crop-1.91x1-3"
