"""Without the extra `bulk` the command says what to install; no other part of the project needs it."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from vrn_cropper.cli.app import build_app

ROOT = Path(__file__).parents[3]


def test_command_without_the_extra_names_it(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "ray", None)
    for name in [name for name in sys.modules if name.startswith("vrn_cropper.cli.bulk.")]:
        if not name.endswith(".command"):
            monkeypatch.delitem(sys.modules, name)
    result = CliRunner().invoke(build_app(), ["bulk", str(tmp_path), str(tmp_path / "out")])
    assert result.exit_code == 2
    assert "vrn-cropper[bulk]" in result.stderr


def test_serving_and_the_other_commands_import_no_ray():
    program = (
        "import sys; import vrn_cropper.service.composition, vrn_cropper.cli.app, vrn_cropper.cli.crop_course;"
        "vrn_cropper.cli.app.build_app(); assert not {'ray', 'pyarrow', 'pandas'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT)


@pytest.mark.skipif(importlib.util.find_spec("ray") is not None, reason="the extra is installed: its tests run")
def test_tests_of_bulk_run():
    pytest.skip("the tests of bulk need the extra: pip install 'vrn-cropper[bulk]'")
