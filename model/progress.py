"""A progress bar on standard error, silent where nobody watches (not a terminal)."""

import sys
from collections.abc import Iterator, Sequence
from typing import Generic, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

T = TypeVar("T")


class Bar(Generic[T]):
    """Iterates over `items` with a bar; `note` stands beside it."""

    def __init__(self, items: Sequence[T], label: str) -> None:
        self._items = items
        self._label = label
        self.note = ""

    def __iter__(self) -> Iterator[T]:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        is_watched = sys.stderr.isatty()
        with Progress(
            *columns,
            TextColumn("{task.fields[note]}"),
            console=Console(stderr=True),
            transient=True,
            disable=not is_watched,
        ) as progress:
            task = progress.add_task(self._label, total=len(self._items), note="")
            for item in self._items:
                yield item
                progress.update(task, advance=1, note=self.note)


def track(items: Sequence[T], label: str) -> Bar[T]:
    """Iterate with a bar that is gone afterwards."""
    return Bar(items, label)
