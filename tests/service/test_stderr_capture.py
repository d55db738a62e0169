"""What is written past the log comes in lines, and who writes never waits."""

import contextlib
import os
import threading

import pytest

from vrn_cropper.service.stderr_capture import StderrCapture

PATIENCE_S = 60


@pytest.fixture
def descriptor():
    readable, writable = os.pipe()
    yield writable
    for end in (readable, writable):
        os.close(end)


def test_lines_are_told_however_they_are_cut(descriptor):
    lines: list[str] = []
    capture = StderrCapture(descriptor, lines.append)
    capture.start()
    for piece in (b"one\ntw", b"o\n\n  three", b" \r\n", b"no end"):
        os.write(descriptor, piece)
    capture.stop(PATIENCE_S)
    assert lines == ["one", "two", "  three", "no end"]


def test_line_without_an_end_is_told_in_pieces(descriptor):
    lines: list[str] = []
    capture = StderrCapture(descriptor, lines.append)
    capture.start()
    for _ in range(50):
        os.write(descriptor, b"x" * 1000)
    capture.stop(PATIENCE_S)
    assert "".join(lines) == "x" * 50_000
    assert len(lines) > 1


def test_library_that_writes_more_than_fits_does_not_wait(descriptor):
    """It may hold the interpreter meanwhile, so that nobody could ever read."""
    may_read = threading.Event()
    capture = StderrCapture(descriptor, lambda line: may_read.wait(PATIENCE_S) and None)
    capture.start()
    written = 0
    with contextlib.suppress(BlockingIOError):
        while written < 100_000_000:
            written += os.write(descriptor, b"x" * 65535 + b"\n")
    assert written < 100_000_000
    may_read.set()
    capture.stop(PATIENCE_S)
