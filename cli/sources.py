"""Which photos a command line names. Knows the file system and standard input alone.

What names no photo is a fault of its own and costs no other; where a photo's outputs go depends on nothing but the
argument that named it (`cli.outputs`).
"""

import fnmatch
import glob
import hashlib
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from vrn_cropper.model.photos.decode import photo_suffixes

STDIN = "-"
_OWN_OUTPUT = re.compile(r"-(?:crop(?:-[\w.]+)*|overlay)$")


@dataclass(frozen=True, slots=True)
class Source:
    """A photo's file, and its name relative to the folder that was searched: outputs are named after that.

    `path` None is standard input.
    """

    path: Path | None
    name: PurePath

    def __str__(self) -> str:
        return STDIN if self.path is None else str(self.path)

    def read(self) -> bytes:
        """The file's bytes. Raises OSError."""
        return sys.stdin.buffer.read() if self.path is None else self.path.read_bytes()


@dataclass(frozen=True, slots=True)
class Fault:
    """An argument, or a line of a list, that names no photo."""

    argument: str
    message: str


@dataclass(slots=True)
class Found:
    """Every photo once, in order, and what named none."""

    sources: list[Source] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Shard:
    """Part `number` (from 1) of `count`: a photo is in the same part on every machine, whatever else is there."""

    number: int
    count: int

    @classmethod
    def parse(cls, text: str) -> "Shard":
        """`3/64`. Raises ValueError."""
        match = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", text.strip())
        if not match or not 1 <= int(match[1]) <= int(match[2]):
            raise ValueError(f"a shard is N/COUNT with N from 1 to COUNT, such as 3/64; got {text!r}")
        return cls(int(match[1]), int(match[2]))

    def holds(self, source: Source) -> bool:
        """By the name without suffix, so that photos whose outputs might collide are in one part."""
        digest = hashlib.sha256(source.name.with_suffix("").as_posix().encode()).digest()
        return int.from_bytes(digest[:8]) % self.count == self.number - 1


def find_sources(
    arguments: Iterable[str],
    *,
    out: Path | None = None,
    listed: Iterable[str] = (),
    exclude: Sequence[str] = (),
    shard: Shard | None = None,
) -> Found:
    """Photos, folders (searched through, by file name) and glob patterns; then `listed` paths, whose folders are
    part of their names.

    Photos inside `out`, if that lies in a searched folder, are earlier results and left out; so is what a pattern of
    `exclude` fits: a path, a name, or a folder on the way.
    """
    found = Found()
    suffixes = photo_suffixes()
    seen: set[Path | None] = set()
    for argument, name_of in [
        *((argument, _last_part) for argument in arguments),
        *((line, _whole_path) for line in listed),
    ]:
        sources = list(_expand(argument, out, suffixes, name_of))
        if not sources:
            found.faults.append(Fault(argument, _why_none(argument)))
        for source in sources:
            place = None if source.path is None else source.path.resolve()
            if place in seen or (source.path is not None and _is_excluded(source, exclude)):
                continue
            seen.add(place)
            if shard is None or shard.holds(source):
                found.sources.append(source)
    return found


def read_list(text: str) -> list[str]:
    """Paths of a list, one a line, or apart by NUL as `find -print0` writes them."""
    return [line for line in (text.split("\0") if "\0" in text else text.splitlines()) if line.strip()]


def _expand(
    argument: str, out: Path | None, suffixes: frozenset[str], name_of: Callable[[Path], PurePath]
) -> Iterable[Source]:
    if argument == STDIN:
        return [Source(None, PurePath("stdin"))]
    path = Path(argument)
    if path.is_file():
        return [Source(path, name_of(path))]
    if path.is_dir():
        return _in_folder(path, path, out, suffixes)
    if glob.has_magic(argument):
        root = _root_of(argument)
        matches = [Path(match) for match in sorted(glob.glob(argument, recursive=True))]
        return [
            source
            for match in matches
            for source in (
                _in_folder(match, root, out, suffixes)
                if match.is_dir()
                else [Source(match, match.relative_to(root))] * (match.suffix.lower() in suffixes)
            )
        ]
    return []


def _root_of(pattern: str) -> Path:
    """The folders before a pattern's first special sign: names are relative to that, whatever else is found."""
    parts = Path(pattern).parts
    return Path(*parts[: next(index for index, part in enumerate(parts) if glob.has_magic(part))])


def _in_folder(folder: Path, root: Path, out: Path | None, suffixes: frozenset[str]) -> list[Source]:
    sources = []
    for path in sorted(folder.rglob("*")):
        is_hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if not is_hidden and path.suffix.lower() in suffixes and path.is_file() and not _is_own(path, folder, out):
            sources.append(Source(path, path.relative_to(root)))
    return sources


def _is_own(path: Path, folder: Path, out: Path | None) -> bool:
    """Whether an earlier run wrote it: in its output folder, by name where photos lie in that folder too."""
    if out is None or not path.resolve().is_relative_to(out.resolve()):
        return False
    return out.resolve() != folder.resolve() or bool(_OWN_OUTPUT.search(path.stem))


def _is_excluded(source: Source, patterns: Sequence[str]) -> bool:
    candidates = {source.name.as_posix(), *source.name.parts, str(source.path)}
    return any(fnmatch.fnmatch(candidate, pattern) for pattern in patterns for candidate in candidates)


def _last_part(path: Path) -> PurePath:
    return PurePath(path.name)


def _whole_path(path: Path) -> PurePath:
    """Without what leads above the output folder: `/data/a.jpg` is `data/a.jpg`."""
    return PurePath(*(part for part in path.parts if part not in (path.anchor, "..")))


def _why_none(argument: str) -> str:
    if Path(argument).is_dir():
        return "no photo in this folder"
    if glob.has_magic(argument):
        return "no photo has a name like this"
    return "no such file or folder"
