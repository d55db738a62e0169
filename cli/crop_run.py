"""Crops many photos in process: the service's decoder, batcher and engine, a few photos at a time, in order.

Knows files and JSON lines; knows nothing of terminals.
"""

import asyncio
import sys
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from vrn_cropper.cli.option_words import in_words
from vrn_cropper.cli.outputs import STDOUT, Outputs
from vrn_cropper.cli.run_record import RunRecord, photo_key
from vrn_cropper.cli.sources import Source
from vrn_cropper.model.errors import VrnError
from vrn_cropper.model.files import write_atomically
from vrn_cropper.model.views.crops import RankedCrops
from vrn_cropper.model.views.options import CropOptions
from vrn_cropper.service.answers import model_answer, photo_answer
from vrn_cropper.service.core.accepted_photos import Permit
from vrn_cropper.service.core.build import Core
from vrn_cropper.service.core.crop_service import CropResult
from vrn_cropper.service.core.picture_request import PictureOptions
from vrn_cropper.service.error_codes import status_and_code

_OVERLAY_QUALITY = 88


@dataclass(frozen=True, slots=True)
class Job:
    """What to make of each photo. `outputs` None writes no picture; `key` names everything that decides the result.

    Photos whose best crop gains less than `min_gain` over the whole photo get no picture.
    """

    options: CropOptions
    picture: PictureOptions
    key: str
    outputs: Outputs | None = None
    record: RunRecord | None = None
    overlay: bool = False
    min_gain: float | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one photo ended: with a result and the files written, or with an error."""

    source: Source
    result: CropResult | None = None
    files: tuple[Path, ...] = ()
    error: Exception | None = None
    is_left: bool = False

    def json_line(self, core: Core, key: str) -> dict[str, Any]:
        """As the server answers, with the photo's path, the files written and the key of the options."""
        line: dict[str, Any] = {"path": str(self.source)}
        if self.result is None:
            error = self.error or RuntimeError("nothing happened")
            return {**line, "error": {"code": error_code(error), "message": error_text(error)}}
        answer = photo_answer(self.result).model_dump(mode="json")
        files = [str(path) for path in self.files]
        return {**line, **answer, "files": files, "model": model_answer(core.export).model_dump(), "options": key}


def error_code(error: Exception) -> str:
    """For programs: the server's code, or `file_error`."""
    return "file_error" if isinstance(error, OSError) else status_and_code(error)[1]


def error_text(error: Exception) -> str:
    """For people."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return in_words(str(error)) if isinstance(error, VrnError) else f"{type(error).__name__}: {error}"


async def crop_all(core: Core, sources: Sequence[Source], job: Job, on_outcome: Callable[[Outcome], None]) -> None:
    """Crop every photo; `on_outcome` is told of each, in order. A photo that fails fails alone.

    Raises CheckpointError or StartUpError before the first one.
    """
    protected = frozenset(source.path.resolve() for source in sources if source.path is not None)
    # Enough photos under way to keep the decoders busy and to fill batches, few enough to bound memory.
    most_at_once = 2 * core.pool.threads + core.runner.engine.best_batch_size
    under_way: deque[asyncio.Task[Outcome]] = deque()
    async with core.running():
        try:
            for source in sources:
                under_way.append(asyncio.create_task(_crop_one(core, source, job, protected)))
                if len(under_way) >= most_at_once:
                    on_outcome(await under_way.popleft())
            while under_way:
                on_outcome(await under_way.popleft())
        finally:
            for task in under_way:
                task.cancel()
            await asyncio.gather(*under_way, return_exceptions=True)


async def _crop_one(core: Core, source: Source, job: Job, protected: frozenset[Path]) -> Outcome:
    try:
        async with core.accepted.accept() as permit:
            return await _crop_accepted(core, source, job, protected, permit)
    except Exception as error:
        return Outcome(source, error=error)


async def _crop_accepted(core: Core, source: Source, job: Job, protected: frozenset[Path], permit: Permit) -> Outcome:
    outputs = job.outputs
    # Of the photo as it is before it is read: what changes afterwards is done again by the next run.
    key = photo_key(source, job.key) if job.record is not None else ""
    photo = await asyncio.to_thread(source.read)
    if outputs is None:
        return Outcome(source, await core.crops.crop(photo, job.options, permit))

    def choose(ranked: RankedCrops) -> Sequence[Any]:
        return () if job.min_gain is not None and ranked.gain < job.min_gain else ranked.crops

    cut = await core.crops.crop_pictures(photo, job.options, job.picture, choose, permit)
    contents = {
        outputs.crop_path(source, crop.aspect_ratio.label, crop.rank, picture.format.suffix): picture.content
        for crop, picture in zip(cut.chosen, cut.pictures, strict=True)
    }
    if job.overlay and cut.chosen:
        contents[outputs.overlay_path(source)] = await core.pool.run(
            lambda ranked: _drawn(photo, ranked), cut.result.ranked
        )
    await asyncio.to_thread(_write_all, contents, protected)
    if job.record is not None:
        job.record.add(outputs.base(source), key, contents)
    return Outcome(source, cut.result, tuple(contents), is_left=not cut.chosen)


def _drawn(photo: bytes, ranked: RankedCrops) -> bytes:
    buffer = BytesIO()
    ranked.draw(photo).save(buffer, "JPEG", quality=_OVERLAY_QUALITY)
    return buffer.getvalue()


def _write_all(contents: dict[Path, bytes], protected: Iterable[Path]) -> None:
    """Write each file whole or not at all; `-` is standard output."""
    for path in contents:
        if path.resolve() in protected:
            raise FileExistsError(17, f"{path} is a source photo; choose another --out")
    for path, content in contents.items():
        if str(path) == STDOUT:
            sys.stdout.buffer.write(content)
            sys.stdout.buffer.flush()
        else:
            write_atomically(path, content)
