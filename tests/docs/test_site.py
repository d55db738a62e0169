"""The documentation site builds without a warning, its version beside earlier ones."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_site_builds_without_a_warning_beside_earlier_versions(tmp_path):
    (tmp_path / "0.0.1").mkdir()
    (tmp_path / "0.0.1" / "index.html").write_text("an earlier version")
    done = subprocess.run(
        [sys.executable, ROOT / "docs" / "build_site.py", tmp_path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:]
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    assert [entry["version"] for entry in json.loads((tmp_path / "versions.json").read_text())] == [version, "0.0.1"]
    page = (tmp_path / version / "docs" / "api" / "index.html").read_text("utf-8")
    assert "aspect_ratio" in page
    assert 'src="https://' not in page  # nothing is fetched from elsewhere


def test_changelog_has_a_section_for_what_is_not_released_and_for_each_tag():
    sections = [line for line in (ROOT / "CHANGELOG.md").read_text("utf-8").splitlines() if line.startswith("## ")]
    assert sections[0] == "## Unreleased"
    tags = subprocess.run(["git", "tag", "--list", "v*"], cwd=ROOT, capture_output=True, text=True, check=False)
    for tag in tags.stdout.split():
        assert any(section.startswith(f"## {tag.removeprefix('v')} ") for section in sections), tag
