"""What an earlier run did: one line a photo in the hidden file `.vrn-crop.jsonl` of the output folder.

A photo is done if its line has the same key (options, model, and the photo's own size and time) and its files are
there. Lines are appended, a whole one in one write, so that the shards of a run may share a folder.
"""

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path

from vrn_cropper.cli.sources import Source

RECORD_NAME = ".vrn-crop.jsonl"


def options_key(*parts: object) -> str:
    """A short name of everything that decides what a run makes of a photo."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def photo_key(source: Source, options: str) -> str:
    """The key of a photo as it is now. Raises OSError."""
    if source.path is None:
        return options
    state = source.path.stat()
    return options_key(options, state.st_size, state.st_mtime_ns)


class RunRecord:
    """The record of one output folder."""

    def __init__(self, folder: Path) -> None:
        """Reads what is there; a line that a killed run left half is passed over."""
        self._folder = folder
        self._path = folder / RECORD_NAME
        self._done: dict[str, tuple[str, list[str]]] = {}
        if not self._path.exists():
            return
        for line in self._path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                entry = json.loads(line)
                self._done[str(entry["name"])] = str(entry["key"]), [str(file) for file in entry["files"]]
            except (ValueError, KeyError, TypeError):
                continue

    def is_done(self, name: str, key: str) -> bool:
        """Whether the photo of this output name was done with this key, and its files are still there."""
        found_key, files = self._done.get(name, ("", []))
        return found_key == key and all((self._folder / file).exists() for file in files)

    def add(self, name: str, key: str, files: Iterable[Path]) -> None:
        """Say that a photo is done; its files are written before. Raises OSError."""
        entry = {"name": name, "key": key, "files": [os.path.relpath(file, self._folder) for file in files]}
        line = json.dumps(entry, ensure_ascii=False) + "\n"
        self._folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            size = os.fstat(descriptor).st_size
            # A killed run may have left half a line.
            torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
            os.write(descriptor, ("\n" * torn + line).encode())
        finally:
            os.close(descriptor)
