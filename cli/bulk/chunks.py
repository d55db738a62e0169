"""What a worker does: one `Cropper` that it keeps, chunks of photos in, parts of rows out. Knows no Ray.

A chunk's rows are written by the worker itself, under a name that follows from its photos: whoever does a chunk again
changes nothing.
"""

import functools
import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

import pyarrow as pa

from vrn_cropper.cli.bulk.parts import PICTURES, part_name, write_part
from vrn_cropper.cli.bulk.places import Place, PlaceError, open_place
from vrn_cropper.cli.bulk.rows import options_key, row_of, table_of
from vrn_cropper.model.cropper import Cropper
from vrn_cropper.model.errors import VrnError
from vrn_cropper.model.views.crops import RankedCrops

# Photos that are in memory at once, and those that are read meanwhile.
_WINDOW = 32
_READERS = 16
_QUALITY = 88


@dataclass(frozen=True, slots=True)
class ChunkWork:
    """What to make of each chunk. `options` are those of `Cropper.crop_many`."""

    destination: str
    device: str = "cpu"
    threads: int = 1
    has_pictures: bool = False
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Names the options in the rows."""
        return options_key({**self.options, "pictures": self.has_pictures})


class ChunkCropper:
    """Crops chunks; made once a worker, as loading the model takes a second. Called with Ray Data's batches."""

    def __init__(self, work: ChunkWork) -> None:
        self._work = work
        self._cropper = Cropper.load(device=work.device, threads=work.threads)
        self._destination = open_place(work.destination)

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[int]]:
        """`paths`: one list of photos a chunk -> how many photos were cropped and failed. Raises OSError."""
        counts = [self.crop_chunk([str(path) for path in paths]) for paths in batch["paths"]]
        return {"cropped": [cropped for cropped, _ in counts], "failed": [failed for _, failed in counts]}

    def crop_chunk(self, paths: Sequence[str]) -> tuple[int, int]:
        """Crop the photos and write their part; how many were cropped and failed."""
        rows: list[dict[str, Any]] = []
        with ThreadPoolExecutor(_READERS, thread_name_prefix="read") as readers:
            for window, contents in _windows(paths, readers):
                rows += self._rows(window, contents)
        write_part(self._destination, part_name(paths), table_of(rows))
        failed = sum(row["error_code"] is not None for row in rows)
        return len(rows) - failed, failed

    def _rows(self, paths: Sequence[str], contents: Sequence[bytes | OSError]) -> Iterator[dict[str, Any]]:
        results = iter(
            self._cropper.crop_many(
                [content for content in contents if isinstance(content, bytes)], **self._work.options
            )
        )
        for path, content in zip(paths, contents, strict=True):
            result = content if isinstance(content, OSError) else next(results)
            pictures: list[str] = []
            if self._work.has_pictures and isinstance(result, RankedCrops):
                try:
                    pictures = self._write_pictures(path, content, result)
                except VrnError as error:  # its pixels are damaged where the ranking did not look
                    result = error
            yield row_of(path, result, self._cropper, self._work.key, pictures)

    def _write_pictures(self, path: str, content: bytes | OSError, ranked: RankedCrops) -> list[str]:
        names = []
        start = hashlib.sha256(path.encode()).hexdigest()[:24]
        for number, picture in enumerate(ranked.cut(content)):  # type: ignore[arg-type]  # ranked means bytes
            buffer = BytesIO()
            picture.save(buffer, "JPEG", quality=_QUALITY)
            # Two letters a folder: file systems and consoles dislike millions of names in one.
            name = f"{PICTURES}/{start[:2]}/{start}-{number}.jpg"
            place = self._destination / name
            place.files.create_dir((self._destination / f"{PICTURES}/{start[:2]}").path, recursive=True)
            with place.files.open_output_stream(place.path) as stream:
                stream.write(buffer.getvalue())
            names.append(name)
        return names


def _windows(
    paths: Sequence[str], readers: ThreadPoolExecutor
) -> Iterator[tuple[Sequence[str], list[bytes | OSError]]]:
    """The bytes of the photos, some at a time; the next ones are read while these are worked on."""
    windows = [paths[start : start + _WINDOW] for start in range(0, len(paths), _WINDOW)]
    ahead = iter([[readers.submit(_read, path) for path in windows[0]]] if windows else [])
    for index, window in enumerate(windows):
        current = next(ahead)
        following = windows[index + 1] if index + 1 < len(windows) else ()
        ahead = iter([[readers.submit(_read, path) for path in following]])
        yield window, [future.result() for future in current]


def _read(path: str) -> bytes | OSError:
    try:
        place = _place(path) if "://" not in path else _in_store(path)
        with place.files.open_input_stream(place.path) as stream:
            return bytes(stream.read())
    except OSError as error:
        return error
    except (pa.ArrowException, PlaceError) as error:
        return OSError(str(error))


def _place(path: str) -> Place:
    return open_place(path)


def _in_store(uri: str) -> Place:
    """One connection a bucket, not one a photo."""
    scheme, _, path = uri.partition("://")
    bucket = _bucket(f"{scheme}://{path.partition('/')[0]}")
    return Place(bucket.files, path, bucket.prefix)


@functools.lru_cache(maxsize=64)
def _bucket(uri: str) -> Place:
    return open_place(uri)
