"""The oracle looks closer than the detector that serves."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vrn_cropper.model.evaluation.faces import HeadOracle
from vrn_cropper.model.network.face_finder import FaceFinder

ASTRONAUT = Path(__file__).parent.parent.parent / "photos" / "astronaut.jpg"


def test_a_head_in_a_corner_that_is_too_small_for_the_whole_photo_is_found_in_its_quarter():
    finder = FaceFinder.load()
    with Image.open(ASTRONAUT) as photo:
        face = photo.crop((130, 0, 330, 200)).resize((140, 140))
    canvas = Image.new("RGB", (1200, 800), "gray")
    canvas.paste(face, (1050, 650))
    assert len(finder(np.asarray(canvas.resize((240, 160))))) == 0
    (head,) = HeadOracle(finder).heads(canvas)
    centre = (head[:2] + head[2:]) / 2 * (1200, 800)
    assert centre == pytest.approx((1112, 716), abs=20)
