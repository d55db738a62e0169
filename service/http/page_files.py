"""The web page's files, read once from the package. Knows nothing of HTTP beyond media types, nor of photos."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable

# What the page may hold. A file of another kind is an editor's left-over and is not served.
_MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".jpg": "image/jpeg",
}
_INDEX = "index.html"
_MAX_UPLOAD_BYTES = "{{max_upload_bytes}}"


@dataclass(frozen=True, slots=True)
class PageFile:
    """A file in memory. `etag` names its content: times would be equal in every reproducible image."""

    content: bytes
    media_type: str
    etag: str


@dataclass(frozen=True, slots=True)
class PageFiles:
    """The page itself, and what it loads, by its path below `static/`, such as `photos/queue.js`."""

    index: PageFile
    static: Mapping[str, PageFile]


def read_page_files(max_upload_bytes: int) -> PageFiles:
    """The files of `service/static`; the page is told the largest upload, so that it can refuse before sending."""
    files = {}
    for name, entry in _walk(resources.files("vrn_cropper.service").joinpath("static")):
        media_type = _MEDIA_TYPES.get("." + name.rpartition(".")[2])
        if media_type is None:
            continue
        content = entry.read_bytes()
        if name == _INDEX:
            content = content.replace(_MAX_UPLOAD_BYTES.encode(), str(max_upload_bytes).encode())
        files[name] = PageFile(content, media_type, f'"{hashlib.sha256(content).hexdigest()[:32]}"')
    return PageFiles(files.pop(_INDEX), files)


def _walk(folder: Traversable, prefix: str = "") -> Iterator[tuple[str, Traversable]]:
    """Every file below `folder` with its path from there."""
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _walk(entry, f"{prefix}{entry.name}/")
        else:
            yield prefix + entry.name, entry
