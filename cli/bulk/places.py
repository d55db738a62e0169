"""Where bulk reads and writes: local folders, `s3://`, `gs://` and all else that pyarrow's file systems open.

A photo is named by what its file system opens: an absolute path, or `s3://bucket/key`.
"""

import fnmatch
import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow.csv
import pyarrow.parquet
from pyarrow import fs

from vrn_cropper.model.photos.decode import photo_suffixes

_MANIFESTS = frozenset({".txt", ".csv", ".parquet"})
_SPECIAL = "*?["


class PlaceError(Exception):
    """A source or destination that is not there, or cannot be understood; the message says which."""


@dataclass(frozen=True, slots=True)
class Place:
    """A path inside a file system; `prefix` before it gives the name that `open_place` takes."""

    files: fs.FileSystem
    path: str
    prefix: str = ""

    def __truediv__(self, name: str) -> "Place":
        return Place(self.files, posixpath.join(self.path, name), self.prefix)

    def __str__(self) -> str:
        return self.prefix + self.path


def open_place(name: str) -> Place:
    """A local path, or a URI such as `s3://bucket/folder` (credentials and endpoint as pyarrow finds them, by the
    environment or in the URI's query). Raises PlaceError.
    """
    if "://" not in name:
        return Place(fs.LocalFileSystem(), str(Path(name).absolute()))
    try:
        files, path = fs.FileSystem.from_uri(name)
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise PlaceError(f"{name}: {error}") from None
    if isinstance(files, fs.LocalFileSystem):
        return Place(files, path)
    return Place(files, path, name.partition("://")[0] + "://")


def list_photos(source: str) -> Iterator[str]:
    """The names of all photos of a folder (searched through), a pattern, or a manifest, in order, each once.

    A manifest is a `.txt` file with one name a line, or a `.csv` or `.parquet` file with a column `path`; its names
    are taken as they stand. Raises PlaceError.
    """
    head, special, _ = _split_at_special(source)
    place = open_place(head)
    try:
        if posixpath.splitext(head)[1].lower() in _MANIFESTS and not special:
            yield from dict.fromkeys(_manifest(place))
            return
        info = place.files.get_file_info(place.path)
        if info.type is fs.FileType.NotFound and not special:
            raise PlaceError(f"{source}: no such file or folder")
        if info.is_file:
            yield str(place)
            return
        yield from _in_folder(place, open_place(source).path if special else None)
    except (pyarrow.ArrowException, OSError) as error:
        raise PlaceError(f"{source}: {error}") from None


def _split_at_special(source: str) -> tuple[str, bool, str]:
    """The folders before the first special sign of a pattern, and whether there is one."""
    scheme, separator, rest = source.rpartition("://")
    path, query, parameters = rest.partition("?") if "?" in rest and "=" in rest else (rest, "", "")
    parts = path.split("/")
    index = next((i for i, part in enumerate(parts) if any(sign in part for sign in _SPECIAL)), len(parts))
    return scheme + separator + "/".join(parts[:index]) + query + parameters, index < len(parts), path


def _in_folder(folder: Place, pattern: str | None) -> Iterator[str]:
    suffixes = photo_suffixes()
    found = folder.files.get_file_info(fs.FileSelector(folder.path, recursive=True))
    for path in sorted(info.path for info in found if info.is_file):
        relative = path.removeprefix(folder.path)
        if any(part.startswith(".") for part in relative.split("/")):
            continue
        is_wanted = posixpath.splitext(path)[1].lower() in suffixes
        if is_wanted and (pattern is None or fnmatch.fnmatch(path, pattern.replace("**/", "*"))):
            yield folder.prefix + path


def _manifest(place: Place) -> list[str]:
    with place.files.open_input_file(place.path) as file:
        suffix = posixpath.splitext(place.path)[1].lower()
        if suffix == ".txt":
            return [line for line in file.read().decode().splitlines() if line.strip()]
        table = pyarrow.csv.read_csv(file) if suffix == ".csv" else pyarrow.parquet.read_table(file)
    if "path" not in table.column_names:
        raise PlaceError(f"{place}: a manifest has a column 'path'; this one has {', '.join(table.column_names)}")
    return [str(name) for name in table["path"].to_pylist()]
