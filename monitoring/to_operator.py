"""Makes the Kubernetes form of the rules, so that they are edited in this folder alone.

`python monitoring/to_operator.py` writes k8s/components/monitoring/rules.yaml; tests/k8s fails when it differs.
"""

from pathlib import Path

import yaml

HERE = Path(__file__).resolve().parent
TARGET = HERE.parent / "k8s" / "components" / "monitoring" / "rules.yaml"


def operator_rules() -> str:
    """The text of the PrometheusRule."""
    rules = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {
            "name": "vrn-cropper",
            # `release` is what kube-prometheus-stack's Prometheus selects by, as in servicemonitor.yaml.
            "labels": {"app.kubernetes.io/name": "vrn-cropper", "release": "kube-prometheus-stack"},
        },
        "spec": yaml.safe_load((HERE / "rules.yaml").read_text(encoding="utf-8")),
    }
    note = "# Made from monitoring/rules.yaml by monitoring/to_operator.py.\n"
    return note + yaml.safe_dump(rules, sort_keys=False, width=118)


if __name__ == "__main__":
    TARGET.write_text(operator_rules(), encoding="utf-8")
