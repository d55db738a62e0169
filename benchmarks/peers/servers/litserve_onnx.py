"""LitServe: one API class, two worker processes, as its quick start has it."""

import argparse
from pathlib import Path

import litserve
import onnxruntime
from fastapi import Request

from vrn_cropper.model.network.export_info import read_export_info
from vrn_cropper.model.photos.reading import read_photo
from vrn_cropper.model.views.crops import plan_views, rank_crops
from vrn_cropper.model.views.options import CropOptions

OPTIONS = CropOptions()
EXPORT = Path("model/weights/vrn-mobilenetv2.onnx")


class CropApi(litserve.LitAPI):
    def setup(self, device: str) -> None:
        one_thread = onnxruntime.SessionOptions()
        one_thread.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            read_export_info(Path("model/weights/vrn-mobilenetv2.onnx")).path, one_thread
        )

    async def decode_request(self, request: Request) -> bytes:
        return await request.body()

    def predict(self, body: bytes) -> dict[str, object]:
        photo = read_photo(body)
        plan = plan_views(photo.width, photo.height, OPTIONS)
        inputs = {"photos": photo.model_input[None], "boxes_normalized": plan.boxes_normalized[None]}
        (scores,) = self.session.run(["scores"], inputs)
        return {"boxes": [crop.box_xyxy for crop in rank_crops(plan, scores[0], OPTIONS).crops]}

    def encode_response(self, output: dict[str, object]) -> dict[str, object]:
        return output


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    server = litserve.LitServer(CropApi(), accelerator="cpu", workers_per_device=2)
    server.run(host="127.0.0.1", port=parser.parse_args().port, generate_client_file=False, log_level="warning")
