"""Log lines: JSON for machines, text for a terminal."""

import io
import json
import logging
import sys

import pytest

from vrn_cropper.service.logs import JsonFormatter, TextFormatter, set_up_logs


@pytest.fixture
def _root_logger():
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level


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


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.usefixtures("_root_logger")
@pytest.mark.parametrize(
    ("log_format", "stream", "is_json"),
    [("auto", io.StringIO(), True), ("auto", Terminal(), False), ("json", Terminal(), True),
     ("text", io.StringIO(), False)],
)  # fmt: skip
def test_format_follows_the_setting_and_the_terminal(log_format, stream, is_json):
    set_up_logs(log_format, "info", stream)
    logging.getLogger("service").info("hello")
    logging.getLogger("service").debug("too quiet")
    assert stream.getvalue().startswith("{") is is_json
    assert stream.getvalue().count("\n") == 1
