"""Which photos a command line names, and what their outputs are called. Knows the file system alone."""

import glob
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

PHOTO_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".png", ".webp", ".avif", ".gif", ".bmp", ".tif", ".tiff", ".heic", ".heif"}
)
_OWN_OUTPUT = re.compile(r"-(?:crop(?:-[\w.]+)*|overlay)$")


class SourceError(Exception):
    """An argument that names no photo; the message says which."""


@dataclass(frozen=True, slots=True)
class Source:
    """A photo's file, and the start of its outputs' names, relative to the output folder."""

    path: Path
    stem: str


def find_sources(arguments: Iterable[str], out: Path | None) -> list[Source]:
    """Photos, folders (searched through, by file name) and glob patterns -> every photo once, in order.

    Photos inside `out`, if that lies in a searched folder, are earlier results and left out. Raises
    SourceError for an argument that names nothing.
    """
    found: dict[Path, Source] = {}
    for argument in arguments:
        sources = _expand(argument, out)
        if not sources:
            raise SourceError(f"{argument}: no photo here")
        for source in sources:
            found.setdefault(source.path.resolve(), source)
    return _with_different_stems(list(found.values()))


def _expand(argument: str, out: Path | None) -> list[Source]:
    path = Path(argument)
    if path.is_file():
        return [Source(path, path.stem)]
    if path.is_dir():
        return _in_folder(path, out)
    if glob.has_magic(argument):
        matches = [Path(match) for match in sorted(glob.glob(argument, recursive=True))]
        files = [Source(match, match.stem) for match in matches if match.is_file() and _is_photo(match)]
        return files + [source for match in matches if match.is_dir() for source in _in_folder(match, out)]
    raise SourceError(f"{argument}: no such file or folder")


def _in_folder(folder: Path, out: Path | None) -> list[Source]:
    sources = []
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        is_hidden = any(part.startswith(".") for part in relative.parts)
        if is_hidden or not path.is_file() or not _is_photo(path) or _is_own_output(path, folder, out):
            continue
        sources.append(Source(path, relative.with_suffix("").as_posix()))
    return sources


def _is_photo(path: Path) -> bool:
    return path.suffix.lower() in PHOTO_SUFFIXES


def _is_own_output(path: Path, folder: Path, out: Path | None) -> bool:
    """Whether an earlier run wrote it: in its output folder, by name where photos lie in that folder too."""
    if out is None or not path.resolve().is_relative_to(out.resolve()):
        return False
    return out.resolve() != folder.resolve() or bool(_OWN_OUTPUT.search(path.stem))


def _with_different_stems(sources: Sequence[Source]) -> list[Source]:
    """`a.jpg` and `a.png` would write the same files: their outputs are then named `a.jpg-...`, `a.png-...`."""
    counts = Counter(source.stem for source in sources)
    named = [
        replace(source, stem=source.stem + source.path.suffix) if counts[source.stem] > 1 else source
        for source in sources
    ]
    twice = [stem for stem, count in Counter(source.stem for source in named).items() if count > 1]
    if twice:
        names = ", ".join(str(source.path) for source in named if source.stem == twice[0])
        raise SourceError(f"{names}: their outputs would have the same name; give their folder, or run them apart")
    return named


def crop_name(source: Source, ratio_label: str | None, rank: int) -> str:
    """Name, without suffix, of a crop's file: `photo-crop`, `photo-crop-16x9`, `photo-crop-16x9-2`.

    `ratio_label` None leaves the ratio out.
    """
    ratio = "" if ratio_label is None else "-" + re.sub(r"[^0-9a-z.]+", "x", ratio_label.lower())
    return f"{source.stem}-crop{ratio}{'' if rank == 1 else f'-{rank}'}"


def overlay_name(source: Source) -> str:
    """Name of a photo's overlay."""
    return f"{source.stem}-overlay.jpg"
