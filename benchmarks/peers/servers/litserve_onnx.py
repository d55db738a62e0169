"""LitServe: decode, predict and encode as its own examples are built; it takes forms and JSON alone, so a form."""

import argparse
from pathlib import Path

import litserve
import onnxruntime
from fastapi import Request

from vrn_cropper.model.network.export_info import read_export_info
from vrn_cropper.model.photos.reading import PhotoInput, read_photo
from vrn_cropper.model.views.crops import plan_views, rank_crops
from vrn_cropper.model.views.options import CropOptions

OPTIONS = CropOptions()


class Crop(litserve.LitAPI):
    def setup(self, device: str) -> None:
        one_thread = onnxruntime.SessionOptions()
        one_thread.intra_op_num_threads = 1
        path = read_export_info(Path("model/weights/vrn-mobilenetv2.onnx")).path
        self.session = onnxruntime.InferenceSession(path, one_thread)

    def decode_request(self, request: Request) -> PhotoInput:
        return read_photo(request["image"].file.read())

    def predict(self, photo: PhotoInput) -> list[tuple[int, int, int, int]]:
        plan = plan_views(photo.width, photo.height, OPTIONS)
        inputs = {"photos": photo.model_input[None], "boxes_normalized": plan.boxes_normalized[None]}
        (scores,) = self.session.run(["scores"], inputs)
        return [crop.box_xyxy for crop in rank_crops(plan, scores[0], OPTIONS).crops]

    def encode_response(self, boxes: list[tuple[int, int, int, int]]) -> dict:
        return {"boxes": boxes}


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--address")
    parser.add_argument("--port", type=int)
    given = parser.parse_args()
    server = litserve.LitServer(Crop(api_path="/crop"), accelerator="cpu", workers_per_device=2)
    server.run(host=given.address, port=given.port, generate_client_file=False, log_level="warning")
