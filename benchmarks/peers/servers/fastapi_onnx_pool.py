"""FastAPI and ONNX Runtime in a pool of two threads: the thirty lines of a good engineer."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import onnxruntime
from fastapi import FastAPI, Request

from vrn_cropper.model.network.export_info import read_export_info
from vrn_cropper.model.photos.reading import read_photo
from vrn_cropper.model.views.crops import plan_views, rank_crops
from vrn_cropper.model.views.options import CropOptions

export = read_export_info(Path("model/weights/vrn-mobilenetv2.onnx"))
one_thread = onnxruntime.SessionOptions()
one_thread.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(export.path, one_thread)
pool = ThreadPoolExecutor(2)
options = CropOptions()
app = FastAPI()


def crop(body: bytes) -> dict[str, object]:
    photo = read_photo(body, export.input_shapes)
    plan = plan_views(photo.width, photo.height, options)
    inputs = {"photos": photo.model_input[None], "boxes_normalized": plan.boxes_normalized[None]}
    (scores,) = session.run(["scores"], inputs)
    return {"boxes": [crop.box_xyxy for crop in rank_crops(plan, scores[0], options).crops]}


@app.post("/crop")
async def post(request: Request) -> dict[str, object]:
    return await asyncio.get_running_loop().run_in_executor(pool, crop, await request.body())
