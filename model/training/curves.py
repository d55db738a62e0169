"""Curves of a training run as one PNG. Knows only the rows of the metrics file."""

import io
from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from vrn_cropper.model.files import write_atomically


def plot_curves(history: list[dict[str, Any]], path: Path) -> None:
    """Losses on the left, validation metrics (where there are any) on the right, by epoch."""
    figure = Figure(figsize=(10, 4), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    epochs = [row["epoch"] for row in history]
    for name in (key for key in history[0] if key.startswith("loss_")):
        left.plot(epochs, [row[name] for row in history], marker=".", label=name.removeprefix("loss_"))
    for name in history[0]["validation"]:
        right.plot(epochs, [row["validation"][name] for row in history], marker=".", label=name)
    left.set_title("training losses")
    right.set_title("validation")
    for axis in (left, right):
        axis.set_xlabel("epoch")
        axis.grid(alpha=0.3)
        if axis.lines:
            axis.legend(fontsize=8)
    png = io.BytesIO()
    figure.savefig(png, format="png", dpi=110)
    write_atomically(path, png.getvalue())
