"""No process of this project tells anybody else about its user."""

import os

from vrn_cropper.service.core.telemetry import turn_telemetry_off


def test_it_is_off_unless_the_user_set_it(monkeypatch):
    monkeypatch.delenv("ORT_DISABLE_TELEMETRY", raising=False)
    turn_telemetry_off()
    assert os.environ["ORT_DISABLE_TELEMETRY"] == "1"
    monkeypatch.setenv("ORT_DISABLE_TELEMETRY", "0")
    turn_telemetry_off()
    assert os.environ["ORT_DISABLE_TELEMETRY"] == "0"
