"""The RayJob of `components/bulk`: what it starts exists, and its pods are valid ones of this cluster's schema."""

import importlib.metadata
import importlib.util
import shlex

import kubernetes_validate
import pytest
import yaml
from typer.main import get_command

from vrn_cropper.cli.app import build_app


@pytest.fixture(scope="module")
def job(render, tmp_path_factory):
    text = render(tmp_path_factory.mktemp("overlay"), "cpu", ("bulk",))
    (found,) = [manifest for manifest in yaml.safe_load_all(text) if manifest["kind"] == "RayJob"]
    return found


def pods(job):
    cluster = job["spec"]["rayClusterSpec"]
    return [group["template"] for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"])]


def test_what_it_starts_is_a_command_with_options_that_there_are(job):
    program, name, *arguments = shlex.split(job["spec"]["entrypoint"])
    assert program == "vrn"
    context = get_command(build_app()).commands[name].make_context(name, arguments)
    assert context.params["destination"].startswith("s3://")
    assert context.params["aspect_ratio"] == ("4:5", "16:9")


def test_its_pods_are_valid_and_restricted(job):
    for template in pods(job):
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "ray"}, "spec": template["spec"]}
        kubernetes_validate.validate(pod, "1.36", strict=True)
        assert template["spec"]["securityContext"]["runAsNonRoot"] is True
        (container,) = template["spec"]["containers"]
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert container["resources"]["requests"] == container["resources"]["limits"]


@pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="needs the extra: pip install 'vrn-cropper[bulk]'"
)
def test_its_version_of_ray_is_the_one_that_is_tested(job):
    wanted = job["spec"]["rayClusterSpec"]["rayVersion"].split(".")[:1]
    assert importlib.metadata.version("ray").split(".")[:1] == wanted
