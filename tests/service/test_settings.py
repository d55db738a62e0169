"""Settings: read once, typed, frozen; errors that name the variable; all of them in the README."""

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from vrn_cropper.service.errors import StartUpError
from vrn_cropper.service.settings import Settings, read_settings, unknown_variables, variable_name

README = Path(__file__).parents[2] / "README.md"


def test_empty_environment_gives_the_defaults():
    settings = read_settings({})
    assert (settings.host, settings.port, settings.max_upload_bytes) == ("127.0.0.1", 8000, 32 * 1024 * 1024)


def test_values_are_typed_and_an_empty_one_is_the_default():
    settings = read_settings({"VRN_PORT": "9000", "VRN_MAX_WAIT_S": "0.5", "VRN_METRICS_PORT": ""})
    assert (settings.port, settings.max_wait_s, settings.metrics_port) == (9000, 0.5, None)


def test_settings_cannot_be_changed():
    with pytest.raises(ValidationError):
        read_settings({}).port = 1


@pytest.mark.parametrize(
    ("variable", "value", "hint"),
    [
        ("VRN_PORT", "70000", "<= 65535"),
        ("VRN_PORT", "http", "integer"),
        ("VRN_DEVICE", "gpu", "cuda:N"),
        ("VRN_PRECISION", "int8", "'f16'"),
        ("VRN_MAX_QUEUE_SIZE", "0", ">= 1"),
        ("VRN_REQUEST_TIMEOUT_S", "0", "> 0"),
        ("VRN_TRUSTED_PROXIES", "10.0.0.0/8,proxy", "'proxy' does not appear to be an IPv4 or IPv6 network"),
        ("VRN_TRUSTED_PROXIES", "10.0.0.1/8", "host bits set"),
        ("VRN_MAX_GPU_MEMORY_SHARE", "1.5", "<= 1"),
    ],
)
def test_error_names_the_variable_and_what_is_allowed(variable, value, hint):
    with pytest.raises(StartUpError) as error:
        read_settings({variable: value})
    assert f"{variable}={value!r}" in str(error.value)
    assert hint in str(error.value)


def test_every_fault_is_named_at_once():
    with pytest.raises(StartUpError, match=r"(?s)VRN_PORT.*VRN_DEVICE"):
        read_settings({"VRN_PORT": "x", "VRN_DEVICE": "x"})


def test_misspelt_variables_are_found():
    assert unknown_variables({"VRN_PROT": "1", "VRN_PORT": "1", "HOME": "/"}) == ["VRN_PROT"]


def test_readme_table_has_every_setting_with_its_default_and_nothing_else():
    section = README.read_text(encoding="utf-8").split("\n## Settings\n")[1].split("\n## ")[0]
    rows = dict(re.findall(r"^\| `(VRN_\w+)` \| (.*?) \|", section, flags=re.MULTILINE))
    expected = {}
    for name, field in Settings.model_fields.items():
        default = field.default
        if name == "model_path":
            default = "model/weights/vrn-mobilenetv2.onnx"
        expected[variable_name(name)] = "none" if default is None else f"`{default}`"
    assert rows == expected
