"""BentoML: one service of two workers, the photo as its root input."""

from pathlib import Path

import bentoml
import onnxruntime

from vrn_cropper.model.network.export_info import read_export_info
from vrn_cropper.model.photos.reading import read_photo
from vrn_cropper.model.views.crops import plan_views, rank_crops
from vrn_cropper.model.views.options import CropOptions

OPTIONS = CropOptions()


@bentoml.service(workers=2)
class Cropper:
    def __init__(self) -> None:
        one_thread = onnxruntime.SessionOptions()
        one_thread.intra_op_num_threads = 1
        path = read_export_info(Path("model/weights/vrn-mobilenetv2.onnx")).path
        self.session = onnxruntime.InferenceSession(path, one_thread)

    @bentoml.api(route="/crop")
    def crop(self, image: Path) -> dict:
        photo = read_photo(image)
        plan = plan_views(photo.width, photo.height, OPTIONS)
        inputs = {"photos": photo.model_input[None], "boxes_normalized": plan.boxes_normalized[None]}
        (scores,) = self.session.run(["scores"], inputs)
        return {"boxes": [crop.box_xyxy for crop in rank_crops(plan, scores[0], OPTIONS).crops]}
