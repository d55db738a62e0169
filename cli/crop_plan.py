"""From the options of `vrn crop` to what is done: checked together before any work."""

import sys
from dataclasses import dataclass, replace
from pathlib import Path

import typer

from vrn_cropper.cli.option_words import in_words
from vrn_cropper.cli.outputs import (
    PICTURE_SUFFIXES,
    STDOUT,
    NameTakenError,
    NameTemplate,
    NameTemplateError,
    Outputs,
)
from vrn_cropper.cli.sources import STDIN, Fault, Shard, Source, find_sources, read_list
from vrn_cropper.model.errors import CropOptionError
from vrn_cropper.model.views.options import CropOptions
from vrn_cropper.service.core.picture_request import PictureFormat, PictureOptions, match_ratio


@dataclass(frozen=True, slots=True)
class Given:
    """The options as they were given; None and empty for those that were not."""

    photos: tuple[str, ...]
    files_from: str | None
    exclude: tuple[str, ...]
    shard: str | None
    aspect_ratio: tuple[str, ...]
    top_k: int
    max_overlap: float | None
    keep: tuple[str, ...]
    min_scale: float | None
    faces: str | None
    out: Path | None
    name: str | None
    json_to: str | None
    overlay: bool
    min_gain: float | None
    skip_existing: bool
    width: int | None
    height: int | None
    upscale: bool
    format: str | None
    quality: int | None
    metadata: str | None


@dataclass(frozen=True, slots=True)
class Plan:
    """What is going to be done: photos with different output names, and what failed before the start."""

    options: CropOptions
    picture: PictureOptions
    outputs: Outputs | None
    sources: list[Source]
    faults: list[Fault]


def make_plan(given: Given) -> Plan:
    """Raises typer.BadParameter for options that are wrong, alone or together, or without effect."""
    _refuse_without_effect(given)
    options, picture = _parse(given)
    outputs = _outputs(given, options)
    if outputs is not None and outputs.only_file is not None and str(outputs.only_file) != STDOUT:
        picture = _of_suffix(picture, outputs.only_file)
    try:
        shard = None if given.shard is None else Shard.parse(given.shard)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--shard") from None
    folder = outputs.folder if outputs is not None and outputs.only_file is None else None
    found = find_sources(given.photos, out=folder, listed=_listed(given), exclude=given.exclude, shard=shard)
    sources, faults = [], found.faults
    for source in found.sources:
        try:
            if outputs is not None:
                outputs.base(source)
            sources.append(source)
        except NameTakenError as error:
            faults.append(Fault(str(source), str(error)))
    _check_one_file(given, options, sources)
    return Plan(options, picture, outputs, sources, faults)


def _refuse_without_effect(given: Given) -> None:
    """An option that would change nothing is a mistake, told before any work."""
    of_pictures = {
        "--name": given.name, "--overlay": given.overlay, "--min-gain": given.min_gain, "--width": given.width,
        "--height": given.height, "--upscale": given.upscale, "--format": given.format, "--quality": given.quality,
        "--metadata": given.metadata,
    }  # fmt: skip
    refused = []
    if given.out is None:
        refused += [(name, "--out") for name, value in of_pictures.items() if value not in (None, False)]
    if given.skip_existing and given.out is None and given.json_to in (None, "-"):
        refused.append(("--skip-existing", "--out or --json FILE"))
    if given.upscale and given.width is None and given.height is None:
        refused.append(("--upscale", "--width or --height"))
    if given.max_overlap is not None and given.top_k == 1:
        refused.append(("--max-overlap", "--top-k 2 or more: it compares crops of one ratio"))
    if given.quality is not None and given.format == PictureFormat.PNG:
        refused.append(("--quality", "another --format: PNG is lossless"))
    if given.exclude and not (given.photos or given.files_from):
        refused.append(("--exclude", "photos"))
    for name, needed in refused:
        raise typer.BadParameter(f"it has no effect without {needed}", param_hint=name)
    if not given.photos and given.files_from is None:
        raise typer.BadParameter("give photos, folders or patterns, or --files-from LIST", param_hint="PHOTO...")
    if given.json_to == "-" and str(given.out) == STDOUT:
        raise typer.BadParameter("standard output takes the picture or the JSON, not both", param_hint="--json")
    if given.files_from == "-" and STDIN in given.photos:
        raise typer.BadParameter("standard input is the list or a photo, not both", param_hint="--files-from")


def _parse(given: Given) -> tuple[CropOptions, PictureOptions]:
    """Options by the same rules as the server's."""

    def text(value: float | None) -> str | None:
        return None if value is None else str(value)

    try:
        options = CropOptions.parse(
            str(given.top_k), given.aspect_ratio, max_overlap=text(given.max_overlap), keep=given.keep,
            min_scale=text(given.min_scale), faces=given.faces,
        )  # fmt: skip
        picture = PictureOptions.parse(
            text(given.width), text(given.height), str(given.upscale).lower(), given.format, text(given.quality),
            given.metadata,
        )  # fmt: skip
        return match_ratio(options, picture, is_ratio_given=bool(given.aspect_ratio))
    except CropOptionError as error:
        raise typer.BadParameter(in_words(str(error))) from None


def _outputs(given: Given, options: CropOptions) -> Outputs | None:
    if given.out is None:
        return None
    is_file = str(given.out) == STDOUT or (given.out.suffix.lower() in PICTURE_SUFFIXES and not given.out.is_dir())
    if is_file:
        for name, value in (("--name", given.name), ("--skip-existing", given.skip_existing)):
            if value:
                raise typer.BadParameter(f"--out {given.out} names one file already", param_hint=name)
        if str(given.out) == STDOUT and given.overlay:
            raise typer.BadParameter("standard output takes one picture", param_hint="--overlay")
        return Outputs(given.out.parent, False, only_file=given.out)
    try:
        template = None if given.name is None else NameTemplate(given.name)
        if template is not None:
            template.check(ratios=len(options.aspect_ratios), top_k=options.top_k)
    except NameTemplateError as error:
        raise typer.BadParameter(str(error), param_hint="--name") from None
    return Outputs(given.out, len(options.aspect_ratios) > 1, template)


def _of_suffix(picture: PictureOptions, file: Path) -> PictureOptions:
    wanted = PictureFormat(PICTURE_SUFFIXES[file.suffix.lower()])
    if picture.format not in (None, wanted):
        raise typer.BadParameter(f"--out {file} is a {wanted} file by its name", param_hint="--format")
    if picture.quality is not None and wanted is PictureFormat.PNG:
        raise typer.BadParameter("it has no effect: PNG is lossless", param_hint="--quality")
    return replace(picture, format=wanted)


def _listed(given: Given) -> list[str]:
    if given.files_from is None:
        return []
    try:
        if given.files_from == "-":
            return read_list(sys.stdin.read())
        return read_list(Path(given.files_from).read_text(encoding="utf-8", errors="surrogateescape"))
    except OSError as error:
        raise typer.BadParameter(f"{given.files_from}: {error.strerror}", param_hint="--files-from") from None


def _check_one_file(given: Given, options: CropOptions, sources: list[Source]) -> None:
    if any(given.json_to == str(source) for source in sources if source.path is not None):
        raise typer.BadParameter(f"{given.json_to} is a source photo", param_hint="--json")
    is_one = given.out is not None and (str(given.out) == STDOUT or given.out.suffix.lower() in PICTURE_SUFFIXES)
    if not is_one or (given.out is not None and given.out.is_dir()):
        return
    crops = len(options.aspect_ratios) * options.top_k
    if len(sources) > 1 or crops > 1:
        what = f"{len(sources)} photos" if len(sources) > 1 else f"{crops} crops of a photo"
        raise typer.BadParameter(f"{given.out} is one file and there are {what}; give a folder", param_hint="--out")
