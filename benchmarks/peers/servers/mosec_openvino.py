"""Mosec: two decoders, then one worker that scores batches of up to 4, as its own examples are built."""

from pathlib import Path

import numpy as np
import openvino
from mosec import Server, Worker

from vrn_cropper.model.network.export_info import read_export_info
from vrn_cropper.model.photos.reading import read_photo
from vrn_cropper.model.views.crops import plan_views, rank_crops
from vrn_cropper.model.views.options import CropOptions

OPTIONS = CropOptions()
EXPORT = Path("model/weights/vrn-mobilenetv2.onnx")


class Decode(Worker):
    def deserialize(self, data: bytearray) -> bytes:
        return bytes(data)

    def forward(self, data: bytes) -> tuple[int, int, np.ndarray]:
        photo = read_photo(data)
        return photo.width, photo.height, photo.model_input


class Score(Worker):
    def __init__(self) -> None:
        path = read_export_info(Path("model/weights/vrn-mobilenetv2.onnx")).path
        self.request = (
            openvino.Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"}).create_infer_request()
        )

    def forward(self, data: list[tuple[int, int, np.ndarray]]) -> list[dict[str, object]]:
        answers: list[dict[str, object] | None] = [None] * len(data)
        for shape in {item[2].shape for item in data}:
            rows = [row for row, item in enumerate(data) if item[2].shape == shape]
            plans = [plan_views(data[row][0], data[row][1], OPTIONS) for row in rows]
            views = max(len(plan.boxes_normalized) for plan in plans)
            boxes = np.zeros((len(rows), views, 4), np.float32)
            for index, plan in enumerate(plans):
                boxes[index, : len(plan.boxes_normalized)] = plan.boxes_normalized
            photos = np.stack([data[row][2] for row in rows])
            scores = self.request.infer({"photos": photos, "boxes_normalized": boxes})["scores"]
            for index, (row, plan) in enumerate(zip(rows, plans, strict=True)):
                ranked = rank_crops(plan, scores[index, : len(plan.boxes_normalized)].copy(), OPTIONS)
                answers[row] = {"boxes": [crop.box_xyxy for crop in ranked.crops]}
        return answers


if __name__ == "__main__":
    server = Server()
    server.append_worker(Decode, num=2)
    server.append_worker(Score, num=1, max_batch_size=4, max_wait_time=10)
    server.run()
