"""`make sbom` lists what the image installs: the lock, all of it and nothing else."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

ROOT = Path(__file__).parents[2]


def locked():
    lines = (ROOT / "docker" / "requirements.lock").read_text().splitlines()
    return {re.match(r"([a-z0-9._-]+)==(\S+)", line).groups() for line in lines if re.match(r"[a-z]", line)}


@pytest.fixture(scope="module")
def sbom(tmp_path_factory):
    """The text that `make sbom` writes, with this environment's tools."""
    path = tmp_path_factory.mktemp("sbom") / "sbom.json"
    make = ["make", "--old-file=.venv/.dev", f"BIN={Path(sys.executable).parent}", "sbom", f"SBOM={path}"]
    done = subprocess.run(make, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return path.read_text()


def test_sbom_is_valid_cyclonedx(sbom):
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(sbom) is None
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(sbom.replace('"components"', '"parts"')) is not None


def test_sbom_is_of_the_project_and_lists_the_locked_packages(sbom):
    content = json.loads(sbom)
    assert content["metadata"]["component"]["name"] == "vrn-cropper"
    assert {(part["name"], part["version"]) for part in content["components"]} == locked()
    assert all(part["purl"].startswith("pkg:pypi/") for part in content["components"])


@pytest.mark.docker
def test_image_holds_the_locked_packages_and_the_project_alone(docker, image):
    code = """
import importlib.metadata as m, re
for d in m.distributions(path=["/opt/venv/lib/python3.11/site-packages"]):
    print(re.sub(r"[-_.]+", "-", d.name).lower(), d.version)
"""
    shown = docker("run", "--rm", "--entrypoint=/opt/venv/bin/python", image, "-P", "-c", code)
    installed = {tuple(line.split()) for line in shown.splitlines()}
    assert {part for part in installed if part[0] != "vrn-cropper"} == locked()
