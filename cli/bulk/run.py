"""A bulk run on Ray Data: what is left to do, in chunks, on workers that each keep a `Cropper`. Knows no terminal.

Resume is an anti-join of the photos with the rows that are there. Ray Data's own checkpoints are not used: they were
seen to hang on a cluster of two CPUs, and why was not found out.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import ray
import ray.data

from vrn_cropper.cli.bulk.chunks import ChunkCropper, ChunkWork
from vrn_cropper.cli.bulk.parts import done_paths
from vrn_cropper.cli.bulk.places import list_photos, open_place
from vrn_cropper.model.cropper import DEFAULT_EXPORT
from vrn_cropper.model.network.export_info import read_export_info

# How often a chunk is begun again whose worker died; more is no accident.
_RETRIES = 3


@dataclass(frozen=True, slots=True)
class Progress:
    """Photos so far: `skipped` were done by an earlier run."""

    total: int
    skipped: int
    cropped: int = 0
    failed: int = 0


def run_bulk(
    source: str,
    work: ChunkWork,
    *,
    chunk_size: int = 256,
    workers: int = 0,
    on_progress: Callable[[Progress], None] = lambda progress: None,
) -> Progress:
    """Crop all photos of `source` that have no row yet. Uses the Ray cluster that is connected, else starts one here.

    `workers` 0 takes as many as the cluster has CPUs (or GPUs) for. Raises PlaceError, and what Ray raises when a
    chunk's workers die again and again.
    """
    if not ray.is_initialized():
        ray.init(include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    version = read_export_info(DEFAULT_EXPORT).version
    photos = list(list_photos(source))
    done = set(done_paths(open_place(work.destination), work.key, version))
    left = [path for path in photos if path not in done]
    progress = Progress(len(photos), len(photos) - len(left))
    on_progress(progress)
    if not left:
        return progress
    chunks = [{"paths": left[start : start + chunk_size]} for start in range(0, len(left), chunk_size)]
    for cropped, failed in _counts(chunks, work, workers):
        progress = Progress(progress.total, progress.skipped, progress.cropped + cropped, progress.failed + failed)
        on_progress(progress)
    return progress


def _counts(chunks: list[dict[str, list[str]]], work: ChunkWork, workers: int) -> Iterator[tuple[int, int]]:
    """How many photos of each chunk were cropped and failed, as they end."""
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    has_gpu = work.device.startswith("cuda")
    resources = ray.cluster_resources()
    share = resources.get("GPU", 0) if has_gpu else resources.get("CPU", 1) // max(work.threads, 1)
    most = min(workers or max(int(share), 1), len(chunks))
    data = ray.data.from_items(chunks, override_num_blocks=len(chunks)).map_batches(
        ChunkCropper,
        fn_constructor_args=(work,),
        batch_size=1,
        concurrency=most,
        num_cpus=None if has_gpu else max(work.threads, 1),
        num_gpus=1 if has_gpu else None,
        max_restarts=-1,
        max_task_retries=_RETRIES,
    )
    for row in data.iter_rows():
        yield int(row["cropped"]), int(row["failed"])
