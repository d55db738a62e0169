"""The overlay that docs/deploy-kubernetes.md tells an operator to write does what it says, on either base."""

import re
from pathlib import Path

import pytest
import yaml

GUIDE = (Path(__file__).parents[2] / "docs" / "deploy-kubernetes.md").read_text(encoding="utf-8")


@pytest.fixture
def documented():
    """The first YAML of the guide, less what names its base."""
    own = yaml.safe_load(re.search(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)[1])
    assert own.pop("resources") == ["../cpu"]
    return {name: own[name] for name in ("images", "patches")}


@pytest.mark.parametrize("overlay", ["cpu", "gpu"])
def test_the_image_is_renamed_on_either_base(render, documented, tmp_path, overlay):
    ((renamed),) = documented["images"]
    manifests = list(yaml.safe_load_all(render(tmp_path, overlay, **documented)))
    (deployment,) = [m for m in manifests if m["kind"] == "Deployment"]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert container["image"] == f"{renamed['newName']}:{renamed['newTag']}"


@pytest.mark.parametrize(("overlay", "tag"), [("cpu", "0.1.0"), ("gpu", "0.1.0-cuda")])
def test_a_name_without_a_tag_keeps_the_overlay_s_own(render, tmp_path, overlay, tag):
    images = [{"name": "vrn-cropper", "newName": "registry.example.com/vrn-cropper"}]
    assert f"image: registry.example.com/vrn-cropper:{tag}\n" in render(tmp_path, overlay, images=images)


def test_the_host_and_its_certificate_are_in_the_ingress(render, documented, tmp_path):
    (ingress,) = [m for m in yaml.safe_load_all(render(tmp_path, "cpu", **documented)) if m["kind"] == "Ingress"]
    assert ingress["spec"]["rules"][0]["host"] == "crop.example.org"
    assert ingress["spec"]["tls"][0]["hosts"] == ["crop.example.org"]


@pytest.mark.parametrize("components", [(), ("keda",)])
def test_the_ceiling_is_the_number_of_gpus_after_the_documented_patch(render, tmp_path, components):
    text = re.search(r"```yaml\n(patches:\n[^`]*maxReplicas,[^`]*)```", GUIDE)[1]
    if components:  # as the comment there says
        text = text.replace("HorizontalPodAutoscaler", "ScaledObject").replace("maxReplicas,", "maxReplicaCount,")
    shown = render(tmp_path, "gpu", components, **yaml.safe_load(text))
    assert re.search(r"^  (maxReplicas|maxReplicaCount): 2$", shown, re.MULTILINE)


def test_another_release_of_kube_prometheus_stack_is_named_by_the_documented_patch(render, tmp_path):
    patch = yaml.safe_load(re.search(r"```yaml\n(patches:\n[^`]*labels/release[^`]*)```", GUIDE)[1])
    shown = render(tmp_path, "cpu", ("monitoring",), **patch)
    assert shown.count("release: prometheus\n") == 2
