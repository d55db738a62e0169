"""What the outputs of a photo are called: by the photo's own name and the options, never by its neighbours."""

import re
import string
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from vrn_cropper.cli.sources import Source

STDOUT = "-"
# `a.jpg` gives `a-crop.jpg`; `a.png` keeps its suffix in the name, as both may lie in one folder.
_PLAIN_SUFFIX = ".jpg"
_FIELDS = ("stem", "name", "folder", "ratio", "rank")
PICTURE_SUFFIXES = {".jpg": "jpeg", ".jpeg": "jpeg", ".png": "png", ".webp": "webp", ".avif": "avif"}


class NameTemplateError(ValueError):
    """A name template that is misspelt, or that gives two crops one name; the message says what to write."""


class NameTakenError(Exception):
    """Another photo of this run has the same name; nothing is overwritten."""


@dataclass(frozen=True, slots=True)
class NameTemplate:
    """`{stem}-{ratio}-{rank}` and the like, without the picture's suffix."""

    text: str

    def __post_init__(self) -> None:
        try:
            used = {name for _, name, _, _ in string.Formatter().parse(self.text) if name is not None}
        except ValueError as error:
            raise NameTemplateError(f"{self.text!r}: {error}") from None
        if unknown := used - set(_FIELDS):
            known = ", ".join(f"{{{name}}}" for name in _FIELDS)
            raise NameTemplateError(f"{{{min(unknown)}}} is none of {known}")
        if not used & {"stem", "name"}:
            raise NameTemplateError("every photo needs a name of its own: put {stem} or {name} into it")
        if PurePath(self.text).is_absolute() or ".." in PurePath(self.text).parts:
            raise NameTemplateError("a name lies inside the output folder")

    def check(self, *, ratios: int, top_k: int) -> None:
        """Raises NameTemplateError if two crops of one photo would have the same name."""
        for count, field_name, option in ((ratios, "ratio", "--aspect-ratio"), (top_k, "rank", "--top-k")):
            if count > 1 and f"{{{field_name}" not in self.text:
                raise NameTemplateError(f"several crops a photo ({option}): put {{{field_name}}} into it")

    def fill(self, source: Source, ratio_label: str, rank: int) -> str:
        """The name of a crop's file, relative to the output folder and without suffix."""
        folder = source.name.parent.as_posix()
        return self.text.format(
            stem=source.name.stem,
            name=source.name.name,
            folder="" if folder == "." else folder,
            ratio=_in_a_name(ratio_label),
            rank=rank,
        ).lstrip("/")


@dataclass(slots=True)
class Outputs:
    """Where the pictures of a run go: below `folder`, or into the one file `only_file`.

    `names_ratio` says that names have to tell ratios apart.
    """

    folder: Path
    names_ratio: bool
    template: NameTemplate | None = None
    only_file: Path | None = None
    _taken: dict[str, Source] = field(default_factory=dict)

    def base(self, source: Source) -> str:
        """Start of the names of a photo's outputs, relative to the folder; no two photos of a run have one.

        Raises NameTakenError for the second.
        """
        base = self._base(source)
        # Some file systems do not tell capitals apart.
        first = self._taken.setdefault(base.casefold(), source)
        if first != source:
            raise NameTakenError(
                f"its outputs would have the names of those of {first}; give their common folder, or --name with"
                " {folder} or {name}"
            )
        return base

    def crop_path(self, source: Source, ratio_label: str, rank: int, suffix: str) -> Path:
        """The file of a crop: `photo-crop.jpg`, `photo-crop-16x9-2.jpg`, or by the template."""
        if self.only_file is not None:
            return self.only_file
        if self.template is not None:
            return self.folder / (self.template.fill(source, ratio_label, rank) + suffix)
        ratio = f"-{_in_a_name(ratio_label)}" if self.names_ratio else ""
        return self.folder / f"{self._base(source)}-crop{ratio}{'' if rank == 1 else f'-{rank}'}{suffix}"

    def overlay_path(self, source: Source) -> Path:
        """The file of a photo's overlay."""
        if self.only_file is not None:
            return self.only_file.with_name(f"{self.only_file.stem}-overlay.jpg")
        return self.folder / f"{self._base(source)}-overlay.jpg"

    def _base(self, source: Source) -> str:
        if self.template is not None:
            return self.template.fill(source, "ratio", 1)
        plain = source.name.suffix.lower() == _PLAIN_SUFFIX
        return (source.name.with_suffix("") if plain else source.name).as_posix()


def _in_a_name(ratio_label: str) -> str:
    return re.sub(r"[^0-9a-z.]+", "x", ratio_label.lower())
