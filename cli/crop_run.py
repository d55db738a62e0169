"""Crops many photos in process: the service's decoder, batcher and engine, a few photos at a time, in order.

Knows files and JSON lines; knows nothing of terminals.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from vrn_cropper.cli.sources import Source, crop_name, overlay_name
from vrn_cropper.model.errors import VrnError
from vrn_cropper.model.files import write_atomically
from vrn_cropper.model.views.crops import RankedCrops
from vrn_cropper.model.views.options import CropOptions
from vrn_cropper.service.answers import model_answer, photo_answer
from vrn_cropper.service.core.accepted_photos import Permit
from vrn_cropper.service.core.build import Core
from vrn_cropper.service.core.crop_service import CropResult
from vrn_cropper.service.core.picture_request import PictureFormat, PictureOptions
from vrn_cropper.service.error_codes import status_and_code

_OVERLAY_QUALITY = 88


@dataclass(frozen=True, slots=True)
class CropJob:
    """What to make of each photo. `out` None writes no picture; `overlay` needs `out`."""

    options: CropOptions
    picture: PictureOptions
    out: Path | None = None
    overlay: bool = False

    @property
    def names_ratio(self) -> bool:
        """Whether files have to tell ratios apart."""
        return len(self.options.aspect_ratios) > 1


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one photo ended: with a result and the files written, or with an error."""

    source: Source
    result: CropResult | None = None
    files: tuple[Path, ...] = ()
    error: Exception | None = None

    def json_line(self, core: Core) -> dict[str, Any]:
        """As the server answers, with the photo's path and the files written."""
        line: dict[str, Any] = {"path": str(self.source.path)}
        if self.result is None:
            error = self.error or RuntimeError("nothing happened")
            return {**line, "error": {"code": error_code(error), "message": error_text(error)}}
        answer = photo_answer(self.result).model_dump(mode="json")
        files = [str(path) for path in self.files]
        return {**line, **answer, "files": files, "model": model_answer(core.export).model_dump()}


def error_code(error: Exception) -> str:
    """For programs: the server's code, or `file_error`."""
    return "file_error" if isinstance(error, OSError) else status_and_code(error)[1]


def error_text(error: Exception) -> str:
    """For people."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return str(error) if isinstance(error, VrnError) else f"{type(error).__name__}: {error}"


def is_done(source: Source, job: CropJob) -> bool:
    """Whether an earlier run wrote every file of this photo (the best crop of each ratio is written last)."""
    if job.out is None:
        return False
    names = [crop_name(source, ratio.label if job.names_ratio else None, 1) for ratio in job.options.aspect_ratios]
    formats = [job.picture.format] if job.picture.format else list(PictureFormat)
    has_crops = all(any((job.out / (name + form.suffix)).exists() for form in formats) for name in names)
    return has_crops and (not job.overlay or (job.out / overlay_name(source)).exists())


async def crop_all(
    core: Core, sources: Sequence[Source], job: CropJob, on_outcome: Callable[[Outcome], None]
) -> None:
    """Crop every photo; `on_outcome` is told of each, in order. A photo that fails fails alone.

    Raises CheckpointError or StartUpError before the first one.
    """
    protected = frozenset(source.path.resolve() for source in sources)
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


async def _crop_one(core: Core, source: Source, job: CropJob, protected: frozenset[Path]) -> Outcome:
    try:
        async with core.accepted.accept() as permit:
            return await _crop_accepted(core, source, job, protected, permit)
    except Exception as error:
        return Outcome(source, error=error)


async def _crop_accepted(
    core: Core, source: Source, job: CropJob, protected: frozenset[Path], permit: Permit
) -> Outcome:
    photo = await asyncio.to_thread(source.path.read_bytes)
    if job.out is None:
        return Outcome(source, await core.crops.crop(photo, job.options, permit))
    cut = await core.crops.crop_pictures(photo, job.options, job.picture, lambda ranked: ranked.crops, permit)
    contents = {}
    for crop, picture in zip(cut.chosen, cut.pictures, strict=True):
        label = crop.aspect_ratio.label if job.names_ratio else None
        contents[job.out / (crop_name(source, label, crop.rank) + picture.format.suffix)] = picture.content
    if job.overlay:
        overlay = await core.pool.run(lambda ranked: _drawn(photo, ranked), cut.result.ranked)
        contents[job.out / overlay_name(source)] = overlay
    await asyncio.to_thread(_write_all, contents, protected)
    return Outcome(source, cut.result, tuple(contents))


def _drawn(photo: bytes, ranked: RankedCrops) -> bytes:
    buffer = BytesIO()
    ranked.draw(photo).save(buffer, "JPEG", quality=_OVERLAY_QUALITY)
    return buffer.getvalue()


def _write_all(contents: dict[Path, bytes], protected: Iterable[Path]) -> None:
    """Write each file whole or not at all, the last first, so that the best crop's file says that all is done."""
    for path in contents:
        if path.resolve() in protected:
            raise FileExistsError(17, f"{path} is a source photo; choose another --out")
    for path, content in reversed(contents.items()):
        write_atomically(path, content)
