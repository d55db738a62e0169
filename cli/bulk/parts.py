"""The parts of a bulk run's output: which photos they hold, and writing one whole or not at all.

A part is named after the photos that it holds, so that a chunk that is done twice (a killed actor, a resumed run)
writes the same file twice, never two.
"""

import hashlib
import posixpath
from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.parquet
from pyarrow import fs

from vrn_cropper.cli.bulk.places import Place, PlaceError

ROWS, PICTURES = "rows", "pictures"


def part_name(paths: Sequence[str]) -> str:
    """The file name of the part that holds these photos."""
    return f"part-{hashlib.sha256(chr(0).join(paths).encode()).hexdigest()[:24]}.parquet"


def write_part(destination: Place, name: str, table: pa.Table) -> None:
    """Raises OSError. On an object store a file appears when it is complete; elsewhere it is moved into its place."""
    rows = destination / ROWS
    rows.files.create_dir(rows.path, recursive=True)
    if not isinstance(rows.files, fs.LocalFileSystem):
        pyarrow.parquet.write_table(table, (rows / name).path, filesystem=rows.files)
        return
    unfinished = rows / f".{name}.{hashlib.sha256(str(id(table)).encode()).hexdigest()[:8]}"
    pyarrow.parquet.write_table(table, unfinished.path, filesystem=rows.files)
    rows.files.move(unfinished.path, (rows / name).path)


def done_paths(destination: Place, options: str, model_version: str) -> Iterator[str]:
    """The photos that earlier runs wrote rows of. Raises PlaceError for rows of other options or another model."""
    rows = destination / ROWS
    selector = fs.FileSelector(rows.path, allow_not_found=True)
    for info in rows.files.get_file_info(selector):
        name = posixpath.basename(info.path)
        if not info.is_file or name.startswith(".") or not name.endswith(".parquet"):
            continue
        columns = ["path", "options", "model_version"]
        table = pyarrow.parquet.read_table(info.path, columns=columns, filesystem=rows.files)
        if set(table["options"].to_pylist()) - {options} or set(table["model_version"].to_pylist()) - {model_version}:
            raise PlaceError(f"{destination} holds rows of other options or of another model; take another one")
        yield from table["path"].to_pylist()
