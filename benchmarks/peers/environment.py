"""An environment of its own for each peer, made once with the versions that the registry pins.

Kept under a folder that the caller names, marked by a digest of what is in it, so that a changed pin makes it anew.
"""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.peers.registry import Peer, python_of

INSTALL_TIMEOUT_S = 900


class PeerUnavailable(Exception):
    """A peer cannot be installed or started here; the message is the reason for the table."""


def prepare(peer: Peer, folder: Path) -> Path:
    """The interpreter that runs a peer, its packages installed. Raises PeerUnavailable."""
    if peer.packages_npm:
        return _with_npm_packages(peer, folder)
    if peer.requirements is None:
        return python_of(None)
    home, mark = _home_of(peer, peer.requirements, folder)
    if not mark.exists():
        shutil.rmtree(home, ignore_errors=True)
        _run([sys.executable, "-m", "venv", str(home)], peer)
        _run([str(python_of(home)), "-m", "pip", "install", "--quiet", *peer.requirements], peer)
        mark.touch()
    return python_of(home)


def _with_npm_packages(peer: Peer, folder: Path) -> Path:
    if shutil.which("npm") is None:
        raise PeerUnavailable("needs node and npm")
    home, mark = _home_of(peer, peer.packages_npm, folder)
    if not mark.exists():
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        _run(["npm", "install", "--silent", "--no-audit", "--prefix", str(home), *peer.packages_npm], peer)
        mark.touch()
    return home / "node_modules"


def installed_mib(peer: Peer, folder: Path) -> float | None:
    """Size of a peer's own environment; None where it shares the project's."""
    wanted = peer.packages_npm or peer.requirements
    if not wanted:
        return None
    home, _ = _home_of(peer, wanted, folder)
    return sum(path.stat().st_size for path in home.rglob("*") if path.is_file() and not path.is_symlink()) / 2**20


def _home_of(peer: Peer, wanted: tuple[str, ...], folder: Path) -> tuple[Path, Path]:
    digest = hashlib.sha256("\n".join(wanted).encode()).hexdigest()[:12]
    home = folder / f"{peer.name.lower().replace(' ', '-').replace('+', 'and')}-{digest}"
    return home, home / ".complete"


def _run(command: list[str], peer: Peer) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise PeerUnavailable(f"{peer.name}: {command[0]} took more than {INSTALL_TIMEOUT_S} s") from error
    if done.returncode:
        reason = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["no reason given"]
        raise PeerUnavailable(f"{peer.name}: {' '.join(command[:4])} failed: {reason[0]}")
