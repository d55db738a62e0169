"""Which code trains, for the record in a checkpoint."""

import subprocess
from pathlib import Path


def code_version() -> str:
    """The commit that trains, `unknown` outside a checkout; marked where files differ from it."""
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty", "--abbrev=10"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
