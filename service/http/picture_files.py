"""Several pictures and what is told of them as one body: a ZIP archive, or multipart/mixed. Knows bytes and names."""

import io
import json
import re
import uuid
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

ZIP = "application/zip"
MULTIPART = "multipart/mixed"
_TOLD = "crops.json"
_TIME = (1980, 1, 1, 0, 0, 0)  # the same pictures are the same bytes


@dataclass(frozen=True, slots=True)
class PictureFile:
    """A picture's name, its media type, its bytes."""

    name: str
    media_type: str
    content: bytes


def file_name(position: int, ratio: str, rank: int, width: int | None, suffix: str) -> str:
    """`01-16x9-1-640w.webp`: unique by its position, safe in any file system."""
    asked = re.sub(r"[^0-9a-z.]+", "x", ratio.lower()).strip("x.")
    return f"{position:02d}-{asked}-{rank}{f'-{width}w' if width else ''}{suffix}"


def pack(told: dict[str, Any], files: Sequence[PictureFile], accept: str) -> tuple[bytes, str]:
    """The body and its `Content-Type`: multipart where `accept` names it, else ZIP. `crops.json` comes first."""
    first = PictureFile(_TOLD, "application/json", json.dumps(told, ensure_ascii=False).encode())
    if MULTIPART in accept.lower():
        return _multipart([first, *files])
    return _zip([first, *files]), ZIP


def _zip(files: Sequence[PictureFile]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:  # pictures are compressed already
        for file in files:
            archive.writestr(zipfile.ZipInfo(file.name, _TIME), file.content)
    return buffer.getvalue()


def _multipart(files: Sequence[PictureFile]) -> tuple[bytes, str]:
    boundary = uuid.uuid4().hex
    parts = []
    for file in files:
        head = (
            f"--{boundary}\r\nContent-Type: {file.media_type}\r\nContent-Length: {len(file.content)}\r\n"
            f'Content-Disposition: attachment; filename="{file.name}"\r\n\r\n'
        )
        parts += [head.encode(), file.content, b"\r\n"]
    return b"".join([*parts, f"--{boundary}--\r\n".encode()]), f"{MULTIPART}; boundary={boundary}"
