"""`vrn crop`: options, progress and summary. The work is `cli.crop_run`, imported when it is needed."""

import asyncio
import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from vrn_cropper.cli.sources import Source, SourceError, find_sources

if TYPE_CHECKING:
    from vrn_cropper.cli.crop_run import CropJob, Outcome
    from vrn_cropper.cli.json_lines import JsonLines
    from vrn_cropper.service.core.build import Core

EXIT_SOME_FAILED = 1
EXIT_CANNOT_START = 2
EXIT_INTERRUPTED = 130

_WISHES, _OUTPUT, _PICTURE, _MACHINE = "Which crops", "Output", "The cropped pictures (--out)", "Machine"


def crop(
    photos: Annotated[
        list[str], typer.Argument(metavar="PHOTO|FOLDER|GLOB...", help="Photos, folders of photos, patterns.")
    ],
    aspect_ratio: Annotated[
        list[str] | None,
        typer.Option(
            "--aspect-ratio", "-r", help="free, 16:9, 4:5, 1.91:1 ...; repeatable.", rich_help_panel=_WISHES
        ),
    ] = None,
    top_k: Annotated[
        str, typer.Option("--top-k", "-k", metavar="1..50", help="Crops for each ratio.", rich_help_panel=_WISHES)
    ] = "1",
    max_overlap: Annotated[
        str | None,
        typer.Option(metavar="0..1", help="Largest IoU of two crops of one ratio.", rich_help_panel=_WISHES),
    ] = None,
    keep: Annotated[
        list[str] | None,
        typer.Option(
            metavar="X,Y,W,H",
            help="A box that every crop contains, in pixels or 0..1; repeatable.",
            rich_help_panel=_WISHES,
        ),
    ] = None,
    min_scale: Annotated[
        str | None,
        typer.Option(
            metavar="0..1",
            help="Least share of the largest crop's sides.",
            rich_help_panel=_WISHES,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="DIR", help="Write the crops here.", rich_help_panel=_OUTPUT),
    ] = None,
    json_to: Annotated[
        str | None,
        typer.Option(
            "--json",
            metavar="FILE|-",
            help="One JSON object a photo, one line each; - is standard output.",
            rich_help_panel=_OUTPUT,
        ),
    ] = None,
    overlay: Annotated[
        bool,
        typer.Option(
            "--overlay", help="Also draw the best crop over the photo (needs --out).", rich_help_panel=_OUTPUT
        ),
    ] = False,
    skip_existing: Annotated[
        bool,
        typer.Option(
            "--skip-existing",
            help="Go on with an earlier run: leave out photos whose outputs are there.",
            rich_help_panel=_OUTPUT,
        ),
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No progress and no summary.", rich_help_panel=_OUTPUT)
    ] = False,
    width: Annotated[
        str | None, typer.Option(metavar="PIXELS", help="Largest width.", rich_help_panel=_PICTURE)
    ] = None,
    height: Annotated[
        str | None, typer.Option(metavar="PIXELS", help="Largest height.", rich_help_panel=_PICTURE)
    ] = None,
    upscale: Annotated[
        bool, typer.Option("--upscale", help="Enlarge smaller crops to that.", rich_help_panel=_PICTURE)
    ] = False,
    format: Annotated[
        str | None,
        typer.Option(metavar="jpeg|png|webp|avif", help="By default the source's.", rich_help_panel=_PICTURE),
    ] = None,
    quality: Annotated[
        str | None, typer.Option(metavar="1..100", help="Of JPEG, WebP and AVIF.", rich_help_panel=_PICTURE)
    ] = None,
    metadata: Annotated[
        str, typer.Option(metavar="drop|keep", help="EXIF with GPS.", rich_help_panel=_PICTURE)
    ] = "drop",
    device: Annotated[
        str | None,
        typer.Option(metavar="auto|cpu|cuda", help="As VRN_DEVICE.", rich_help_panel=_MACHINE),
    ] = None,
    threads: Annotated[
        int | None, typer.Option(min=0, help="Decode threads, as VRN_DECODE_THREADS.", rich_help_panel=_MACHINE)
    ] = None,
) -> None:
    """Crop photos, in this process. Sources are never changed; results are named after them.

    Without --out and --json the boxes are printed: x,y,width,height in pixels of the upright photo.
    Exits with 0, with 1 if some photos failed, with 2 if nothing could be started.
    """  # fmt: skip
    console = Console(stderr=True, quiet=quiet)
    if overlay and out is None:
        raise typer.BadParameter("--overlay needs --out DIR")
    job = _job(
        top_k=top_k, aspect_ratio=aspect_ratio or [], max_overlap=max_overlap, keep=keep or [], min_scale=min_scale,
        width=width, height=height, upscale=upscale, format=format, quality=quality, metadata=metadata,
        out=out, overlay=overlay,
    )  # fmt: skip
    try:
        sources = find_sources(photos, out)
        if json_to not in (None, "-") and any(Path(json_to).resolve() == s.path.resolve() for s in sources):
            raise SourceError(f"--json {json_to} is a source photo")
    except SourceError as error:
        raise typer.BadParameter(str(error)) from None
    core = _core(device, threads)
    raise typer.Exit(_run(core, sources, job, json_to, skip_existing, console))


def _job(
    *, top_k: str, aspect_ratio: list[str], max_overlap: str | None, keep: list[str], min_scale: str | None,
    width: str | None, height: str | None, upscale: bool, format: str | None, quality: str | None, metadata: str,
    out: Path | None, overlay: bool,
) -> "CropJob":  # fmt: skip
    """Options by the same rules as the server's."""
    from vrn_cropper.cli.crop_run import CropJob
    from vrn_cropper.model.errors import CropOptionError
    from vrn_cropper.model.views.options import CropOptions
    from vrn_cropper.service.core.picture_request import PictureOptions, match_ratio

    try:
        options = CropOptions.parse(top_k, aspect_ratio, max_overlap=max_overlap, keep=keep, min_scale=min_scale)
        picture = PictureOptions.parse(width, height, "true" if upscale else "false", format, quality, metadata)
        options, picture = match_ratio(options, picture, is_ratio_given=bool(aspect_ratio))
    except CropOptionError as error:
        raise typer.BadParameter(str(error)) from None
    return CropJob(options, picture, out, overlay)


def _core(device: str | None, threads: int | None) -> "Core":
    """The service's core by its own settings, with those of the command line above them."""
    from vrn_cropper.model.errors import VrnError
    from vrn_cropper.service.core.build import build_core
    from vrn_cropper.service.settings import read_settings

    given = {"VRN_DEVICE": device, "VRN_DECODE_THREADS": None if threads is None else str(threads)}
    environment = {**os.environ, **{name: value for name, value in given.items() if value is not None}}
    try:
        return build_core(read_settings(environment))
    except VrnError as error:
        typer.echo(f"cannot start: {error}", err=True)
        raise typer.Exit(EXIT_CANNOT_START) from None


def _run(
    core: "Core", sources: list[Source], job: "CropJob", json_to: str | None, skip_existing: bool, console: Console
) -> int:
    """Crop everything and tell how it went; the exit code."""
    from vrn_cropper.cli.crop_run import crop_all, error_text, is_done
    from vrn_cropper.cli.json_lines import JsonLines
    from vrn_cropper.model.errors import VrnError

    began, cropped, failed = time.monotonic(), 0, 0
    table = None if json_to or job.out else _table()
    with ExitStack() as stack:
        try:
            lines = JsonLines(json_to, keeps_earlier=skip_existing) if json_to else None
        except OSError as error:
            typer.echo(f"cannot start: --json {json_to}: {error.strerror}", err=True)
            return EXIT_CANNOT_START
        if lines:
            stack.callback(lines.close)
        left = [s for s in sources if not (skip_existing and _is_there(s, job, lines, is_done))]
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        progress = stack.enter_context(Progress(*columns, console=console, transient=True))
        bar = progress.add_task("cropping", total=len(left))

        def on_outcome(outcome: "Outcome") -> None:
            nonlocal cropped, failed
            progress.advance(bar)
            if outcome.error is not None:
                failed += 1
                # Plain text: a path may hold what Rich would take for markup.
                progress.console.print(
                    f"{outcome.source.path}: {error_text(outcome.error)}", markup=False, soft_wrap=True
                )
            else:
                cropped += 1
                if table is not None:
                    _add_rows(table, outcome)
            if lines:
                lines.write(outcome.json_line(core))

        try:
            if left:
                asyncio.run(crop_all(core, left, job, on_outcome))
        except VrnError as error:
            typer.echo(f"cannot start: {error}", err=True)
            return EXIT_CANNOT_START
        except KeyboardInterrupt:
            typer.echo("interrupted; to continue, add --skip-existing", err=True)
            return EXIT_INTERRUPTED
    if table is not None and table.row_count:
        Console(soft_wrap=True).print(table)
    skipped = len(sources) - len(left)
    seconds = time.monotonic() - began
    console.print(f"{cropped} cropped, {skipped} skipped, {failed} failed in {seconds:.1f} s")
    return EXIT_SOME_FAILED if failed else 0


def _is_there(
    source: Source,
    job: "CropJob",
    lines: "JsonLines | None",
    is_done: Callable[[Source, "CropJob"], bool],
) -> bool:
    """Whether an earlier run made every output that is asked for now."""
    has_line = lines is None or str(source.path) in lines.done_paths
    return has_line and (job.out is None or is_done(source, job)) and (lines is not None or job.out is not None)


def _table() -> Table:
    table = Table("photo", "ratio", "rank", "score", "x,y,width,height", box=None, pad_edge=False)
    table.columns[3].justify = "right"
    return table


def _add_rows(table: Table, outcome: "Outcome") -> None:
    from rich.text import Text

    assert outcome.result is not None  # rows are of photos that were cropped
    for crop in outcome.result.ranked.crops:
        x1, y1, x2, y2 = crop.box_xyxy
        cells = (str(outcome.source.path), crop.aspect_ratio.label, str(crop.rank), f"{crop.score:+.3f}")
        table.add_row(*(Text(cell) for cell in (*cells, f"{x1},{y1},{x2 - x1},{y2 - y1}")))
