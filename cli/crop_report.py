"""What a run of `vrn crop` tells: progress, failures, a table of boxes, a summary. Knows terminals."""

import time
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from vrn_cropper.cli.crop_run import Outcome


class Report:
    """Counts outcomes while the block runs. `quiet` leaves out progress and summary; failures are always named."""

    def __init__(self, *, quiet: bool, has_table: bool) -> None:
        self._began = time.monotonic()
        self._console = Console(stderr=True, quiet=quiet)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._progress = Progress(*columns, console=self._console, transient=True)
        self._bar = self._progress.add_task("cropping", total=None)
        self._table = _table() if has_table else None
        self.cropped = self.left = self.skipped = self.failed = 0

    def __enter__(self) -> "Report":
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def expect(self, count: int, skipped: int) -> None:
        """How many photos are going to be cropped, and how many were done before."""
        self.skipped = skipped
        self._progress.update(self._bar, total=count)

    def fail(self, what: object, message: str) -> None:
        """Name a failure, whatever is quiet: as plain text, since a path may hold what Rich takes for markup."""
        self.failed += 1
        if self._console.quiet:
            typer.echo(f"{what}: {message}", err=True)
        else:
            self._progress.console.print(f"{what}: {message}", markup=False, soft_wrap=True, highlight=False)

    def done(self, outcome: "Outcome") -> None:
        """Count a photo that was cropped, or left as it is, and note its boxes."""
        if outcome.is_left:
            self.left += 1
        else:
            self.cropped += 1
        if self._table is not None:
            _add_rows(self._table, outcome)

    def advance(self) -> None:
        """One photo more has ended."""
        self._progress.advance(self._bar)

    def summarise(self) -> None:
        """The table on standard output, and the counts."""
        if self._table is not None and self._table.row_count:
            Console(soft_wrap=True).print(self._table)
        left = f"{self.left} left as they are, " if self.left else ""
        seconds = time.monotonic() - self._began
        self._console.print(
            f"{self.cropped} cropped, {left}{self.skipped} skipped, {self.failed} failed in {seconds:.1f} s"
        )


def _table() -> Table:
    table = Table(box=None)
    for column in ("photo", "ratio", "rank", "score", "x,y,width,height"):
        table.add_column(column, overflow="fold")
    return table


def _add_rows(table: Table, outcome: "Outcome") -> None:
    assert outcome.result is not None  # rows are of photos that were cropped
    for crop in outcome.result.ranked.crops:
        x1, y1, x2, y2 = crop.box_xyxy
        cells: Sequence[str] = (
            str(outcome.source), crop.aspect_ratio.label, str(crop.rank), f"{crop.score:+.3f}",
            f"{x1},{y1},{x2 - x1},{y2 - y1}",
        )  # fmt: skip
        table.add_row(*(Text(cell) for cell in cells))
