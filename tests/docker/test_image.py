"""Promises of the CPU image, asked of the image itself."""

import json
import time
from datetime import datetime
from pathlib import Path

import pytest

pytestmark = pytest.mark.docker
ROOT = Path(__file__).parents[2]
BASE = "python:3.11-slim-bookworm"
MAX_BYTES = 600_000_000
PATIENCE_S = 600  # a loaded machine is slow, a broken image never comes


@pytest.fixture
def in_image(docker, image):
    """What a command prints in a container of the image that can write nothing and reach nothing."""

    def run(command, *arguments):
        confined = ("--read-only", "--cap-drop=ALL", "--network=none", "--security-opt=no-new-privileges")
        return docker("run", "--rm", *confined, f"--entrypoint={command}", image, *arguments)

    return run


def test_image_is_small(docker, image):
    size, base = (facts["Size"] for facts in json.loads(docker("image", "inspect", image, BASE)))
    print(f"\nimage: {size / 1e6:.0f} MB, of which the base has {base / 1e6:.0f} MB")
    assert size < MAX_BYTES


def test_image_says_how_to_run_it(docker, image):
    config = json.loads(docker("image", "inspect", image))[0]["Config"]
    assert config["User"] == "10001:10001"
    assert config["StopSignal"] == "SIGTERM"
    assert config["Healthcheck"]["Test"][-1] == "/opt/healthcheck.py"
    labels = {name.removeprefix("org.opencontainers.image.") for name in config["Labels"]}
    assert {"title", "description", "licenses", "version", "revision"} <= labels


def test_no_secret_and_no_key_is_in_any_layer(docker, image, in_image):
    recorded = docker("image", "history", "--no-trunc", "--format", "{{.CreatedBy}}", image)
    recorded += json.dumps(json.loads(docker("image", "inspect", image))[0]["Config"])
    assert "VRN_API_KEYS" not in recorded
    found = in_image("find", "/opt", "/tmp", "-name", ".env*", "-o", "-name", "*.pem", "-o", "-name", ".git")
    assert [path for path in found.split() if not path.endswith("certifi/cacert.pem")] == []


@pytest.mark.parametrize("module", ["torch", "torchvision", "onnx", "pytest", "setuptools", "pip"])
def test_what_serving_does_not_need_is_not_installed(in_image, module):
    code = f"import importlib.util; print(importlib.util.find_spec('{module}'))"
    assert in_image("/opt/venv/bin/python", "-c", code).strip() == "None"


@pytest.mark.parametrize("tool", ["gcc", "cc", "make", "git"])
def test_there_is_no_compiler(in_image, tool):
    assert in_image("sh", "-c", f"command -v {tool} || echo none").strip() == "none"


def test_web_page_is_in_the_image(in_image):
    files = {path.name for path in (ROOT / "service" / "static").iterdir()}
    assert "index.html" in files
    assert set(in_image("ls", "/opt/venv/lib/python3.11/site-packages/vrn_cropper/service/static").split()) == files


def test_installed_version_is_the_project_s(in_image):
    code = "from vrn_cropper.service.composition import service_version; print(service_version())"
    assert in_image("/opt/venv/bin/python", "-P", "-c", code).strip() in (ROOT / "pyproject.toml").read_text()


def test_container_is_ready_without_network_and_writable_files(docker, image, log_of):
    confined = ("--read-only", "--cap-drop=ALL", "--network=none", "--memory=1g", "--tmpfs=/tmp")
    container = docker("run", "--detach", *confined, image).strip()
    try:
        until = time.monotonic() + PATIENCE_S
        while not any("ready after" in line for line in log_of(container)):
            assert time.monotonic() < until, log_of(container)
            time.sleep(0.1)
        # The image's own health check agrees.
        docker("exec", container, "/opt/venv/bin/python", "-I", "/opt/healthcheck.py")
        docker("stop", container)
        state = json.loads(docker("inspect", container))[0]["State"]
        assert state["ExitCode"] == 0
        lines = [json.loads(line) for line in log_of(container)]
        ready = next(line for line in lines if "ready after" in line["message"])
        took_s = datetime.fromisoformat(ready["time"]) - datetime.fromisoformat(state["StartedAt"][:23] + "+00:00")
        print(f"\ncontainer: ready {took_s.total_seconds():.1f} s after its start")
    finally:
        docker("rm", "--force", container)
