"""Rules, dashboard and autoscalers ask only for what the server exposes; promtool accepts and tests the rules."""

import json
import re
import runpy
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest
import yaml
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from vrn_cropper.service.core.batch_contract import DropReason
from vrn_cropper.service.metrics import OUTCOMES, Metrics

ROOT = Path(__file__).parents[2]
MONITORING = ROOT / "monitoring"
COMPONENT = ROOT / "k8s" / "components" / "monitoring"
GROUPS = yaml.safe_load((MONITORING / "rules.yaml").read_text())["groups"]
RULES = [rule for group in GROUPS for rule in group["rules"]]
ALERTS = {rule["alert"]: rule for rule in RULES if "alert" in rule}
DASHBOARD = json.loads((MONITORING / "dashboard.json").read_text())
QUERIES = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
_WORDS = {"and", "or", "unless", "by", "without", "on", "ignoring"}
# What HAProxy counts; tests/docker/balancer asks a real one for them.
BALANCER = re.compile(r"haproxy_backend_\w+")


def metric_names(expression: str) -> set[str]:
    """Names that select series: what is left when matchers, ranges, groupings, calls and numbers are gone."""
    bare = re.sub(r'\{[^}]*\}|\[[^\]]*\]|\b(by|without|on|ignoring)\s*\([^)]*\)|"[^"]*"', " ", expression)
    return set(re.findall(r"[a-zA-Z_:][\w:]*(?![\w:])(?!\s*\()", re.sub(r"\b[\d.]+\b", " ", bare))) - _WORDS


def exposed_names() -> set[str]:
    """Every sample that a scrape holds."""
    metrics = Metrics(CollectorRegistry())
    metrics.engine_loaded("cpu", "f32", "m", "1")
    families = list(text_string_to_metric_families(metrics.render()[0].decode()))
    histograms = {f"{f.name}_{end}" for f in families if f.type == "histogram" for end in ("bucket", "sum", "count")}
    return {sample.name for family in families for sample in family.samples} | histograms


KNOWN = exposed_names() | {rule["record"] for rule in RULES if "record" in rule} | {"up"}


@pytest.fixture
def promtool(require_program: Callable[[str, str], str]) -> Callable[..., None]:
    """Runs a command of promtool that has to succeed."""
    program = require_program("promtool", "prometheus")

    def run(*arguments: str) -> None:
        done = subprocess.run([program, *arguments], cwd=MONITORING, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr

    return run


@pytest.mark.parametrize("expression", QUERIES + [rule["expr"] for rule in RULES])
def test_queries_ask_for_metrics_and_labels_that_exist(expression):
    names = metric_names(expression)
    assert names
    assert {name for name in names if not BALANCER.fullmatch(name)} <= KNOWN
    for label, allowed in (("outcome", OUTCOMES), ("reason", set(get_args(DropReason)))):
        for values in re.findall(label + r'=~?"([^"]*)"', expression):
            assert set(values.split("|")) <= allowed


def test_a_name_that_the_server_does_not_expose_is_found():
    assert metric_names('sum by (job) (rate(vrn_typo_total{route=~"/crop.*"}[5m])) > 2') == {"vrn_typo_total"}
    assert "vrn_typo_total" not in KNOWN


def test_autoscalers_ask_for_metrics_that_the_server_exposes(manifests):
    for manifest in manifests:
        if manifest["kind"] == "HorizontalPodAutoscaler":
            pods = [m["pods"]["metric"]["name"] for m in manifest["spec"]["metrics"] if m["type"] == "Pods"]
            assert set(pods) <= exposed_names()
            assert bool(pods) is any(m["kind"] == "ServiceMonitor" for m in manifests)
        if manifest["kind"] == "ScaledObject":
            (query,) = [t["metadata"]["query"] for t in manifest["spec"]["triggers"] if t["type"] == "prometheus"]
            assert metric_names(query) <= exposed_names()


def test_every_alert_has_a_runbook_entry_and_the_other_way_round():
    text = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^## (Vrn\w+)$", text, re.M)) == set(ALERTS)
    for name, rule in ALERTS.items():
        assert rule["annotations"]["runbook"] == f"docs/runbook.md#{name.lower()}"


def test_every_alert_is_seen_to_fire_and_to_stay_silent():
    tests = yaml.safe_load((MONITORING / "rules_test.yaml").read_text())["tests"]
    cases = [case for test in tests for case in test["alert_rule_test"]]
    assert {case["alertname"] for case in cases if case["exp_alerts"]} == set(ALERTS)
    assert {case["alertname"] for case in cases if not case["exp_alerts"]} == set(ALERTS)


def test_promtool_accepts_the_rules(promtool):
    promtool("check", "rules", "rules.yaml")


def test_promtool_accepts_every_query_of_the_dashboard(promtool, tmp_path):
    queries = [query.replace("$__rate_interval", "5m").replace("$job", ".*") for query in QUERIES]
    rules = [{"record": f"dashboard:query{n}", "expr": query} for n, query in enumerate(queries)]
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    promtool("check", "rules", str(tmp_path / "rules.yaml"))


def test_promtool_accepts_the_scrape_config(promtool, tmp_path):
    config = yaml.safe_load((ROOT / "monitoring" / "prometheus" / "prometheus.yaml").read_text())
    # The path of the rules inside the container does not exist here; they are checked on their own.
    (tmp_path / "prometheus.yaml").write_text(yaml.safe_dump(config | {"rule_files": []}))
    promtool("check", "config", str(tmp_path / "prometheus.yaml"))


def test_rules_fire_when_they_should(promtool):
    promtool("test", "rules", "rules_test.yaml")


def test_the_operator_s_rules_are_made_from_these():
    made = runpy.run_path(str(MONITORING / "to_operator.py"))["operator_rules"]()
    assert (COMPONENT / "rules.yaml").read_text(encoding="utf-8") == made, "run: python monitoring/to_operator.py"


def test_what_the_operator_reads_carries_the_label_that_kube_prometheus_stack_selects_by(manifests):
    for manifest in manifests:
        if manifest["kind"] in ("ServiceMonitor", "PrometheusRule"):
            assert manifest["metadata"]["labels"]["release"] == "kube-prometheus-stack"


def test_there_is_one_dashboard_and_the_cluster_s_is_that_one(manifests):
    assert list(ROOT.glob("[!.]*/**/dashboard.json")) == [MONITORING / "dashboard.json"]
    for manifest in manifests:
        if manifest["metadata"]["name"] == "vrn-cropper-dashboard":
            assert json.loads(manifest["data"]["dashboard.json"]) == DASHBOARD


def test_the_adapter_makes_the_metric_that_the_autoscaler_asks_for(manifests, promtool, tmp_path):
    (rule,) = yaml.safe_load((COMPONENT / "adapter-values.yaml").read_text())["rules"]["custom"]
    (series,) = re.findall(r'__name__="(\w+)"', rule["seriesQuery"])
    for manifest in manifests:
        if manifest["kind"] == "HorizontalPodAutoscaler":
            asked = [m["pods"]["metric"]["name"] for m in manifest["spec"]["metrics"] if m["type"] == "Pods"]
            assert asked in ([], [series])
    # As the adapter fills its template in.
    query = rule["metricsQuery"].replace("<<.Series>>", series).replace("<<.GroupBy>>", "pod")
    query = query.replace("<<.LabelMatchers>>", 'namespace="vrn-cropper",pod=~"a|b"')
    checked = {"groups": [{"name": "adapter", "rules": [{"record": "adapter:query", "expr": query}]}]}
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(checked))
    promtool("check", "rules", str(tmp_path / "rules.yaml"))
    assert metric_names(query) == {series}
