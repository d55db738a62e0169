"""The profile `monitoring`: every replica is scraped, and an alert goes its whole way to Alertmanager."""

import re
from collections import Counter
from pathlib import Path

import httpx
import pytest
import yaml

pytestmark = pytest.mark.docker
ROOT = Path(__file__).parents[3]


def ask(url):
    """The JSON at `url`, or nothing while the server behind it is still starting."""
    try:
        answer = httpx.get(url, timeout=5)
    except httpx.TransportError:
        return None
    return answer.json() if answer.status_code == 200 else None


@pytest.fixture(scope="module")
def monitored(stack, tmp_path_factory):
    """URLs of Prometheus and Alertmanager. The rules are the project's own, but wait for nothing."""
    folder = tmp_path_factory.mktemp("monitoring")
    text, changes = re.subn(r"for: \d+m", "for: 0s", (ROOT / "monitoring" / "rules.yaml").read_text())
    assert changes
    (folder / "rules.yaml").write_text(text)
    override = {"configs": {"rules": {"file": str(folder / "rules.yaml")}}}
    (folder / "compose.yaml").write_text(yaml.safe_dump(override))
    files = ("--file", str(ROOT / "compose.yaml"), "--file", str(folder / "compose.yaml"))
    stack.compose("build", "--quiet", "prometheus", "alertmanager")
    stack.compose(*files, "up", "--detach", "--no-build", "--no-recreate", "--no-deps", "prometheus", "alertmanager")
    return (
        f"http://{stack.address('prometheus', 9090)}/api/v1",
        f"http://{stack.address('alertmanager', 9093)}/api/v2",
    )


def test_prometheus_scrapes_every_replica_and_the_balancer_and_loads_the_rules(stack, monitored):
    url, _ = monitored

    def up():
        targets = (ask(f"{url}/targets") or {"data": {"activeTargets": []}})["data"]["activeTargets"]
        return Counter(target["labels"]["job"] for target in targets if target["health"] == "up")

    everything = {"vrn-cropper": 3, "balancer": 1}
    stack.wait_until(lambda: up() == everything, "Prometheus to scrape three replicas and the balancer", up)
    rules = [rule for group in ask(f"{url}/rules")["data"]["groups"] for rule in group["rules"]]
    assert [rule for rule in rules if rule["type"] == "alerting"]
    assert [rule["name"] for rule in rules if rule["health"] == "err"] == []


def test_a_replica_that_hangs_is_reported_to_alertmanager(stack, docker, monitored):
    _, url = monitored
    replica = stack.replicas()[0]
    docker("pause", replica)
    try:
        stack.wait_until(
            lambda: "VrnReplicaDown" in {alert["labels"]["alertname"] for alert in ask(f"{url}/alerts") or []},
            "the alert VrnReplicaDown in Alertmanager",
        )
    finally:
        docker("unpause", replica)
    stack.wait_for_replicas()


def test_both_write_json(stack, monitored):
    for service in ("prometheus", "alertmanager"):
        lines = [line for line in stack.log_of(service) if line]
        assert lines
        assert all(line.startswith("{") for line in lines)
