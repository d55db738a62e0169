"""How a command of `model` or `benchmarks` runs: options by typer, faults in one line, an exit code.

Knows nothing of what a command does.
"""

import functools
import sys
from collections.abc import Callable, Sequence
from typing import Any

import typer

from vrn_cropper.model.errors import VrnError


def run_command(command: Callable[..., int | None], arguments: Sequence[str] | None, name: str) -> int:
    """Run `command`, whose parameters are its options; `arguments` None takes the process's own.

    The exit code: the command's own, 0 if it gives none; 1 and one line on standard error for a VrnError; 2 for
    options that are wrong. `name` stands in the usage line.
    """

    @functools.wraps(command)
    def ending_with_a_code(*given: Any, **named: Any) -> None:
        try:
            code = command(*given, **named)
        except VrnError as error:
            print(f"error: {error}", file=sys.stderr)
            code = 1
        raise typer.Exit(code or 0)

    app = typer.Typer(add_completion=False)
    app.command()(ending_with_a_code)
    try:
        typer.main.get_command(app).main(args=None if arguments is None else list(arguments), prog_name=name)
    except SystemExit as end:
        return int(end.code or 0)
    return 0
