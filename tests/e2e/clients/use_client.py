"""A user's script on the client that openapi-python-client generates as `made_client`: calls every route.

Arguments: address, photo. Prints the operationId of each route that answered as its types say.
"""

import io
import sys
import zipfile
from pathlib import Path

from made_client import Client
from made_client.api.photos import crop, crop_batch, crop_image, crop_images, score
from made_client.api.state import get_metrics, get_version, is_live, is_ready
from made_client.models import (
    CropBatchBody,
    CropFilesBody,
    CropImageFilesBody,
    CropImageFormat,
    CropImagesFilesBody,
    ErrorAnswer,
    ErrorCode,
    ScoreFilesBody,
)
from made_client.types import File

address, path = sys.argv[1:]
client = Client(base_url=address)


def photo() -> File:
    return File(payload=Path(path).open("rb"), file_name="photo.jpg", mime_type="image/jpeg")


def answered(name: str) -> None:
    print(name)


ratios = ["free", "1:1"]
for body in (CropFilesBody(image=photo()), photo()):  # as a form, and as the body itself
    found = crop.sync(
        client=client, body=body, top_k=2, aspect_ratio=ratios, keep=["0.4,0.4,0.1,0.1"], max_overlap=0.7
    )
    assert [(c.aspect_ratio, c.rank) for c in found.crops] == [(r, k) for r in ratios for k in (1, 2)]
answered("crop")

wrong = crop.sync(client=client, body=photo(), aspect_ratio=["wide"])
assert isinstance(wrong, ErrorAnswer)
assert wrong.error.code is ErrorCode.BAD_REQUEST

many = crop_batch.sync(client=client, body=CropBatchBody(images=[photo(), photo()]), top_k=1)
assert [len(entry.result.crops) for entry in many.results] == [1, 1]
answered("crop_batch")

cut = crop_image.sync_detailed(
    client=client, body=CropImageFilesBody(image=photo()), width=120, height=80, upscale=True,
    format_=CropImageFormat.PNG,
)  # fmt: skip
assert cut.status_code == 200
assert cut.content.startswith(b"\x89PNG")
assert int.from_bytes(cut.content[16:20]) == 120  # both sides set the ratio, too
assert int.from_bytes(cut.content[20:24]) == 80
answered("crop_image")

packed = crop_images.sync_detailed(
    client=client, body=CropImagesFilesBody(image=photo()), aspect_ratio=ratios, widths="100,200"
)
with zipfile.ZipFile(io.BytesIO(packed.content)) as archive:
    assert len(archive.namelist()) == 1 + 2 * 2
answered("crop_images")

best = found.crops[0]
own = ",".join(str(side) for side in (best.box.x, best.box.y, best.box.width, best.box.height))
scored = score.sync(client=client, body=ScoreFilesBody(image=photo()), box=[own])
assert abs(scored.boxes[0].score - best.score) < 0.05
answered("score")

assert is_live.sync(client=client).live
answered("is_live")
assert is_ready.sync(client=client).ready
answered("is_ready")
assert get_version.sync(client=client).model.name
answered("get_version")
assert b"vrn_requests_total" in get_metrics.sync_detailed(client=client).content
answered("get_metrics")
