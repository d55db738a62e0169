"""Who is compared, with what, and how each is started. Knows nothing of loads and measurements.

A peer is written as its own users would write it, and pinned, in `servers/`; `PROJECT` means the environment that
runs this benchmark. All take the photo by a POST and answer JSON.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SERVERS = Path(__file__).parent / "servers"
# What every Python peer needs to read a photo, name its candidate views and rank them.
COMMON = ("numpy==2.4.6", "pillow==13.0.0", "pillow-heif==1.8.1")
PROJECT = "project"


@dataclass(frozen=True)
class Peer:
    """`requirements` None means the project's own environment; `runs_network` whether it ranks by our network."""

    name: str
    what: str
    command: Callable[[Path, int], list[str]]  # the environment's folder, the port
    requirements: tuple[str, ...] | None = None
    packages_npm: tuple[str, ...] = ()
    path: str = "/crop"
    runs_network: bool = True
    form_field: str | None = None  # the photo comes as this field of a form, for peers that take nothing else
    is_ours: bool = False


def _uvicorn(module: str) -> Callable[[Path, int], list[str]]:
    def command(python: Path, port: int) -> list[str]:
        app = f"benchmarks.peers.servers.{module}:app"
        return [str(python), "-m", "uvicorn", app, "--port", str(port), "--log-level", "warning"]

    return command


def _script(name: str) -> Callable[[Path, int], list[str]]:
    return lambda python, port: [str(python), str(SERVERS / name), "--address", "127.0.0.1", "--port", str(port)]


OURS = Peer(
    "this service",
    "deadlines, 429, isolation, metrics",
    lambda python, port: [str(python), "-m", "vrn_cropper.service"],
    path="/crop?top_k=5&faces=ignore",  # no peer looks for heads
    is_ours=True,
)
PEERS = (
    replace(OURS, name="this service, keeping heads", what="its default", path="/crop?top_k=5"),
    Peer(
        "FastAPI + ONNX Runtime pool",
        "thirty lines: two threads, JPEG draft, no batching",
        _uvicorn("fastapi_onnx_pool"),
        ("fastapi==0.165.0", "uvicorn[standard]==0.54.0", "onnxruntime==1.32.0", *COMMON),
    ),
    Peer(
        "FastAPI + OpenVINO pool",
        "the same on OpenVINO",
        _uvicorn("fastapi_openvino_pool"),
        ("fastapi==0.165.0", "uvicorn[standard]==0.54.0", "openvino==2026.4.1", *COMMON),
    ),
    Peer("FastAPI + torch eager", "full decode, torch as it comes", _uvicorn("fastapi_torch_eager")),
    Peer(
        "Mosec",
        "decode and inference as its stages, batches of 4",
        _script("mosec_openvino.py"),
        ("mosec==0.9.8", "openvino==2026.4.1", *COMMON),
        path="/inference",
    ),
    Peer(
        "LitServe",
        "two workers, decode and inference as its stages",
        _script("litserve_onnx.py"),
        ("litserve==0.2.19", "python-multipart==0.0.34", "onnxruntime==1.32.0", *COMMON),
        form_field="image",
    ),
    Peer(
        "BentoML",
        "two workers, the photo as a file of its own",
        lambda python, port: [
            str(python.parent / "bentoml"),
            "serve",
            "benchmarks.peers.servers.bentoml_onnx:Cropper",
            "--port",
            str(port),
        ],
        ("bentoml==1.4.40", "onnxruntime==1.32.0", *COMMON),
        form_field="image",
    ),
    Peer(
        "Ray Serve",
        "two replicas behind its proxy",
        _script("ray_serve_onnx.py"),
        ("ray[serve]==2.60.0", "onnxruntime==1.32.0", *COMMON),
    ),
    Peer(
        "libvips attention",
        "no network: libvips' own smart crop",
        _uvicorn("vips_attention"),
        ("fastapi==0.165.0", "uvicorn[standard]==0.54.0", "pyvips[binary]==3.2.0"),
        runs_network=False,
    ),
    Peer(
        "sharp attention",
        "no network: node and sharp's attention crop",
        lambda python, port: ["node", str(SERVERS / "sharp_attention.mjs"), "--port", str(port)],
        packages_npm=("sharp@0.35.5",),
        runs_network=False,
    ),
)
# Why others that one would look for are not in the table.
LEFT_OUT = {
    "thumbor": "takes photos by URL alone, so that a second server of photos would be measured with it",
}


def python_of(environment: Path | None) -> Path:
    """The interpreter of a peer's environment; None is the one that runs this benchmark."""
    return Path(sys.executable) if environment is None else environment / "bin" / "python"
