"""One JSON object a photo, one line each, to a file or standard output; a killed run's file can be continued."""

import json
import sys
from pathlib import Path
from typing import Any, TextIO

from vrn_cropper.cli.outputs import STDOUT
from vrn_cropper.model.files import write_atomically


class JsonLines:
    """Writes lines as they come. `-` is standard output."""

    def __init__(self, target: str, *, keeps_earlier: bool, key: str) -> None:
        """Keeps the lines of an earlier run with the same options (`key`). Raises OSError if the file cannot be
        written.
        """
        self.done_paths: frozenset[str] = frozenset()
        if target == STDOUT:
            self._stream: TextIO = sys.stdout
            return
        path = Path(target)
        lines = _finished_lines(path, key) if keeps_earlier and path.exists() else {}
        self.done_paths = frozenset(lines)
        # A killed run may have left half a line: the file starts with the whole ones.
        write_atomically(path, "".join(line + "\n" for line in lines.values()).encode())
        self._stream = path.open("a", encoding="utf-8")

    def write(self, line: dict[str, Any]) -> None:
        """Write and flush one object."""
        self._stream.write(json.dumps(line, ensure_ascii=False) + "\n")
        self._stream.flush()

    def close(self) -> None:
        """Close the file; standard output stays open."""
        if self._stream is not sys.stdout:
            self._stream.close()


def _finished_lines(path: Path, key: str) -> dict[str, str]:
    """The lines of photos that were cropped with these options, by photo; all others are tried again."""
    lines = {}
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict) and "path" in entry and "error" not in entry and entry.get("options") == key:
            lines[str(entry["path"])] = line
    return lines
