"""The application `vrn`: one command each. Heavy parts are imported by the command that needs them."""

import importlib
import os
from typing import Annotated

import typer

import vrn_cropper
from vrn_cropper.cli.bulk.command import EXAMPLES as BULK_EXAMPLES
from vrn_cropper.cli.bulk.command import bulk
from vrn_cropper.cli.crop_command import EXAMPLES, crop
from vrn_cropper.service.core.telemetry import turn_telemetry_off

EXIT_CANNOT_START = 2
_TORCH_EXTRA = frozenset({"torch", "torchvision", "safetensors", "onnx", "onnxscript", "matplotlib", "scipy"})
# Each is a front of a module's own command line, which stays the one place where its options are told.
_FRONTS = {
    "train": ("vrn_cropper.model.training.__main__", "Train the network; options as in 'vrn train --help'."),
    "evaluate": (
        "vrn_cropper.model.evaluation.__main__",
        "Compare a checkpoint with the baselines, as one Markdown table.",
    ),
    "export": ("vrn_cropper.model.network.export", "Export a checkpoint to the graph that is served."),
    "figures": ("vrn_cropper.model.evaluation.figures", "Draw top-1 crops side by side, and feature heat maps."),
}


def _say_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(vrn_cropper.__version__)
        raise typer.Exit


def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Photo cropping by the View Ranking Network."""


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on, as VRN_HOST.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port, as VRN_PORT.")] = None,
    device: Annotated[str | None, typer.Option(metavar="auto|cpu|cuda|cuda:N", help="As VRN_DEVICE.")] = None,
) -> None:
    """Serve crops over HTTP. Every other setting is a VRN_* variable; the README lists them."""
    from vrn_cropper.service.__main__ import main as serve_until_stopped

    given = {"VRN_HOST": host, "VRN_PORT": None if port is None else str(port), "VRN_DEVICE": device}
    environment = {**os.environ, **{name: value for name, value in given.items() if value is not None}}
    raise typer.Exit(serve_until_stopped(environment))


def run_front(name: str, arguments: list[str]) -> int:
    """Run a module's own command line; the exit code. What it needs may not be installed: that is told."""
    module, _ = _FRONTS[name]
    try:
        main_of_module = importlib.import_module(module).main
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _TORCH_EXTRA:
            raise
        typer.echo(
            f"vrn {name} needs {error.name}, which is not installed; install the extra: pip install"
            " 'vrn-cropper[torch]'",
            err=True,
        )
        return EXIT_CANNOT_START
    return int(main_of_module(arguments) or 0)


def build_app() -> typer.Typer:
    """The application with all its commands."""
    app = typer.Typer(
        name="vrn",
        no_args_is_help=True,
        context_settings={"help_option_names": ["-h", "--help"]},
        pretty_exceptions_show_locals=False,
        rich_markup_mode="rich",
    )
    app.callback()(options)
    app.command(no_args_is_help=True, epilog=EXAMPLES)(crop)
    app.command(no_args_is_help=True, epilog=BULK_EXAMPLES)(bulk)
    app.command()(serve)
    for name, (_, text) in _FRONTS.items():
        _add_front(app, name, text)
    return app


def _add_front(app: typer.Typer, name: str, text: str) -> None:
    def front(context: typer.Context) -> None:
        raise typer.Exit(run_front(name, context.args))

    passes_all_on = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
    app.command(name, help=text, context_settings=passes_all_on, add_help_option=False)(front)


def main() -> None:
    """The console script."""
    turn_telemetry_off()
    build_app()(prog_name="vrn")
