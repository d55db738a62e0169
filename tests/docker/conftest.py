"""A Docker engine and the image that is tried on it.

`make test-docker` runs them. Where no engine answers and none can be started, they are skipped with the reason.
"""

import os
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Where this checkout lies beside tools that can start an engine.
STARTER = ROOT.parent / "shared" / "tools" / "docker-up.sh"
IMAGE = "vrn-cropper:test"
STARTER_TIMEOUT_S = 300
COMMAND_TIMEOUT_S = 1500  # of one docker command; the longest builds an image


def run_docker(*arguments: str, stdin: str | None = None, **environment: str) -> str:
    """Standard output of a docker command that has to succeed."""
    done = subprocess.run(
        ["docker", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        input=stdin,
        capture_output=True,
        text=True,
        timeout=COMMAND_TIMEOUT_S,
    )
    assert done.returncode == 0, f"docker {' '.join(arguments)}: {done.stdout}{done.stderr}"
    return done.stdout


def engine_answers() -> bool:
    """Whether there is an engine, and Compose."""
    commands = (["docker", "info"], ["docker", "compose", "version"])
    try:
        return all(subprocess.run(command, capture_output=True, timeout=60).returncode == 0 for command in commands)
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return False


def start_engine(starter: Path, timeout_s: float, answers: Callable[[], bool] = engine_answers) -> bool:
    """Whether an engine had to be started. Skips, with the reason, where none answers afterwards."""
    if answers():
        return False
    reason = "no Docker engine with Compose answers"
    if starter.exists():
        with tempfile.TemporaryFile("w+") as output:  # not a pipe, which a daemon may hold open
            process = subprocess.Popen([starter], stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
            try:
                if process.wait(timeout_s):
                    output.seek(0)
                    last_line = output.read().strip().rpartition("\n")[2]
                    reason = f"{starter.name} failed: {last_line[-300:]}"
            except subprocess.TimeoutExpired:
                reason = f"{starter.name} took longer than {timeout_s:g} s"
                os.killpg(process.pid, signal.SIGKILL)  # what it waits for as well
                process.wait()
        if answers():
            return True
    pytest.skip(f"{reason}; start an engine, then: make test-docker")


@pytest.fixture(scope="session", name="start_engine")
def start_engine_fixture() -> Callable[..., bool]:
    """For tests of the skipping itself."""
    return start_engine


@pytest.fixture(scope="session")
def engine() -> Iterator[None]:
    """An engine with Compose; skips where there is none. One that was started for the tests ends with them."""
    started = start_engine(STARTER, STARTER_TIMEOUT_S)
    yield
    if started:
        subprocess.run([STARTER, "down"], capture_output=True, timeout=STARTER_TIMEOUT_S)


@pytest.fixture(scope="session")
def docker(engine: None) -> Callable[..., str]:
    """Runs a docker command that has to succeed; its standard output."""
    return run_docker


@pytest.fixture(scope="session")
def log_of(engine: None) -> Callable[[str], list[str]]:
    """The lines that a container wrote."""

    def read(container: str) -> list[str]:
        command = ["docker", "logs", container]
        both = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return both.stdout.splitlines()

    return read


@pytest.fixture(scope="session")
def image(engine: None) -> str:
    """The CPU image of this checkout."""
    run_docker("build", "--quiet", "--file", "docker/Dockerfile", "--tag", IMAGE, ".")
    return IMAGE
