"""Measures as Markdown tables: means over photos with bootstrap intervals. Knows nothing of photos or methods."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from vrn_cropper.model.evaluation.metrics import bootstrap_interval, weighted_mean

INTERVALS = "In brackets the 95 % bootstrap interval over photos"
NOT_MEASURED = "–"


class Row(NamedTuple):
    """A method's measures, (P, M): one row a photo, one column a measure.

    `weights` (P, M): how many of what is counted a photo has (pairs, subjects); None: each photo counts once. A
    column that does not apply to the method is nan throughout.
    """

    name: str
    values: np.ndarray
    weights: np.ndarray | None = None

    def means(self) -> np.ndarray:
        """The mean of each measure over photos, (M,); nan where nothing is counted."""
        weights = np.ones_like(self.values) if self.weights is None else self.weights
        return np.array([weighted_mean(v, w) for v, w in zip(self.values.T, weights.T, strict=True)])


class Column(NamedTuple):
    """How a measure is written: its name, and what it is multiplied by (100 for shares)."""

    title: str
    factor: float = 1
    digits: int = 3


@dataclass(frozen=True)
class Table:
    """A titled table; `compared` is the column whose paired difference to the first row is added."""

    title: str
    text: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    compared: int | None = None
    notes: Sequence[str] = field(default_factory=tuple)

    def markdown(self) -> str:
        """Heading, text, table and notes."""
        parts = [
            f"## {self.title}",
            f"{self.text}. {INTERVALS}.",
            markdown_table(self.rows, self.columns, self.compared),
        ]
        return "\n\n".join([*parts, *self.notes]) + "\n"


def markdown_table(rows: Sequence[Row], columns: Sequence[Column], compared: int | None) -> str:
    """Means with 95 % bootstrap intervals over photos, as Markdown.

    With `compared`, the last column says by how much a method lies below the first row in that measure. It is
    paired: the same photos are drawn for both, so it shows a difference that two separate intervals hide.
    """
    titles = ["method", *(column.title for column in columns)]
    if compared is not None:
        titles.append(f"{columns[compared].title} below {rows[0].name}")
    lines = ["| " + " | ".join(titles) + " |", "|---" * len(titles) + "|"]
    for row in rows:
        weights = np.ones_like(row.values) if row.weights is None else row.weights
        measured = zip(columns, row.values.T, weights.T, strict=True)
        cells = [row.name, *(_cell(values, column, weight) for column, values, weight in measured)]
        if compared is not None:
            behind = rows[0].values[:, compared] - row.values[:, compared]
            cells.append("" if row is rows[0] else _cell(behind, columns[compared], weights[:, compared]))
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(values: np.ndarray, column: Column, weights: np.ndarray) -> str:
    if np.isnan(values).all():
        return NOT_MEASURED
    mean, (low, high) = weighted_mean(values, weights), bootstrap_interval(values, weights)
    numbers = column.factor * np.array([mean, low, high])
    return "{:.{d}f} ({:.{d}f} to {:.{d}f})".format(*numbers, d=column.digits)
