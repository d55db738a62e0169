"""ONNX Runtime's own telemetry, off: nothing of a user's photos, machine or habits is anybody else's."""

import os


def turn_telemetry_off() -> None:
    """Before ONNX Runtime is loaded: it reads this once. A value that the user set stays."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
