"""What outputs are called: by the photo and the options alone."""

from pathlib import Path, PurePath

import pytest

from vrn_cropper.cli.outputs import NameTakenError, NameTemplate, NameTemplateError, Outputs
from vrn_cropper.cli.sources import Source

OUT = Path("out")


def source(name):
    return Source(Path(name), PurePath(name))


def name(outputs, photo, ratio="16:9", rank=1):
    return outputs.crop_path(source(photo), ratio, rank, ".jpg").relative_to(OUT).as_posix()


def test_names_tell_ratio_and_rank_apart():
    one, several = Outputs(OUT, names_ratio=False), Outputs(OUT, names_ratio=True)
    assert name(one, "a.jpg") == "a-crop.jpg"
    assert name(several, "sub/a.jpg") == "sub/a-crop-16x9.jpg"
    assert name(several, "a.jpg", "1.91:1", 3) == "a-crop-1.91x1-3.jpg"


def test_names_do_not_depend_on_neighbours_and_two_kinds_of_one_photo_have_two():
    outputs = Outputs(OUT, names_ratio=False)
    alone = [name(Outputs(OUT, names_ratio=False), photo) for photo in ("a.jpg", "a.HEIC", "a.png")]
    assert [name(outputs, photo) for photo in ("a.jpg", "a.HEIC", "a.png")] == alone
    assert len(set(alone)) == 3


def test_second_photo_of_one_name_is_refused_not_written_over_the_first():
    outputs = Outputs(OUT, names_ratio=False)
    first, second = Source(Path("x/a.jpg"), PurePath("a.jpg")), Source(Path("y/A.jpg"), PurePath("A.jpg"))
    outputs.base(first)
    assert outputs.base(first) == "a"
    with pytest.raises(NameTakenError, match=r"x/a\.jpg"):
        outputs.base(second)


def test_template_names_crops():
    outputs = Outputs(OUT, names_ratio=True, template=NameTemplate("{folder}/{rank:02}_{ratio}_{stem}"))
    assert name(outputs, "sub/a.jpg", "4:5", 7) == "sub/07_4x5_a.jpg"
    assert name(outputs, "a.jpg", "4:5", 7) == "07_4x5_a.jpg"
    assert name(Outputs(OUT, names_ratio=False, template=NameTemplate("{name}")), "a.png") == "a.png.jpg"


@pytest.mark.parametrize(
    ("template", "says"),
    [("{photo}", "{photo} is none of"), ("crop", "{stem} or {name}"), ("/{stem}", "inside"), ("../{stem}", "inside"),
     ("{stem", "expected"), ("{stem}{}", "none of")],
)  # fmt: skip
def test_template_that_cannot_name_is_refused(template, says):
    with pytest.raises(NameTemplateError, match=says):
        NameTemplate(template)


def test_template_has_to_tell_the_crops_of_a_photo_apart():
    NameTemplate("{stem}").check(ratios=1, top_k=1)
    with pytest.raises(NameTemplateError, match=r"put \{ratio\}"):
        NameTemplate("{stem}-{rank}").check(ratios=2, top_k=1)
    with pytest.raises(NameTemplateError, match=r"put \{rank\}"):
        NameTemplate("{stem}-{ratio}").check(ratios=2, top_k=2)


def test_one_file_is_that_file_whatever_the_crop_is():
    outputs = Outputs(Path(), names_ratio=False, only_file=Path("b.jpg"))
    assert outputs.crop_path(source("a.png"), "free", 1, ".png") == Path("b.jpg")
    assert outputs.overlay_path(source("a.png")) == Path("b-overlay.jpg")
