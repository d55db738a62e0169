"""Which engine `VRN_DEVICE` means on this machine, and why. torch is imported only where it may be needed."""

import ctypes
import importlib.util
import logging
import sys
from dataclasses import dataclass

from vrn_cropper.model.network.export_info import ExportInfo
from vrn_cropper.model.network.inference import choose_precision
from vrn_cropper.service.engines.contract import Engine
from vrn_cropper.service.engines.cpu import CpuEngine
from vrn_cropper.service.engines.cpu_limit import available_cpus
from vrn_cropper.service.errors import StartUpError

_log = logging.getLogger(__name__)
# Major version of CUDA -> the first release of the driver that runs it; within a major version any driver does.
_FIRST_DRIVER = {12: 525, 13: 580}


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """What the settings say of the engine. `threads` 0 follows the CPU limit."""

    device: str
    precision: str
    threads: int
    max_batch_size: int
    max_gpu_memory_share: float


def choose_engine(export: ExportInfo, options: EngineOptions) -> Engine:
    """The engine, not loaded yet. Raises StartUpError or CheckpointError if this machine cannot give it."""
    obstacle = None if options.device == "cpu" else cuda_obstacle(options.device)
    if options.device.startswith("cuda") and obstacle:
        raise StartUpError(f"VRN_DEVICE={options.device}: {obstacle}")
    if options.device == "cpu" or obstacle:
        reason = "VRN_DEVICE=cpu" if options.device == "cpu" else f"VRN_DEVICE=auto and {obstacle}"
        if options.precision == "f16":
            raise StartUpError(f"VRN_PRECISION=f16 needs CUDA, but the engine is the CPU's ({reason})")
        threads, precision = options.threads or available_cpus(), choose_precision(options.precision)
        _log.info("the engine is the CPU's in %s with %d threads: %s", precision, threads, reason)
        return CpuEngine(export, threads=threads, precision=precision)

    if options.precision == "bf16":
        raise StartUpError("VRN_PRECISION=bf16 is of the CPU's engine; on CUDA take f16 or f32")

    from vrn_cropper.service.engines.cuda import TorchEngine

    device = "cuda:0" if options.device in ("auto", "cuda") else options.device
    precision = "f16" if options.precision == "auto" else options.precision
    _log.info("the engine is torch on %s in %s: VRN_DEVICE=%s and torch sees it", device, precision, options.device)
    return TorchEngine(
        export,
        device=device,
        precision=precision,
        max_batch_size=options.max_batch_size,
        max_memory_share=options.max_gpu_memory_share,
    )


def cuda_obstacle(device: str) -> str | None:
    """Why CUDA cannot be used for `device` (`auto`, `cuda` or `cuda:N`), or None if it can."""
    if not has_nvidia_driver():
        # Asked first: importing torch costs seconds and hundreds of megabytes that a CPU server never needs.
        return "there is no NVIDIA driver; install one and 'vrn-cropper[torch]', or take the CPU"
    if importlib.util.find_spec("torch") is None:
        return "torch is not installed; install it with: pip install 'vrn-cropper[torch]'"
    import torch

    if too_old := driver_obstacle(driver_cuda_version(), torch.version.cuda):
        return too_old
    if not torch.cuda.is_available():
        return "torch sees no CUDA device; install an NVIDIA driver and a CUDA build of torch, or take the CPU"
    index = int(device.partition(":")[2] or 0)
    if index >= torch.cuda.device_count():
        return f"there are {torch.cuda.device_count()} CUDA devices, numbered from 0"
    return None


def has_nvidia_driver() -> bool:
    """Whether the driver's library can be loaded; without it no torch sees CUDA."""
    return _driver_library() is not None


def driver_cuda_version() -> tuple[int, int] | None:
    """The newest CUDA that the installed driver runs, or None where there is no driver that says it."""
    library = _driver_library()
    number = ctypes.c_int()
    if library is None or library.cuDriverGetVersion(ctypes.byref(number)) != 0:
        return None
    return number.value // 1000, number.value % 1000 // 10


def driver_obstacle(driver: tuple[int, int] | None, built_for: str | None) -> str | None:
    """Why a torch that was built for CUDA `built_for` cannot use `driver`, or None if it can or nobody knows."""
    if driver is None or built_for is None:
        return None
    major = int(built_for.partition(".")[0])
    if driver[0] >= major:
        return None
    release = _FIRST_DRIVER.get(major)
    newer = f"{release} or newer" if release else "a newer one"
    return (
        f"the NVIDIA driver runs CUDA {driver[0]}.{driver[1]} and torch was built for {built_for}; "
        f"update the driver to {newer}"
    )


def _driver_library() -> ctypes.CDLL | None:
    try:
        return ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return None
