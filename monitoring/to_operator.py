"""Makes the Kubernetes form of the rules and the dashboard, so that both are edited in this folder alone.

`python monitoring/to_operator.py` writes into k8s/components/monitoring; tests/k8s fails when they differ.
"""

from pathlib import Path

import yaml

HERE = Path(__file__).resolve().parent
COMPONENT = HERE.parent / "k8s" / "components" / "monitoring"


def operator_files() -> dict[str, str]:
    """File name in the component -> its text."""
    rules = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "vrn-cropper", "labels": {"app.kubernetes.io/name": "vrn-cropper"}},
        "spec": yaml.safe_load((HERE / "rules.yaml").read_text(encoding="utf-8")),
    }
    note = "# Made from monitoring/rules.yaml by monitoring/to_operator.py.\n"
    return {
        "rules.yaml": note + yaml.safe_dump(rules, sort_keys=False, width=118),
        "dashboard.json": (HERE / "dashboard.json").read_text(encoding="utf-8"),
    }


if __name__ == "__main__":
    for name, text in operator_files().items():
        (COMPONENT / name).write_text(text, encoding="utf-8")
