"""The answers of the API as JSON, and how a result of the core becomes one. Knows nothing of how it is
made.
"""

from pydantic import BaseModel, Field

from model.exported import ExportInfo
from service.cropping import Crop, CropResult


class ImageSize(BaseModel):
    """The upright source image, in pixels."""

    width: int
    height: int


class PixelBox(BaseModel):
    """A crop box in whole pixels of the upright source image."""

    x: int
    y: int
    width: int
    height: int


class NormalizedBox(BaseModel):
    """The same box as fractions of the image's width and height."""

    x: float
    y: float
    width: float
    height: float


class CropAnswer(BaseModel):
    """One crop. `score` is on the mean-subtracted opinion scale: comparable inside one photo only."""

    rank: int = Field(description="1 is the best of its aspect ratio")
    aspect_ratio: str
    score: float
    box: PixelBox
    box_normalized: NormalizedBox


class ModelAnswer(BaseModel):
    """Which model answered."""

    name: str
    version: str


class CropsAnswer(BaseModel):
    """The answer of `POST /crop`: a flat list, best first, grouped by aspect ratio in the order asked."""

    image: ImageSize
    crops: list[CropAnswer]
    model: ModelAnswer
    request_id: str


class ErrorDetail(BaseModel):
    """`code` is for programs, `message` for people, `request_id` for the operator's log."""

    code: str
    message: str
    request_id: str


class ErrorAnswer(BaseModel):
    """The body of every error."""

    error: ErrorDetail


class VersionAnswer(BaseModel):
    """What runs."""

    service: str
    model: ModelAnswer
    device: str
    precision: str


def crops_answer(result: CropResult, export: ExportInfo, request_id: str) -> CropsAnswer:
    """A result of the core as the API's answer."""
    return CropsAnswer(
        image=ImageSize(width=result.width, height=result.height),
        crops=[_crop_answer(crop, result.width, result.height) for crop in result.crops],
        model=ModelAnswer(name=export.name, version=export.version),
        request_id=request_id,
    )


def _crop_answer(crop: Crop, width: int, height: int) -> CropAnswer:
    x1, y1, x2, y2 = crop.box_xyxy
    return CropAnswer(
        rank=crop.rank,
        aspect_ratio=crop.aspect_ratio.label,
        score=crop.score,
        box=PixelBox(x=x1, y=y1, width=x2 - x1, height=y2 - y1),
        box_normalized=NormalizedBox(x=x1 / width, y=y1 / height, width=(x2 - x1) / width, height=(y2 - y1) / height),
    )
