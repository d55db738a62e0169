"""Log lines: JSON for machines, text for a terminal; nothing on standard error is anything else."""

import contextlib
import json
import logging
import os
import pty
import sys
import threading
import warnings
from types import SimpleNamespace

import pytest

from vrn_cropper.service.logs import JsonFormatter, LogOutput, TextFormatter


def record(facts=None, error=None):
    made = logging.LogRecord("service", logging.INFO, "file", 1, "hello %s", ("you",), error)
    made.facts = facts or {}
    return made


def test_json_line_holds_message_and_facts_on_one_line():
    line = JsonFormatter().format(record({"status": 200, "name": "a\nb"}))
    assert "\n" not in line
    parsed = json.loads(line)
    assert (parsed["message"], parsed["level"], parsed["status"], parsed["name"]) == (
        "hello you", "info", 200, "a\nb",
    )  # fmt: skip


def test_exception_stays_inside_its_json_line():
    try:
        raise ValueError("broken")
    except ValueError:
        line = JsonFormatter().format(record(error=sys.exc_info()))
    assert "\n" not in line
    assert "ValueError: broken" in json.loads(line)["exception"]


def test_text_line_shows_the_facts():
    assert TextFormatter().format(record({"status": 200})).endswith("hello you status=200")


@pytest.fixture
def output_on():
    """A LogOutput on a pipe or a terminal, and what was written there when it is closed."""
    opened = []

    @contextlib.contextmanager
    def start(log_format="json", terminal=False):
        readable, writable = pty.openpty() if terminal else os.pipe()
        output = LogOutput(writable)
        output.set_up(log_format, "info")
        lines: list[str] = []
        try:
            yield output, writable, lines
        finally:
            output.close()
            lines += os.read(readable, 1 << 16).decode().splitlines()
            opened.extend((readable, writable))

    yield start
    for descriptor in opened:
        os.close(descriptor)


@pytest.mark.parametrize(
    ("log_format", "terminal", "is_json"),
    [("auto", False, True), ("auto", True, False), ("json", True, True), ("text", False, False)],
)
def test_format_follows_the_setting_and_the_terminal(output_on, log_format, terminal, is_json):
    with output_on(log_format, terminal) as (_, _, lines):
        logging.getLogger("service").info("hello")
        logging.getLogger("service").debug("too quiet")
    assert len(lines) == 1
    assert lines[0].startswith("{") is is_json


def test_everything_that_is_written_there_is_a_json_line(output_on):
    with output_on() as (_, descriptor, lines):
        os.write(descriptor, b"TIFFReadDirectory: Warning, \xff\nits second line\nhalf a line")
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn("careful", stacklevel=1)
        thread = threading.Thread(target=lambda: 1 / 0)
        thread.start()
        thread.join()
        sys.excepthook(ValueError, ValueError("of the main thread"), None)
        sys.unraisablehook(SimpleNamespace(err_msg=None, object="x", exc_value=OSError("of a destructor")))
    parsed = [json.loads(line) for line in lines]
    told = "\n".join(line["message"] + line.get("exception", "") for line in parsed)
    for part in (
        "its second line", "half a line", "careful", "ZeroDivisionError", "of the main thread", "of a destructor",
    ):  # fmt: skip
        assert part in told
    assert {line["logger"] for line in parsed} == {"stderr", "py.warnings", "vrn_cropper.service.logs"}


def test_after_the_end_everything_is_as_it_was(output_on):
    before = (logging.getLogger().handlers[:], sys.excepthook, threading.excepthook, sys.unraisablehook)
    with output_on() as (output, descriptor, lines):
        output.set_up("json", "warning")  # as the process does once it has read its settings
        os.write(descriptor, b"within\n")
    os.write(descriptor, b"after\n")
    assert [json.loads(line)["message"] for line in lines] == ["within"]
    assert before == (logging.getLogger().handlers[:], sys.excepthook, threading.excepthook, sys.unraisablehook)


def test_lost_lines_are_told_once_there_is_room(output_on):
    with output_on() as (output, _, lines):
        logging.getLogger("service").info("x" * 5_000_000)  # more than may wait
        assert output.dropped_lines == 1
        logging.getLogger("service").info("hello")
        logging.getLogger("service").info("again")
    assert [json.loads(line)["message"] for line in lines] == [
        "hello", "1 log lines were lost: standard error was not read", "again",
    ]  # fmt: skip


def test_what_clients_send_cannot_fill_the_log_through_a_parsers_warnings(capfd):
    output = LogOutput()
    output.set_up("json", "info")
    try:
        for name in ("python_multipart.multipart", "PIL.TiffImagePlugin"):
            logging.getLogger(name).warning("damaged")
        logging.getLogger("service").warning("ours")
    finally:
        output.close()
    assert [json.loads(line)["message"] for line in capfd.readouterr().err.splitlines()] == ["ours"]
