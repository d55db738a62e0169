"""A photo comes to the network in one way: server, `Cropper`, training, evaluation, figures see the same pixels."""

from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms

from vrn_cropper import Cropper
from vrn_cropper.model.cropper import LoadOptions
from vrn_cropper.model.data.gaicd import RatedPhoto, load_upright_rgb
from vrn_cropper.model.evaluation.figures import feature_maps
from vrn_cropper.model.evaluation.vrn_scorer import VrnScorer
from vrn_cropper.model.network.export_info import ExportInfo
from vrn_cropper.model.photos.decode import DecodeLimits, Decoder
from vrn_cropper.model.photos.input_shapes import INPUT_SHAPES, choose_input_shape
from vrn_cropper.model.training.batches import Augmentation, BatchMaker
from vrn_cropper.model.views.candidates import grid_views

CPU = torch.device("cpu")
LOADED = LoadOptions("none", "cpu", 1, "f32", max_pixels=100_000_000, max_side_px=20_000)


class Seen(Exception):
    """Ends a reader as soon as the network was handed its input."""


class WatchingNetwork:
    """Stands where a network or a compiled graph stands, and keeps the pixels it is given."""

    def __init__(self):
        self.pixels = self.split = self.reduce = self.backbone = None

    def score(self, photos):
        self.pixels = photos[0][0]
        raise Seen

    def score_views(self, photos, boxes):
        self.pixels = photos[0].numpy()
        raise Seen

    def normalise(self, photos):
        self.pixels = photos[0].numpy()
        raise Seen


def swapped_profile():
    """sRGB with red and green exchanged: whoever leaves it out sees other colours by far."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = int.from_bytes(profile[128:132])
    tags = {bytes(profile[at : at + 4]): at + 4 for at in range(132, 132 + 12 * count, 12)}
    red, green = tags[b"rXYZ"], tags[b"gXYZ"]
    profile[red : red + 8], profile[green : green + 8] = profile[green : green + 8], profile[red : red + 8]
    return bytes(profile)


def scene(width, height):
    """Sharp edges and fine texture: what two ways of shrinking would show differently."""
    noise = np.random.default_rng(0).integers(0, 120, (height // 4 + 1, width // 4 + 1, 3), dtype=np.uint8)
    pixels = np.array(Image.fromarray(noise).resize((width, height), Image.Resampling.NEAREST))
    pixels[height // 3 : height // 2, width // 4 : width // 2] = (240, 40, 200)
    return Image.fromarray(pixels)


def turned_exif():
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


def sixteen_bits():
    values = np.asarray(scene(900, 600).convert("L")).astype(np.uint16) * 257
    return Image.fromarray(values)


PHOTOS = {
    "plain": lambda: (scene(900, 600), "JPEG", {}),
    "colour profile": lambda: (scene(900, 600), "JPEG", {"icc_profile": swapped_profile()}),
    "orientation": lambda: (scene(2400, 1600), "JPEG", {"exif": turned_exif()}),
    "16 bits": lambda: (sixteen_bits(), "PNG", {}),
    "CMYK": lambda: (scene(1201, 803).convert("CMYK"), "JPEG", {}),
    "alpha": lambda: (scene(900, 600).convert("RGBA").rotate(20), "PNG", {}),
    "12 megapixels": lambda: (scene(4000, 3000), "JPEG", {"quality": 90}),
}


def decode(photo):
    """As the server does."""
    decoder = Decoder(DecodeLimits(100_000_000, 20_000))
    return decoder.decode(decoder.open(photo))


def inputs_of_all_readers(path):
    """What the network gets from each reader, by the reader's name."""
    found = {"server": decode(path.read_bytes()).model_input}
    for name, read in {
        "cropper": lambda network: Cropper(LOADED, ExportInfo(path, "none", "0", INPUT_SHAPES), network).crop(path),
        "evaluation": lambda network: VrnScorer(network, CPU).score(path, grid_views(900, 600)),
        "figures": lambda network: feature_maps(network, path, CPU),
    }.items():
        network = WatchingNetwork()
        with pytest.raises(Seen):
            read(network)
        found[name] = network.pixels
    width, height = load_upright_rgb(path).size
    boxes, mos = grid_views(width, height)[:4], np.arange(4, dtype=np.float32)
    photo = RatedPhoto("photo", path, width, height, boxes, mos)
    maker = BatchMaker([photo], views_per_photo=4, augmentation=Augmentation(flip=False), seed=0)
    found["training"] = maker.make(np.array([0]), 0, 0).photos[0].numpy()
    found["feature cache"] = maker.network_pixels(0)
    return found


@pytest.mark.parametrize("kind", PHOTOS)
def test_every_reader_hands_the_network_the_same_pixels(kind, tmp_path):
    image, file_format, options = PHOTOS[kind]()
    path = tmp_path / "photo"
    image.save(path, file_format, **options)
    found = inputs_of_all_readers(path)
    for name, pixels in found.items():
        np.testing.assert_array_equal(pixels, found["server"], err_msg=name)


@pytest.mark.parametrize("kind", PHOTOS)
def test_the_networks_input_is_the_whole_photo_shrunk_once(kind, tmp_path):
    """Against every pixel decoded, colour managed and shrunk by Pillow in one step."""
    image, file_format, options = PHOTOS[kind]()
    buffer = BytesIO()
    image.save(buffer, file_format, **options)
    upright = load_upright_rgb(buffer.getvalue())
    shape = choose_input_shape(*upright.size)
    expected = np.asarray(upright.resize((shape.width, shape.height), Image.Resampling.BILINEAR))
    decoded = decode(buffer.getvalue())
    difference = np.abs(decoded.model_input.astype(int) - expected)
    # Colours are converted after the shrinking, so at hard edges of CMYK and alpha a few levels are rounding.
    assert difference.mean() < 0.8
    assert np.quantile(difference, 0.999) <= 8
    assert (decoded.width, decoded.height) == upright.size
