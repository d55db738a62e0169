"""Every command of the model reads its options, tells its faults and ends in the same way."""

from pathlib import Path
from typing import Annotated

import pytest
import typer

from vrn_cropper.model.command_line import run_command
from vrn_cropper.model.errors import DataError


def repeat(word: str, count: Annotated[int, typer.Option(min=1, help="how often")] = 2) -> int | None:
    """Say a word again and again."""
    if word == "unreadable":
        raise DataError("data/x.jpg is no photo")
    print(" ".join([word] * count))
    return 3 if word == "missed" else None


@pytest.mark.parametrize(
    ("arguments", "code", "out"),
    [(["yes"], 0, "yes yes\n"), (["yes", "--count", "1"], 0, "yes\n"), (["missed"], 3, "missed missed\n")],
)
def test_parameters_are_the_options_and_the_result_is_the_exit_code(capsys, arguments, code, out):
    assert run_command(repeat, arguments, "repeat") == code
    assert capsys.readouterr() == (out, "")


def test_fault_of_the_data_is_one_line_on_standard_error_and_ends_with_1(capsys):
    assert run_command(repeat, ["unreadable"], "repeat") == 1
    assert capsys.readouterr() == ("", "error: data/x.jpg is no photo\n")


@pytest.mark.parametrize("arguments", [[], ["yes", "--count", "0"], ["yes", "--cuont", "1"], ["yes", "no"]])
def test_wrong_options_end_with_2_before_anything_is_done(capsys, arguments):
    assert run_command(repeat, arguments, "python -m repeat") == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "python -m repeat" in err


def test_help_tells_what_the_command_does_and_what_its_options_mean(capsys):
    assert run_command(repeat, ["--help"], "repeat") == 0
    text = capsys.readouterr().out
    assert "Say a word again and again." in text
    assert "how often" in text


def test_error_that_is_a_bug_is_not_hidden():
    def broken(path: Path) -> None:
        raise ZeroDivisionError(path)

    with pytest.raises(ZeroDivisionError):
        run_command(broken, ["x"], "broken")
