"""Rendered overlays: `kubectl kustomize`, with and without components, as lists of manifests."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
VARIANTS = {
    "cpu": ("cpu", ()),
    "gpu": ("gpu", ()),
    "cpu-monitoring": ("cpu", ("monitoring",)),
    "gpu-monitoring": ("gpu", ("monitoring",)),
    "cpu-keda": ("cpu", ("keda",)),
    "cpu-monitoring-keda": ("cpu", ("monitoring", "keda")),
}


@pytest.fixture(scope="session", params=VARIANTS)
def manifests_yaml(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The YAML of an overlay with components, as an operator's own overlay puts them together."""
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed (its built-in kustomize has to be 4.0 or newer)")
    overlay, components = VARIANTS[request.param]
    # Copied, as kustomize takes no absolute paths.
    folder = tmp_path_factory.mktemp("overlay")
    shutil.copytree(ROOT / "k8s", folder / "k8s")
    own = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namespace": "vrn-cropper",
        "resources": [f"k8s/overlays/{overlay}"],
        "components": [f"k8s/components/{name}" for name in components],
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(own), encoding="utf-8")
    done = subprocess.run(["kubectl", "kustomize", folder], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def manifests(manifests_yaml: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(manifests_yaml))


@pytest.fixture(scope="session")
def one(manifests: list[dict[str, Any]]) -> Callable[[str], dict[str, Any]]:
    """The only manifest of a kind."""

    def find(kind: str, name: str = "") -> dict[str, Any]:
        (found,) = [m for m in manifests if m["kind"] == kind and m["metadata"]["name"].startswith(name)]
        return found

    return find
