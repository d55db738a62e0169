"""What schemas miss: the manifests agree with each other and with the service."""

import re
from pathlib import Path

import kubernetes_validate
import pytest

from vrn_cropper.service.settings import Settings, read_settings, variable_name

ROOT = Path(__file__).parents[2]
SCHEMA = "1.36"
# Their schemas come with their operators.
CUSTOM_KINDS = {"ServiceMonitor", "PrometheusRule", "ScaledObject", "HTTPRoute"}
_SUFFIXES = {"": 1, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}
_PROCESS_BYTES = 512 * 2**20  # the idle process and one batch, rounded up (docs/batching.md)


def quantity(text: str | int) -> float:
    matched = re.fullmatch(r"(\d+(?:\.\d+)?)([kKMGT]?i?|m)", str(text))
    assert matched, f"{text!r} is not a quantity"
    return float(matched[1]) * _SUFFIXES[matched[2]]


@pytest.fixture
def pod(one):
    return one("Deployment")["spec"]["template"]


@pytest.fixture
def container(pod):
    (only,) = pod["spec"]["containers"]
    return only


@pytest.fixture
def settings(one) -> Settings:
    return read_settings(one("ConfigMap", "vrn-cropper-settings")["data"])


def test_every_manifest_is_valid_by_the_strict_schema(manifests):
    checked = [m for m in manifests if m["kind"] not in CUSTOM_KINDS]
    for manifest in checked:
        kubernetes_validate.validate(manifest, SCHEMA, strict=True)
    assert len(checked) >= 7


def test_the_schema_of_that_version_is_there_and_strict(manifests):
    """kubernetes-validate would otherwise take the nearest older schema, or let a misspelt field pass."""
    assert kubernetes_validate.latest_version().split(".")[:2] >= SCHEMA.split(".")
    (deployment,) = [dict(m) for m in manifests if m["kind"] == "Deployment"]
    wrong = deployment | {"spec": deployment["spec"] | {"replica": 3}}
    with pytest.raises(kubernetes_validate.ValidationError, match="replica"):
        kubernetes_validate.validate(wrong, SCHEMA, strict=True)


def test_every_setting_is_in_the_config_map_and_nothing_else(one):
    given = set(one("ConfigMap", "vrn-cropper-settings")["data"])
    assert given == {variable_name(name) for name in Settings.model_fields} - {"VRN_API_KEYS"}


def test_keys_come_from_a_secret_that_is_required_and_not_in_the_manifests(pod, container, settings, manifests):
    (mount,) = [mount for mount in container["volumeMounts"] if mount["name"] == "keys"]
    assert settings.api_keys_file == Path(mount["mountPath"]) / "VRN_API_KEYS"
    assert mount["readOnly"] is True
    (volume,) = [volume for volume in pod["spec"]["volumes"] if volume["name"] == "keys"]
    assert volume["secret"]["secretName"] == "vrn-cropper-keys"
    assert volume["secret"].get("optional", False) is False
    assert pod["spec"]["securityContext"]["fsGroup"] == 10001, "or the user could not read it"
    assert not [m for m in manifests if m["kind"] == "Secret"]


def test_replicas_read_the_config_map_that_was_made(one, container):
    assert container["envFrom"] == [
        {"configMapRef": {"name": one("ConfigMap", "vrn-cropper-settings")["metadata"]["name"]}}
    ]


def test_every_selector_matches_the_replicas(one, pod, manifests):
    labels = pod["metadata"]["labels"].items()
    selectors = [
        one("Deployment")["spec"]["selector"]["matchLabels"],
        one("Service")["spec"]["selector"],
        one("PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        one("NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
        *(spread["labelSelector"]["matchLabels"] for spread in pod["spec"]["topologySpreadConstraints"]),
    ]
    assert all(selector and selector.items() <= labels for selector in selectors)
    service_ports = {port["name"] for port in one("Service")["spec"]["ports"]}
    for monitor in (m for m in manifests if m["kind"] == "ServiceMonitor"):
        assert monitor["spec"]["selector"]["matchLabels"].items() <= one("Service")["metadata"]["labels"].items()
        assert {e["port"] for e in monitor["spec"]["endpoints"]} <= service_ports
        assert one("Service")["metadata"]["labels"][monitor["spec"]["jobLabel"]] == "vrn-cropper"


def test_ports_are_the_settings_and_are_used_by_name(one, container, settings):
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports == {"http": settings.port, "metrics": settings.metrics_port}
    assert settings.host == "0.0.0.0"
    assert {port["targetPort"] for port in one("Service")["spec"]["ports"]} == set(ports)
    probes = [container[f"{kind}Probe"] for kind in ("startup", "readiness", "liveness")]
    assert {probe["httpGet"]["port"] for probe in probes} == {"http"}
    allowed = {port["port"] for rule in one("NetworkPolicy")["spec"]["ingress"] for port in rule["ports"]}
    assert allowed == set(ports)


def test_exactly_one_way_leads_in_from_outside_and_to_the_service(one, manifests):
    """An Ingress, or the HTTPRoute that replaces it."""
    (way,) = [m for m in manifests if m["kind"] in ("Ingress", "HTTPRoute")]
    (rule,) = way["spec"]["rules"]
    if way["kind"] == "Ingress":
        (path,) = rule["http"]["paths"]
        backend = path["backend"]["service"]
        assert (backend["name"], backend["port"]["name"]) == (one("Service")["metadata"]["name"], "http")
    else:
        (backend,) = rule["backendRefs"]
        (port,) = [port["port"] for port in one("Service")["spec"]["ports"] if port["name"] == "http"]
        assert (backend["name"], backend["port"]) == (one("Service")["metadata"]["name"], port)


@pytest.mark.parametrize("kind", ["startup", "readiness", "liveness"])
def test_probes_ask_routes_that_the_service_has(container, kind):
    source = (ROOT / "service" / "http" / "routes_state.py").read_text(encoding="utf-8")
    assert re.search(rf'@router\.get\(\s*"{container[f"{kind}Probe"]["httpGet"]["path"]}"', source)


def test_only_a_warm_replica_gets_work_and_a_full_one_keeps_it(container):
    assert container["startupProbe"]["httpGet"]["path"] == "/readyz"
    assert container["readinessProbe"]["httpGet"]["path"] == "/healthz"


def test_grace_holds_pre_stop_and_the_whole_drain(pod, container, settings):
    pre_stop_s = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    readiness = container["readinessProbe"]
    assert pod["spec"]["terminationGracePeriodSeconds"] >= pre_stop_s + settings.drain_timeout_s + 5
    assert settings.drain_timeout_s > settings.request_timeout_s + settings.drain_delay_s
    assert pre_stop_s >= readiness["periodSeconds"] * readiness["failureThreshold"]


def test_limits_are_whole_cpus_and_hold_what_the_settings_allow(container, settings):
    limits, requests = container["resources"]["limits"], container["resources"]["requests"]
    assert {name: quantity(value) for name, value in limits.items()} == {
        name: quantity(value) for name, value in requests.items()
    }
    assert quantity(limits["cpu"]) % 1 == 0, "a part of a CPU means one thread that is throttled"
    assert settings.engine_threads == settings.decode_threads == 0, "threads follow the CPU limit"
    # docs/tuning.md, "Memory"; a photo larger than a budget is worked on alone, so none may be.
    assert settings.max_photo_pixels <= min(settings.max_decode_pixels, settings.max_held_pixels)
    photos = 10 * settings.max_decode_pixels + 16 * settings.max_held_pixels
    transfers = settings.max_buffered_bytes + settings.max_unsent_bytes
    assert quantity(limits["memory"]) >= _PROCESS_BYTES + transfers + photos


def test_no_mount_hides_what_the_image_holds(container, settings):
    dockerfile = (ROOT / "docker" / ("Dockerfile" if settings.device == "cpu" else "Dockerfile.cuda")).read_text()
    held = re.findall(r"^COPY (?:--from=build )?\S+ (/\S+)$", dockerfile, re.MULTILINE)
    mounts = [mount["mountPath"] for mount in container["volumeMounts"]]
    assert held
    assert not [path for path in held for mount in mounts if Path(path).is_relative_to(mount)]


def test_an_eviction_leaves_replicas_serving_where_there_are_several(one, autoscaler, settings):
    least, _ = autoscaler
    budget = one("PodDisruptionBudget")["spec"]
    assert budget["maxUnavailable"] == 1, "less would block every drain of a node"
    assert budget["unhealthyPodEvictionPolicy"] == "AlwaysAllow"
    assert least - budget["maxUnavailable"] >= (2 if settings.device == "cpu" else 0)


def test_the_autoscaler_alone_owns_the_number_of_replicas(one, manifests, autoscaler, settings):
    """`replicas` in the Deployment would throw what the autoscaler chose back at every `kubectl apply`."""
    (scaler,) = [m["spec"] for m in manifests if m["kind"] in ("HorizontalPodAutoscaler", "ScaledObject")]
    assert scaler["scaleTargetRef"]["name"] == one("Deployment")["metadata"]["name"]
    assert "replicas" not in one("Deployment")["spec"]
    assert autoscaler == ((3, 30) if settings.device == "cpu" else (1, 1))


def seconds(text):
    return float(text.removesuffix("s"))


def test_ways_in_have_the_limits_of_the_service(manifests, settings):
    (way,) = [m for m in manifests if m["kind"] in ("Ingress", "HTTPRoute")]
    if way["kind"] == "HTTPRoute":
        longest_s = settings.upload_timeout_s + settings.request_timeout_s
        assert seconds(way["spec"]["rules"][0]["timeouts"]["backendRequest"]) > longest_s
        return
    notes = way["metadata"]["annotations"]
    largest = max(settings.max_upload_bytes, settings.max_files_bytes)
    for name in ("nginx.ingress.kubernetes.io/proxy-body-size", "nginx.org/client-max-body-size"):
        assert quantity(notes[name].removesuffix("m") + "Mi") == largest
    for name in (
        "nginx.ingress.kubernetes.io/proxy-read-timeout",
        "nginx.org/proxy-read-timeout",
        "haproxy.org/timeout-server",
    ):
        assert seconds(notes[name]) > max(settings.request_timeout_s, settings.stall_timeout_s)
    for name in ("nginx.ingress.kubernetes.io/proxy-connect-timeout", "nginx.org/proxy-connect-timeout"):
        assert seconds(notes[name]) == 1, "a vanished replica answers nothing at all"
    assert notes["nginx.ingress.kubernetes.io/proxy-request-buffering"] == "off"


def test_pods_pass_pod_security_restricted_and_hold_no_token(one, pod, container):
    assert one("Namespace")["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    security, inner = pod["spec"]["securityContext"], container["securityContext"]
    assert (security["runAsNonRoot"], security["seccompProfile"]["type"]) == (True, "RuntimeDefault")
    assert security["runAsUser"] > 0
    assert inner == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod["spec"]["automountServiceAccountToken"] is False
    assert one("ServiceAccount")["automountServiceAccountToken"] is False
    assert pod["spec"]["serviceAccountName"] == one("ServiceAccount")["metadata"]["name"]


def test_the_service_name_does_not_pass_for_settings(pod):
    """Kubernetes would inject VRN_CROPPER_SERVICE_HOST for the Service, and the start would warn of it."""
    assert pod["spec"]["enableServiceLinks"] is False


def test_gpu_and_tolerations_go_with_the_device(container, pod, settings):
    wants_gpu = "nvidia.com/gpu" in container["resources"]["limits"]
    assert wants_gpu is (settings.device == "cuda")
    keys = [toleration["key"] for toleration in pod["spec"].get("tolerations", [])]
    assert keys == (["nvidia.com/gpu"] if wants_gpu else [])
