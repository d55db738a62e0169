"""`vrn crop`: its options and its course. The work is `cli.crop_run`, imported when it is needed."""

from pathlib import Path
from typing import Annotated

import typer

from vrn_cropper.cli.option_words import meaning, table_option

_CROPS, _OUTPUT, _PICTURE, _MACHINE = "Which crops", "Output", "The cropped pictures (--out)", "Machine"
_PHOTOS = "Which photos"
EXAMPLES = """[bold]Examples[/bold]

vrn crop photo.jpg --out best.jpg

vrn crop photos --aspect-ratio 4:5 --aspect-ratio 16:9 --out crops --skip-existing

vrn crop photos --exclude 'thumbs/*' --json boxes.jsonl

find . -name '*.heic' -print0 | vrn crop --files-from - --out crops --format jpeg

vrn crop photos --shard 3/64 --out crops --name '{folder}/{stem}_{ratio}'

curl -s https://example.com/a.jpg | vrn crop - --out - > b.jpg
"""


def crop(
    photos: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PHOTO|FOLDER|PATTERN...",
            help="Photos, folders (searched through), patterns; - is standard input.",
            show_default=False,
        ),
    ] = None,
    files_from: Annotated[
        str | None,
        typer.Option(metavar="FILE|-", help="Photos of a list, one a line or apart by NUL.", rich_help_panel=_PHOTOS),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATTERN",
            help="Leave out paths, names and folders like this. Repeatable.",
            rich_help_panel=_PHOTOS,
        ),
    ] = None,
    shard: Annotated[
        str | None,
        typer.Option(
            metavar="N/COUNT",
            help="One part of all photos, the same on every machine: 3/64.",
            rich_help_panel=_PHOTOS,
        ),
    ] = None,
    aspect_ratio: Annotated[list[str] | None, table_option("aspect_ratio", _CROPS)] = None,
    top_k: Annotated[int, table_option("top_k", _CROPS)] = 1,
    max_overlap: Annotated[float | None, table_option("max_overlap", _CROPS)] = None,
    keep: Annotated[list[str] | None, table_option("keep", _CROPS)] = None,
    min_scale: Annotated[float | None, table_option("min_scale", _CROPS)] = None,
    faces: Annotated[str | None, table_option("faces", _CROPS)] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FOLDER|FILE|-",
            help="Write the crops here; for one crop a file such as b.jpg, or - for standard output.",
            rich_help_panel=_OUTPUT,
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(
            metavar="TEMPLATE",
            help="Names of the crops without suffix, from {stem}, {name}, {folder}, {ratio}, {rank}.",
            rich_help_panel=_OUTPUT,
        ),
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
        bool, typer.Option("--overlay", help="Also draw the best crop over the photo.", rich_help_panel=_OUTPUT)
    ] = False,
    min_gain: Annotated[
        float | None,
        typer.Option(
            min=0,
            metavar="GAIN",
            help="Write nothing where the best crop gains less over the whole photo (best_crop_gain in the JSON):"
            " 0.4 means that 60 of 100 people prefer it.",
            rich_help_panel=_OUTPUT,
        ),
    ] = None,
    skip_existing: Annotated[
        bool,
        typer.Option(
            "--skip-existing",
            help="Continue an earlier run: leave out photos that it did with the same options.",
            rich_help_panel=_OUTPUT,
        ),
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Say what would be done, and do nothing.", rich_help_panel=_OUTPUT),
    ] = False,
    quiet: Annotated[
        bool,
        typer.Option(
            "--quiet", "-q", help="No progress and no summary; failures are still named.", rich_help_panel=_OUTPUT
        ),
    ] = False,
    width: Annotated[int | None, table_option("width", _PICTURE)] = None,
    height: Annotated[int | None, table_option("height", _PICTURE)] = None,
    upscale: Annotated[bool, typer.Option("--upscale", help=meaning("upscale"), rich_help_panel=_PICTURE)] = False,
    format: Annotated[str | None, table_option("format", _PICTURE)] = None,
    quality: Annotated[int | None, table_option("quality", _PICTURE)] = None,
    metadata: Annotated[str | None, table_option("metadata", _PICTURE)] = None,
    device: Annotated[
        str | None,
        typer.Option(metavar="auto|cpu|cuda", help="As VRN_DEVICE.", rich_help_panel=_MACHINE),
    ] = None,
    threads: Annotated[
        int | None,
        typer.Option(min=0, metavar="COUNT", help="Decode threads, as VRN_DECODE_THREADS.", rich_help_panel=_MACHINE),
    ] = None,
) -> None:
    """Crop photos, in this process. Sources are never changed; results are named after them.

    Without --out and --json the boxes are printed: x,y,width,height in pixels of the upright photo.
    Exits with 0, with 1 if some photos failed, with 2 if nothing could be started.
    """  # fmt: skip
    from vrn_cropper.cli.crop_plan import Given, make_plan

    given = Given(
        photos=tuple(photos or ()), files_from=files_from, exclude=tuple(exclude or ()), shard=shard,
        aspect_ratio=tuple(aspect_ratio or ()), top_k=top_k, max_overlap=max_overlap, keep=tuple(keep or ()),
        min_scale=min_scale, faces=faces, out=out, name=name, json_to=json_to, overlay=overlay, min_gain=min_gain,
        skip_existing=skip_existing, width=width, height=height, upscale=upscale, format=format, quality=quality,
        metadata=metadata,
    )  # fmt: skip
    plan = make_plan(given)
    from vrn_cropper.cli import crop_course

    if dry_run:
        raise typer.Exit(crop_course.say_plan(plan))
    core = crop_course.start_core(device, threads)
    from vrn_cropper.cli.crop_run import Job
    from vrn_cropper.cli.run_record import RunRecord, options_key

    outputs = plan.outputs
    key = options_key(plan.options, plan.picture, name, overlay, min_gain, core.export.version)
    record = None if outputs is None or outputs.only_file is not None else RunRecord(outputs.folder)
    job = Job(plan.options, plan.picture, key, outputs, record, overlay, min_gain)
    raise typer.Exit(crop_course.run_plan(core, plan, job, json_to, skip_existing=skip_existing, quiet=quiet))
