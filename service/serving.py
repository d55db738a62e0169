"""The ready objects that routes talk to, and the limits that routes check before they hand work on."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from model.exported import ExportInfo
from service.admission import Admission
from service.batcher import Batcher
from service.cropping import CropService
from service.engine import Engine
from service.lifecycle import Lifecycle
from service.metrics import Metrics
from service.page_files import PageFiles


@dataclass(frozen=True, slots=True)
class RouteLimits:
    """Bytes of one photo, photos and bytes of one batch request, seconds of any request."""

    max_upload_bytes: int
    max_files: int
    max_files_bytes: int
    request_timeout_s: float


@dataclass(frozen=True, slots=True)
class Serving:
    """Everything that a route may use."""

    crops: CropService
    admission: Admission
    batcher: Batcher[Any, Any]
    engine: Engine
    export: ExportInfo
    lifecycle: Lifecycle
    metrics: Metrics
    limits: RouteLimits
    version: str
    serves_metrics: bool
    page: PageFiles
    clock: Callable[[], float] = time.monotonic
