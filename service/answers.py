"""The answers of the API as JSON, and how a result of the core becomes one. Knows nothing of how it is
made.
"""

from typing import Annotated, Any

from pydantic import BaseModel, Field

from vrn_cropper.model.network.export_info import ExportInfo
from vrn_cropper.model.views.crops import Crop
from vrn_cropper.model.views.own_boxes import ScoredBox
from vrn_cropper.service.core.crop_service import CropResult, ScoreResult
from vrn_cropper.service.error_codes import ErrorCode

Warnings = Annotated[
    list[str],
    Field(
        description="what the sender should know of the file, such as rows that are missing at its end; mostly empty",
        examples=[[]],
    ),
]


class ImageSize(BaseModel):
    """The upright source image (EXIF orientation applied), in pixels."""

    width: int = Field(ge=1, examples=[1024])
    height: int = Field(ge=1, examples=[683])


class PixelBox(BaseModel):
    """A crop box in whole pixels of the upright source image; inside it and never empty."""

    x: int = Field(ge=0, description="left edge", examples=[85])
    y: int = Field(ge=0, description="top edge", examples=[0])
    width: int = Field(ge=1, examples=[812])
    height: int = Field(ge=1, examples=[541])


class NormalizedBox(BaseModel):
    """The same box as fractions of the image's width and height."""

    x: float = Field(ge=0, le=1, examples=[0.083])
    y: float = Field(ge=0, le=1, examples=[0.0])
    width: float = Field(gt=0, le=1, examples=[0.793])
    height: float = Field(gt=0, le=1, examples=[0.792])


class FocalPointAnswer(BaseModel):
    """For `object-fit: cover` in a container of the crop's ratio: the whole photo, cut around this crop.

    As in CSS, `x` is the share of the spare width that is cut off on the left (0.5 where none is spare), and
    `y` that of the spare height at the top; it is not the crop's centre.
    """

    x: float = Field(ge=0, le=1, examples=[0.391])
    y: float = Field(ge=0, le=1, examples=[0.5])
    object_position: str = Field(description="the CSS value", examples=["39.1% 50%"])


class CropAnswer(BaseModel):
    """One crop. `score` compares crops of one photo and ratio only; the two shares say what it is worth."""

    rank: int = Field(ge=1, le=50, description="1 is the best of its aspect ratio", examples=[1])
    aspect_ratio: str = Field(description="as asked for", examples=["free"])
    score: float = Field(description="predicted opinion score, higher is better", examples=[0.83])
    box: PixelBox
    box_normalized: NormalizedBox
    area_share: float = Field(gt=0, le=1, description="share of the photo that is kept", examples=[0.628])
    preferred_to_whole: float = Field(
        ge=0, le=1, description="share of people expected to prefer this crop to the whole photo", examples=[0.64]
    )
    preferred_to_centre: float = Field(
        ge=0,
        le=1,
        description="the same against the largest centred crop of its ratio; of a free crop: against the whole photo",
        examples=[0.64],
    )
    focal_point: FocalPointAnswer


class WholeImage(BaseModel):
    """The uncropped photo, scored in the same pass, so that a caller can leave a well-composed photo alone.

    Whether to do so is decided by the best crop's `preferred_to_whole`: below .5 most people would.
    """

    score: float = Field(description="on the scale of the crops' scores", examples=[0.61])
    best_crop_gain: float = Field(
        description="score of the best crop less that of the whole image: log-odds that a person prefers it",
        examples=[0.22],
    )


class ModelAnswer(BaseModel):
    """Which model answered."""

    name: str = Field(examples=["vrn-mobilenetv2"])
    version: str = Field(examples=["a1b2c3d4-e5f60718"])


class PhotoAnswer(BaseModel):
    """What is known of one photo."""

    image: ImageSize
    crops: list[CropAnswer] = Field(
        description="best first, grouped by aspect ratio in the order asked, `top_k` for each; fewer where the photo"
        " has fewer different ones"
    )
    whole_image: WholeImage
    warnings: Warnings


class CropsAnswer(PhotoAnswer):
    """The answer of `POST /crop`: a flat list, best first, grouped by aspect ratio in the order asked."""

    model: ModelAnswer
    request_id: str = Field(examples=["5f0c9a1e7d3b4c2f8a6e0d9b1c7f3e52"])


class ScoredBoxAnswer(BaseModel):
    """One of your boxes, in the order sent; what is told of it compares with the crops of `POST /crop`."""

    score: float = Field(description="predicted opinion score, higher is better", examples=[0.83])
    box: PixelBox
    box_normalized: NormalizedBox
    area_share: float = Field(gt=0, le=1, description="share of the photo that is kept", examples=[0.628])
    preferred_to_whole: float = Field(
        ge=0, le=1, description="share of people expected to prefer this box to the whole photo", examples=[0.64]
    )
    preferred_to_centre: float = Field(
        ge=0,
        le=1,
        description="the same against the largest centred crop of `aspect_ratio`; without one: the whole photo",
        examples=[0.64],
    )
    focal_point: FocalPointAnswer


class WholeImageScore(BaseModel):
    """The uncropped photo, scored in the same pass."""

    score: float = Field(description="on the scale of the boxes' scores", examples=[0.61])


class ScoresAnswer(BaseModel):
    """The answer of `POST /score`: your boxes in the order sent."""

    image: ImageSize
    boxes: list[ScoredBoxAnswer]
    whole_image: WholeImageScore
    warnings: Warnings
    model: ModelAnswer
    request_id: str = Field(examples=["5f0c9a1e7d3b4c2f8a6e0d9b1c7f3e52"])


class UrlCropsAnswer(CropsAnswer):
    """The ranked crops of a photo by its URL."""

    srcsets: list[str] = Field(
        description="one for each crop where `widths` were asked for: its picture in each width, for HTML's `srcset`",
        examples=[["/crop/image?url=https%3A%2F%2Fexample.com%2Fa.jpg&aspect_ratio=16%3A9&rank=1&width=320 320w"]],
    )


class PictureEntry(BaseModel):
    """One picture of `POST /crop/images`: file `name` is the crop `rank` of `aspect_ratio`, cut from `box`."""

    name: str = Field(examples=["01-16x9-1-640w.webp"])
    aspect_ratio: str = Field(description="as asked for", examples=["16:9"])
    rank: int = Field(ge=1, le=50, examples=[1])
    width: int = Field(ge=1, examples=[640])
    height: int = Field(ge=1, examples=[360])
    media_type: str = Field(examples=["image/webp"])


class PicturesAnswer(CropsAnswer):
    """`crops.json` of `POST /crop/images`: what `POST /crop` answers, and which file shows what."""

    pictures: list[PictureEntry]


class EntryError(BaseModel):
    """Why one photo of a batch failed: what `POST /crop` would have answered for it alone."""

    status: int = Field(description="HTTP status of that answer", examples=[422])
    code: ErrorCode = Field(examples=["broken_photo"])
    message: str = Field(examples=["the photo is damaged or cut short; send the whole file"])


class BatchEntry(BaseModel):
    """One photo of a batch: either `result` or `error`, the other is null."""

    index: int = Field(ge=0, description="place of the photo in the request, from 0", examples=[0])
    result: PhotoAnswer | None
    error: EntryError | None


class BatchAnswer(BaseModel):
    """The answer of `POST /crop/batch`: one entry a photo, in order."""

    results: list[BatchEntry]
    model: ModelAnswer
    request_id: str = Field(examples=["5f0c9a1e7d3b4c2f8a6e0d9b1c7f3e52"])


class ErrorDetail(BaseModel):
    """`code` is for programs, `message` for people, `request_id` for the operator's log."""

    code: ErrorCode = Field(examples=["bad_request"])
    message: str = Field(description="says what to do", examples=["top_k is a whole number from 1 to 50; got '0'"])
    request_id: str = Field(examples=["5f0c9a1e7d3b4c2f8a6e0d9b1c7f3e52"])


class ErrorAnswer(BaseModel):
    """The body of every error."""

    error: ErrorDetail


def model_answer(export: ExportInfo) -> ModelAnswer:
    """The model that an export is."""
    return ModelAnswer(name=export.name, version=export.version)


def crops_answer(result: CropResult, export: ExportInfo, request_id: str) -> CropsAnswer:
    """A result of the core as the API's answer."""
    photo = photo_answer(result)
    return CropsAnswer(
        image=photo.image,
        crops=photo.crops,
        whole_image=photo.whole_image,
        warnings=photo.warnings,
        model=model_answer(export),
        request_id=request_id,
    )


def photo_answer(result: CropResult) -> PhotoAnswer:
    """What is known of one photo."""
    ranked = result.ranked
    return PhotoAnswer(
        image=ImageSize(width=ranked.width, height=ranked.height),
        crops=[_crop_answer(crop, ranked.width, ranked.height) for crop in ranked.crops],
        whole_image=WholeImage(score=ranked.whole_frame_score, best_crop_gain=ranked.gain),
        warnings=list(result.warnings),
    )


def scores_answer(result: ScoreResult, export: ExportInfo, request_id: str) -> ScoresAnswer:
    """The scores of a caller's boxes as the API's answer."""
    scored = result.scored
    return ScoresAnswer(
        image=ImageSize(width=scored.width, height=scored.height),
        boxes=[ScoredBoxAnswer(score=box.score, **_told(box, scored.width, scored.height)) for box in scored.boxes],
        whole_image=WholeImageScore(score=scored.whole_frame_score),
        warnings=list(result.warnings),
        model=model_answer(export),
        request_id=request_id,
    )


def _crop_answer(crop: Crop, width: int, height: int) -> CropAnswer:
    return CropAnswer(
        rank=crop.rank, aspect_ratio=crop.aspect_ratio.label, score=crop.score, **_told(crop, width, height)
    )


def _told(crop: Crop | ScoredBox, width: int, height: int) -> dict[str, Any]:
    """What is told of any box in a photo of `width` x `height` pixels."""
    x1, y1, x2, y2 = crop.box_xyxy
    focus = crop.focal_point
    return {
        "box": PixelBox(x=x1, y=y1, width=x2 - x1, height=y2 - y1),
        "box_normalized": NormalizedBox(
            x=x1 / width, y=y1 / height, width=(x2 - x1) / width, height=(y2 - y1) / height
        ),
        "area_share": crop.area_share,
        "preferred_to_whole": crop.preferred_to_whole,
        "preferred_to_centre": crop.preferred_to_centre,
        "focal_point": FocalPointAnswer(x=focus.x, y=focus.y, object_position=focus.object_position),
    }
