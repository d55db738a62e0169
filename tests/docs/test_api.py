"""docs/api.md tells the options as the table of options has them, and every error code."""

import re
from pathlib import Path

import pytest

from vrn_cropper.service.core.option_table import (
    CROP_OPTIONS,
    ONE_PICTURE_OPTIONS,
    SCORE_OPTIONS,
    WIDTHS,
    Option,
)
from vrn_cropper.service.error_codes import ERROR_TABLE, INTERNAL, ErrorCode

TEXT = (Path(__file__).parents[2] / "docs" / "api.md").read_text("utf-8")
PICTURE_ONLY = {name: option for name, option in ONE_PICTURE_OPTIONS.items() if name not in CROP_OPTIONS}


def row(option: Option) -> str:
    return f"| `{option.name}` | {option.values} | {option.meaning} |"


@pytest.mark.parametrize(
    "options",
    [CROP_OPTIONS, PICTURE_ONLY, {"widths": WIDTHS}, SCORE_OPTIONS],
    ids=["/crop", "/crop/image alone", "/crop/images alone", "/score"],
)
def test_options_stand_in_the_document_as_in_the_table(options):
    wanted = "\n".join(map(row, options.values()))
    assert f"\n| option | values | meaning |\n|---|---|---|\n{wanted}\n\n" in TEXT, (
        f"docs/api.md should have:\n{wanted}"
    )


def test_no_other_option_stands_in_the_document():
    known = {
        option.name
        for table in (CROP_OPTIONS, PICTURE_ONLY, SCORE_OPTIONS, {"widths": WIDTHS})
        for option in table.values()
    }
    for table in re.findall(r"\| option \| values \| meaning \|\n\|---\|---\|---\|\n((?:\|.*\n)+)", TEXT):
        assert set(re.findall(r"^\| `(\w+)`", table, re.MULTILINE)) <= known


def test_every_error_code_stands_in_the_document_with_its_status():
    told = {(int(status), code) for status, code in re.findall(r"^\| (\d{3}) \| `(\w+)` \|", TEXT, re.MULTILINE)}
    of_errors = {(status, code.value) for status, code in [*ERROR_TABLE.values(), INTERNAL]}
    assert told == of_errors | {(404, "not_found"), (405, "method_not_allowed"), (431, "bad_request")}
    assert {code for _, code in told} == {code.value for code in ErrorCode}
