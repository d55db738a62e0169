"""Workers answer, and whatever one does in the meantime costs the one who asked, nobody else."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from vrn_cropper.service.core.workers.pool import (
    WorkerDiedError,
    WorkerPool,
    WorkerStartError,
    WorkerTimeoutError,
    are_workers_possible,
)

pytestmark = pytest.mark.skipif(not are_workers_possible(), reason="needs Linux's memfd and pidfd")
PATIENCE_S = 60
MIB = 1024 * 1024


@pytest.fixture(scope="module")
def pool():
    pool = WorkerPool("tests.service.core.workers.fake_work", "make_answer", {"said": "hello"})
    yield pool
    pool.close()


def ask(pool, task, parts=(), seconds=PATIENCE_S, **words):
    return pool.ask({"task": task, **words}, list(parts), seconds)


def is_running(pid):
    """Whether the process exists and is no zombie."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


def wait_until(is_so):
    for _ in range(PATIENCE_S * 50):
        if is_so():
            return
        time.sleep(0.02)
    pytest.fail("it never came about")


def test_words_and_bytes_go_there_and_back(pool):
    parts = [b"abc", b"", b"x" * 5_000_000 + b"y"]
    answer = ask(pool, "echo", parts)
    assert answer.header["options"] == {"said": "hello"}
    assert [bytes(part) for part in answer.parts] == [part[::-1] for part in parts]


def test_an_idle_worker_is_used_again(pool):
    assert ask(pool, "echo").header["pid"] == ask(pool, "echo").header["pid"]


@pytest.mark.parametrize("task", ["hang", "burn"])
def test_who_does_not_answer_in_time_is_killed_and_replaced(pool, task):
    before = ask(pool, "echo").header["pid"]
    with pytest.raises(WorkerTimeoutError):
        ask(pool, task, seconds=0.2)
    assert ask(pool, "echo").header["pid"] != before
    wait_until(lambda: not is_running(before))


def test_processor_time_is_limited_by_the_kernel_as_well(tmp_path):
    """The service may itself be stopped: nobody is left to kill then."""
    code = (
        "import resource\n"
        "from vrn_cropper.service.core.workers.limits import limit_cpu\n"
        "limit_cpu(0.1)\n"
        "while True: pass\n"
    )
    done = subprocess.run([sys.executable, "-c", code], timeout=PATIENCE_S, check=False)
    assert done.returncode == -signal.SIGXCPU


def test_memory_past_the_limit_is_refused_and_the_worker_lives_on(pool):
    before = ask(pool, "echo").header["pid"]
    assert ask(pool, "eat", bytes=600 * MIB, allowed=100 * MIB).header["eaten"] is None
    assert ask(pool, "eat", bytes=90 * MIB, allowed=100 * MIB).header["eaten"] == 90 * MIB
    assert ask(pool, "echo").header["pid"] == before


@pytest.mark.parametrize("task", ["exit", "long header"])
def test_a_worker_that_ends_instead_of_answering_costs_one_question(pool, task):
    with pytest.raises(WorkerDiedError):
        ask(pool, task)
    assert ask(pool, "echo").header["pid"]


def test_a_killed_worker_costs_the_one_who_asked_it_and_nobody_else(pool, tmp_path):
    noted, ended = tmp_path / "pid", []

    def asker():
        try:
            ask(pool, "note", path=str(noted))
        except WorkerDiedError as error:
            ended.append(error)

    thread = threading.Thread(target=asker)
    thread.start()
    wait_until(lambda: noted.exists() and noted.read_text(encoding="utf-8"))
    other = ask(pool, "echo").header["pid"]
    os.kill(int(noted.read_text(encoding="utf-8")), signal.SIGKILL)
    thread.join(PATIENCE_S)
    assert len(ended) == 1
    assert ask(pool, "echo").header["pid"] == other


def test_a_worker_that_was_killed_while_idle_costs_nothing(pool):
    before = ask(pool, "echo").header["pid"]
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: not is_running(before))
    assert ask(pool, "echo").header["pid"] != before


def test_workers_are_given_no_secrets_of_the_environment(pool, monkeypatch):
    assert not [name for name in ask(pool, "environment").header["names"] if name.startswith("VRN_")]


def test_a_closed_pool_ends_its_workers_at_once_and_takes_no_more(tmp_path):
    pool = WorkerPool("tests.service.core.workers.fake_work", "make_answer", {})
    noted, ended = tmp_path / "pid", []

    def asker():
        try:
            ask(pool, "note", path=str(noted))
        except WorkerDiedError as error:
            ended.append(error)

    thread = threading.Thread(target=asker)
    thread.start()
    wait_until(lambda: noted.exists() and noted.read_text(encoding="utf-8"))
    pool.close()
    thread.join(PATIENCE_S)
    assert len(ended) == 1
    wait_until(lambda: not is_running(int(noted.read_text(encoding="utf-8"))))
    with pytest.raises(WorkerStartError):
        ask(pool, "echo")


def test_nobody_survives_a_killed_service(tmp_path):
    code = (
        "import sys\n"
        "from vrn_cropper.service.core.workers.pool import WorkerPool\n"
        "pool = WorkerPool('tests.service.core.workers.fake_work', 'make_answer', {})\n"
        "pool.ask({'task': 'note', 'path': sys.argv[1]}, [], 3600)\n"
    )
    noted = tmp_path / "pid"
    with subprocess.Popen([sys.executable, "-c", code, str(noted)], cwd=Path(__file__).parents[4]) as service:
        wait_until(lambda: noted.exists() and noted.read_text(encoding="utf-8"))
        service.kill()
    wait_until(lambda: not is_running(int(noted.read_text(encoding="utf-8"))))


def test_a_nursery_that_cannot_start_is_told(tmp_path):
    pool = WorkerPool("tests.no_such_module", "make_answer", {})
    with pytest.raises(WorkerStartError):
        ask(pool, "echo")
    pool.close()
