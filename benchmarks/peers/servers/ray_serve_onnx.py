"""Ray Serve: two replicas of one core behind its own proxy, the photo as the body."""

import argparse
import time
from pathlib import Path

import onnxruntime
import ray
from ray import serve
from starlette.requests import Request

from vrn_cropper.model.network.export_info import read_export_info
from vrn_cropper.model.photos.reading import read_photo
from vrn_cropper.model.views.crops import plan_views, rank_crops
from vrn_cropper.model.views.options import CropOptions

OPTIONS = CropOptions()


@serve.deployment(num_replicas=2, ray_actor_options={"num_cpus": 0.5}, max_ongoing_requests=4)
class Cropper:
    def __init__(self, graph: str) -> None:
        one_thread = onnxruntime.SessionOptions()
        one_thread.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(graph, one_thread)

    async def __call__(self, request: Request) -> dict:
        photo = read_photo(await request.body())
        plan = plan_views(photo.width, photo.height, OPTIONS)
        inputs = {"photos": photo.model_input[None], "boxes_normalized": plan.boxes_normalized[None]}
        (scores,) = self.session.run(["scores"], inputs)
        return {"boxes": [crop.box_xyxy for crop in rank_crops(plan, scores[0], OPTIONS).crops]}


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--address")
    parser.add_argument("--port", type=int)
    given = parser.parse_args()
    export = read_export_info(Path("model/weights/vrn-mobilenetv2.onnx"))
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    serve.start(http_options={"host": given.address, "port": given.port})
    serve.run(Cropper.bind(str(export.path.resolve())), route_prefix="/crop")
    while True:
        time.sleep(3600)
