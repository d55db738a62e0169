"""Lines go out in order from a thread; a reader that stands still costs lines, and never time."""

import os
import select
import signal

import pytest

from vrn_cropper.service.log_writer import LineWriter

PATIENCE_S = 60


@pytest.fixture
def pipe():
    readable, writable = os.pipe()
    yield readable, writable
    for descriptor in (readable, writable):
        os.close(descriptor)


def test_lines_come_out_whole_and_in_order(pipe):
    readable, writable = pipe
    writer = LineWriter(writable)
    for number in range(500):
        writer.write(f"line {number}")
    writer.close(PATIENCE_S)
    assert os.read(readable, 1 << 16).decode().splitlines() == [f"line {number}" for number in range(500)]
    assert writer.dropped_lines == 0


def test_lines_are_dropped_and_counted_while_nobody_reads(pipe):
    readable, writable = pipe
    writer = LineWriter(writable, max_waiting_bytes=100_000)
    line = "x" * 999
    for _ in range(1000):  # a million bytes: 64 KiB fit into the pipe, as many are being written, 100,000 wait
        writer.write(line)
    assert 700 < writer.dropped_lines < 1000
    assert not writer.flush(0.01)
    kept = 1000 - writer.dropped_lines
    received = b""
    while received.count(b"\n") < kept:
        received += os.read(readable, 1 << 16)
    assert received == (line.encode() + b"\n") * kept
    writer.write("after")  # and the log goes on
    assert os.read(readable, 100) == b"after\n"
    writer.close(PATIENCE_S)


def test_reader_that_has_gone_costs_lines_and_no_error():
    readable, writable = os.pipe()
    os.close(readable)
    writer = LineWriter(writable)
    writer.write("into the void")
    writer.close(PATIENCE_S)
    os.close(writable)
    assert writer.dropped_lines == 1


def test_signal_handler_may_log_while_its_thread_does(pipe):
    """The handler runs between any two steps of the thread that it interrupts."""
    readable, writable = pipe
    writer = LineWriter(writable)
    before = signal.signal(signal.SIGALRM, lambda *_: writer.write("from the handler"))
    signal.setitimer(signal.ITIMER_REAL, 0.0001, 0.0001)
    try:
        for _ in range(20_000):
            writer.write("from the thread")
            if select.select([readable], [], [], 0)[0]:
                os.read(readable, 1 << 16)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    writer.close(0.1)
