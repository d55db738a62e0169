"""A bar shows on a terminal alone, and never changes what is iterated over."""

import io
import sys

import pytest

from vrn_cropper.model.progress import track


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_items_come_in_order_and_only_a_terminal_is_written_to(monkeypatch, stream):
    monkeypatch.setattr(sys, "stderr", stream())
    monkeypatch.setenv("TERM", "xterm")
    bar = track("abc", "letters")
    seen = []
    for letter in bar:
        seen.append(letter)
        bar.note = f"last {letter}"
    assert seen == ["a", "b", "c"]
    assert ("letters" in sys.stderr.getvalue()) == (stream is Terminal)
    assert ("last c" in sys.stderr.getvalue()) == (stream is Terminal)
