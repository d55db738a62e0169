"""The ready objects that routes talk to, and the limits that routes check before they hand work on."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from vrn_cropper.model.network.export_info import ExportInfo
from vrn_cropper.service.core.batcher import Batcher
from vrn_cropper.service.core.crop_service import CropService
from vrn_cropper.service.engines.contract import Engine
from vrn_cropper.service.http.admission import Admission
from vrn_cropper.service.http.pace import PaceLimits
from vrn_cropper.service.http.page_files import PageFiles
from vrn_cropper.service.lifecycle import Lifecycle
from vrn_cropper.service.metrics import Metrics


@dataclass(frozen=True, slots=True)
class RouteLimits:
    """Bytes of one photo, photos and bytes of one batch request, seconds of any request from its last byte on; how
    slowly it may come before.
    """

    max_upload_bytes: int
    max_files: int
    max_files_bytes: int
    request_timeout_s: float
    upload_pace: PaceLimits


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
