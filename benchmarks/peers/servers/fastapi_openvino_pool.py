"""The same as the ONNX Runtime pool, on OpenVINO: two streams of one thread each."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import openvino
from fastapi import FastAPI, Request

from vrn_cropper.model.network.export_info import read_export_info
from vrn_cropper.model.photos.reading import read_photo
from vrn_cropper.model.views.crops import plan_views, rank_crops
from vrn_cropper.model.views.options import CropOptions

export = read_export_info(Path("model/weights/vrn-mobilenetv2.onnx"))
model = openvino.Core().compile_model(
    export.path, "CPU", {"NUM_STREAMS": 2, "INFERENCE_NUM_THREADS": 2, "INFERENCE_PRECISION_HINT": "f32"}
)
local = threading.local()
pool = ThreadPoolExecutor(2, initializer=lambda: setattr(local, "request", model.create_infer_request()))
options = CropOptions()
app = FastAPI()


def crop(body: bytes) -> dict[str, object]:
    photo = read_photo(body, export.input_shapes)
    plan = plan_views(photo.width, photo.height, options)
    inputs = {"photos": photo.model_input[None], "boxes_normalized": plan.boxes_normalized[None]}
    scores = local.request.infer(inputs)["scores"]
    return {"boxes": [crop.box_xyxy for crop in rank_crops(plan, scores[0].copy(), options).crops]}


@app.post("/crop")
async def post(request: Request) -> dict[str, object]:
    return await asyncio.get_running_loop().run_in_executor(pool, crop, await request.body())
