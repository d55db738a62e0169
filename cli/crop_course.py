"""The course of `vrn crop`, once its options are a plan: start the core, crop, tell how it went; exit codes."""

import asyncio
import os
from contextlib import ExitStack

import typer

from vrn_cropper.cli.crop_plan import Plan
from vrn_cropper.cli.crop_report import Report
from vrn_cropper.cli.crop_run import Job, Outcome, crop_all, error_text
from vrn_cropper.cli.json_lines import JsonLines
from vrn_cropper.cli.option_words import in_words
from vrn_cropper.cli.outputs import Outputs
from vrn_cropper.cli.run_record import photo_key
from vrn_cropper.cli.sources import Source
from vrn_cropper.model.errors import VrnError
from vrn_cropper.service.core.build import Core, build_core
from vrn_cropper.service.settings import read_settings

EXIT_SOME_FAILED = 1
EXIT_CANNOT_START = 2
EXIT_INTERRUPTED = 130


def say_plan(plan: Plan) -> int:
    """What would be done, a line a photo; the exit code."""
    for source in plan.sources:
        targets = [] if plan.outputs is None else _targets(plan, plan.outputs, source)
        typer.echo(f"{source} -> {', '.join(targets)}" if targets else str(source))
    for fault in plan.faults:
        typer.echo(f"{fault.argument}: {fault.message}", err=True)
    return _exit_code(plan, len(plan.faults))


def _targets(plan: Plan, outputs: Outputs, source: Source) -> list[str]:
    suffix = plan.picture.format.suffix if plan.picture.format else ".*"
    return [
        str(outputs.crop_path(source, ratio.label, rank, suffix))
        for ratio in plan.options.aspect_ratios
        for rank in range(1, plan.options.top_k + 1)
    ]


def _exit_code(plan: Plan, failed: int) -> int:
    if plan.faults and not plan.sources:
        return EXIT_CANNOT_START
    return EXIT_SOME_FAILED if failed else 0


def start_core(device: str | None, threads: int | None) -> Core:
    """The service's core by its own settings, with those of the command line above them."""
    given = {"VRN_DEVICE": device, "VRN_DECODE_THREADS": None if threads is None else str(threads)}
    environment = {**os.environ, **{name: value for name, value in given.items() if value is not None}}
    try:
        return build_core(read_settings(environment))
    except VrnError as error:
        typer.echo(f"cannot start: {in_words(str(error))}", err=True)
        raise typer.Exit(EXIT_CANNOT_START) from None


def run_plan(core: Core, plan: Plan, job: Job, json_to: str | None, *, skip_existing: bool, quiet: bool) -> int:
    """Crop everything and tell how it went; the exit code."""
    with ExitStack() as stack:
        try:
            lines = JsonLines(json_to, keeps_earlier=skip_existing, key=job.key) if json_to else None
        except OSError as error:
            typer.echo(f"cannot start: --json {json_to}: {error.strerror}", err=True)
            return EXIT_CANNOT_START
        if lines:
            stack.callback(lines.close)
        left = [source for source in plan.sources if not (skip_existing and _is_done(source, job, lines))]
        report = Report(quiet=quiet, has_table=json_to is None and job.outputs is None)
        with report:
            report.expect(len(left), skipped=len(plan.sources) - len(left))
            for fault in plan.faults:
                report.fail(fault.argument, fault.message)
                if lines:
                    told = {"code": "file_error", "message": fault.message}
                    lines.write({"path": fault.argument, "error": told})

            def on_outcome(outcome: Outcome) -> None:
                report.advance()
                if outcome.error is not None:
                    report.fail(outcome.source, error_text(outcome.error))
                else:
                    report.done(outcome)
                if lines:
                    lines.write(outcome.json_line(core, job.key))

            try:
                if left:
                    asyncio.run(crop_all(core, left, job, on_outcome))
            except VrnError as error:
                typer.echo(f"cannot start: {error}", err=True)
                return EXIT_CANNOT_START
            except KeyboardInterrupt:
                typer.echo("interrupted; to continue, add --skip-existing", err=True)
                return EXIT_INTERRUPTED
        report.summarise()
    return _exit_code(plan, report.failed)


def _is_done(source: Source, job: Job, lines: JsonLines | None) -> bool:
    """Whether an earlier run made every output that is asked for now, with the same options."""
    if lines is not None and str(source) not in lines.done_paths:
        return False
    if job.record is None or job.outputs is None:
        return lines is not None
    try:
        return job.record.is_done(job.outputs.base(source), photo_key(source, job.key))
    except OSError:
        return False
