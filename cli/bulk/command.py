"""`vrn bulk`: its options, progress and exit codes. Ray is imported when it is needed."""

import sys
import time
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from vrn_cropper.cli.option_words import in_words, table_option

if TYPE_CHECKING:
    from vrn_cropper.cli.bulk.run import Progress

_CROPS, _RUN = "Which crops", "The run"
EXIT_CANNOT_START = 2
_LOG_EVERY_S = 30.0
EXAMPLES = """[bold]Examples[/bold]

vrn bulk photos crops --aspect-ratio 4:5 --aspect-ratio 16:9

vrn bulk s3://bucket/photos s3://bucket/crops --aspect-ratio 1:1 --pictures

ray job submit -- vrn bulk gs://bucket/manifest.parquet gs://bucket/crops
"""


def bulk(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE", help="Folder, pattern or manifest (.txt, .csv, .parquet): a path, s3://, gs://."
        ),
    ],
    destination: Annotated[
        str, typer.Argument(metavar="DEST", help="Folder for rows/*.parquet: a path, s3://, gs://.")
    ],
    aspect_ratio: Annotated[list[str] | None, table_option("aspect_ratio", _CROPS)] = None,
    top_k: Annotated[int, table_option("top_k", _CROPS)] = 1,
    max_overlap: Annotated[float | None, table_option("max_overlap", _CROPS)] = None,
    min_scale: Annotated[float | None, table_option("min_scale", _CROPS)] = None,
    faces: Annotated[str, table_option("faces", _CROPS)] = "keep",
    pictures: Annotated[
        bool, typer.Option("--pictures", help="Also write the cropped pictures, as JPEG.", rich_help_panel=_CROPS)
    ] = False,
    device: Annotated[str, typer.Option(metavar="cpu|cuda", help="Of each worker.", rich_help_panel=_RUN)] = "cpu",
    threads: Annotated[
        int, typer.Option(min=1, metavar="NUMBER", help="CPUs of each worker.", rich_help_panel=_RUN)
    ] = 1,
    workers: Annotated[
        int, typer.Option(min=0, metavar="NUMBER", help="0: as many as fit.", rich_help_panel=_RUN)
    ] = 0,
    chunk_size: Annotated[
        int, typer.Option(min=1, max=100_000, metavar="NUMBER", help="Photos of one part.", rich_help_panel=_RUN)
    ] = 256,
) -> None:
    """Crop millions of photos on a Ray cluster, or on this machine's cores: rows of crops in Parquet.

    Run it again with the same options to continue: photos that have a row are left out. A photo that fails has a row
    with its error. RAY_ADDRESS names the cluster; without one, this machine is it.
    """
    try:
        from vrn_cropper.cli.bulk.chunks import ChunkWork
        from vrn_cropper.cli.bulk.places import PlaceError
        from vrn_cropper.cli.bulk.run import run_bulk
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("ray", "pyarrow"):
            raise
        typer.echo(f"vrn bulk needs {error.name}: pip install 'vrn-cropper[bulk]'", err=True)
        raise typer.Exit(EXIT_CANNOT_START) from None
    from vrn_cropper.model.call_options import call_options
    from vrn_cropper.model.errors import CropOptionError

    options = {
        "aspect_ratios": aspect_ratio or ["free"], "top_k": top_k, "max_overlap": max_overlap,
        "min_scale": min_scale, "faces": faces,
    }  # fmt: skip
    try:
        call_options(top_k, aspect_ratio or ["free"], max_overlap, (), min_scale, faces)
    except CropOptionError as error:
        raise typer.BadParameter(in_words(str(error))) from None
    work = ChunkWork(destination, device, threads, pictures, options)
    try:
        with _Teller() as teller:
            done = run_bulk(source, work, chunk_size=chunk_size, workers=workers, on_progress=teller.tell)
    except PlaceError as error:
        typer.echo(f"cannot start: {error}", err=True)
        raise typer.Exit(EXIT_CANNOT_START) from None
    if not done.total:
        typer.echo(f"{source}: no photo here", err=True)
        raise typer.Exit(EXIT_CANNOT_START)
    typer.echo(
        f"{done.cropped} cropped, {done.skipped} skipped, {done.failed} failed in {teller.seconds:.1f} s", err=True
    )


class _Teller:
    """A bar on a terminal; elsewhere, as in a job's log, a line from time to time."""

    def __init__(self) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._bar = Bar(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty())
        self._task = self._bar.add_task("cropping", total=None)
        self._began_at = self._told_at = time.monotonic()
        self.seconds = 0.0

    def __enter__(self) -> "_Teller":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()
        self.seconds = time.monotonic() - self._began_at

    def tell(self, progress: "Progress") -> None:
        """Say how far the run is."""
        done = progress.cropped + progress.failed
        self._bar.update(self._task, total=progress.total - progress.skipped, completed=done)
        if self._bar.disable and time.monotonic() - self._told_at >= _LOG_EVERY_S:
            self._told_at = time.monotonic()
            typer.echo(f"{done} of {progress.total - progress.skipped} done, {progress.failed} failed", err=True)
