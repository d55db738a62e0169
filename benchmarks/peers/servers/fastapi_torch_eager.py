"""FastAPI and torch as it comes: the checkpoint in eager mode, the photo decoded in full."""

import asyncio
from io import BytesIO

import torch
from fastapi import FastAPI, Request
from PIL import Image, ImageOps

from vrn_cropper.model.network.checkpoint import DEFAULT_CHECKPOINT, load_checkpoint
from vrn_cropper.model.photos.reading import read_photo
from vrn_cropper.model.views.crops import plan_views, rank_crops
from vrn_cropper.model.views.options import CropOptions

vrn = load_checkpoint(DEFAULT_CHECKPOINT).eval()
options = CropOptions()
app = FastAPI()


@app.post("/crop")
async def post(request: Request) -> dict[str, object]:
    body = await request.body()
    return await asyncio.to_thread(crop, body)


@torch.inference_mode()
def crop(body: bytes) -> dict[str, object]:
    photo = read_photo(ImageOps.exif_transpose(Image.open(BytesIO(body))).convert("RGB"))
    plan = plan_views(photo.width, photo.height, options)
    scores = vrn.score_views(torch.tensor(photo.model_input)[None], torch.tensor(plan.boxes_normalized)[None])
    return {"boxes": [crop.box_xyxy for crop in rank_crops(plan, scores[0].numpy(), options).crops]}
