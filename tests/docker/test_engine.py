"""Where no engine can be had, tests are skipped and say why: never an error, and never a wait without end."""

import time
from pathlib import Path

import pytest


@pytest.fixture
def starter(tmp_path):
    def write(script):
        path = tmp_path / "starter.sh"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return path

    return write


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo 'no root here' >&2; exit 1", "failed: no root here"),
        ("exit 0", "no Docker engine with Compose answers"),
    ],
)
def test_starter_that_brings_no_engine_is_a_reason_to_skip(start_engine, starter, script, reason):
    with pytest.raises(pytest.skip.Exception, match=reason):
        start_engine(starter(script), timeout_s=60, answers=lambda: False)


def test_starter_that_hangs_is_ended_with_its_children_and_is_a_reason_to_skip(start_engine, starter, tmp_path):
    child = tmp_path / "child"
    script = f"sleep 600 & echo $! > {child}; wait"
    with pytest.raises(pytest.skip.Exception, match="took longer than 1 s"):
        start_engine(starter(script), timeout_s=1, answers=lambda: False)
    status = Path("/proc", child.read_text().strip(), "status")
    until = time.monotonic() + 60
    while status.exists() and "zombie" not in status.read_text():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_missing_starter_is_a_reason_to_skip(start_engine, tmp_path):
    with pytest.raises(pytest.skip.Exception, match="no Docker engine with Compose answers; start an engine"):
        start_engine(tmp_path / "none", timeout_s=1, answers=lambda: False)


def test_engine_that_answers_is_not_started_again(start_engine, starter):
    assert start_engine(starter("exit 1"), timeout_s=1, answers=lambda: True) is False


def test_engine_that_was_started_is_told_apart(start_engine, starter, tmp_path):
    mark = tmp_path / "started"
    assert start_engine(starter(f"touch {mark}"), timeout_s=60, answers=mark.exists) is True
