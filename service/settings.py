"""Every setting of the process: read once from `VRN_*` environment variables, typed, frozen.

Precedence: an environment variable, else the default here. Knows nothing of what the values are used for.
"""

import ipaddress
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from vrn_cropper.service.errors import StartUpError

ENV_PREFIX = "VRN_"
_WEIGHTS = Path(__file__).resolve().parent.parent / "model" / "weights"
_MIB = 1024 * 1024


class Settings(BaseModel):
    """The settings. Field `max_batch_size` is read from `VRN_MAX_BATCH_SIZE`, and so on."""

    # No namespace is protected: before 2.10, pydantic warned of fields that begin with `model_`.
    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8000, ge=0, le=65535, description="port to listen on; 0 takes a free one")
    metrics_port: int | None = Field(
        None, ge=1, le=65535, description="serve `/metrics` on this port instead of the main one"
    )

    trusted_proxies: str | None = Field(
        None,
        description="addresses and networks, comma-separated, of proxies whose `X-Forwarded-For` names the client",
    )

    api_keys: SecretStr | None = Field(
        None, description="comma-separated keys, any of which a request must carry; none serves everyone"
    )
    api_keys_file: Path | None = Field(
        None, description="file with such keys, separated by commas or line ends, instead of `VRN_API_KEYS`"
    )

    allow_origins: str | None = Field(
        None, description="comma-separated origins whose scripts may call the service from a browser; `*` is any"
    )
    frame_ancestors: str | None = Field(
        None, description="comma-separated origins that may show the page in a frame; `self`, or `*` for any"
    )

    device: str = Field(
        "auto",
        pattern=r"^(auto|cpu|cuda|cuda:\d+)$",
        description="`auto`, `cpu`, `cuda` or `cuda:N`; `auto` takes CUDA where torch sees it",
    )
    precision: Literal["auto", "f32", "bf16", "f16"] = Field(
        "auto",
        description="`auto` is `f16` on CUDA, `bf16` on a CPU with AMX, else `f32`; `f32` makes machines agree",
    )
    model_path: Path = Field(
        _WEIGHTS / "vrn-mobilenetv2.onnx",
        description="exported graph; its `.json` (and for CUDA its `.safetensors`) lies beside it",
    )
    engine_threads: int = Field(0, ge=0, le=1024, description="CPU engine threads; 0 follows the CPU limit")
    engine_timeout_s: float = Field(
        20.0,
        gt=0,
        le=3600,
        description="a batch that runs longer means that the engine hangs: the process ends with 1",
    )
    max_gpu_memory_share: float = Field(
        0.8, gt=0, le=1, description="share of the GPU's memory that this process may take"
    )

    decode_threads: int = Field(0, ge=0, le=1024, description="decode threads; 0 follows the CPU limit")
    max_upload_bytes: int = Field(
        32 * _MIB,
        ge=1,
        le=1024 * _MIB,
        description="largest body of a request with one photo, and largest photo of `POST /crop/batch`",
    )
    max_buffered_bytes: int = Field(
        512 * _MIB, ge=1, description="uploads held in memory at once, all requests together"
    )
    max_photo_pixels: int = Field(100_000_000, ge=1, le=1_000_000_000, description="largest photo in pixels")
    max_photo_side_px: int = Field(32768, ge=1, le=65535, description="longest side of a photo in pixels")
    max_decode_pixels: int = Field(
        120_000_000, ge=1, description="pixels in decode at once; one larger photo is decoded alone"
    )
    max_held_pixels: int = Field(
        120_000_000, ge=1, description="pixels of full photos held from decode to encode for `POST /crop/image`"
    )
    max_files: int = Field(16, ge=1, le=1000, description="most photos in one `POST /crop/batch`")
    max_files_bytes: int = Field(
        128 * _MIB,
        ge=1,
        le=4096 * _MIB,
        description="largest body of `POST /crop/batch`; each photo has its own limit",
    )

    sources: str | None = Field(
        None,
        description="where `GET /crop?url=...` may fetch photos: origins or prefixes such as"
        " `https://img.example.com/photos/, https://*.shop.example`; none closes these routes",
    )
    source_networks: str | None = Field(
        None, description="networks that are no public ones and still hold sources, such as `10.20.0.0/16`"
    )
    source_timeout_s: float = Field(5.0, gt=0, le=600, description="longest time to fetch a photo")
    url_keys: SecretStr | None = Field(
        None, description="comma-separated keys of 16 characters and more: URLs must then be signed with one of them"
    )
    url_keys_file: Path | None = Field(
        None, description="file with such keys, separated by commas or line ends, instead of `VRN_URL_KEYS`"
    )
    url_max_age_s: int = Field(
        86_400, ge=0, le=31_536_000, description="how long caches may keep what `GET /crop...` answers"
    )
    presets: str | None = Field(
        None, description="named options for URLs: `card: aspect_ratio=16:9&width=640; avatar: aspect_ratio=1:1`"
    )

    max_connections: int = Field(
        1024, ge=1, le=100_000, description="open connections; more are answered 429, idle ones make room"
    )
    max_head_bytes: int = Field(32768, ge=1024, le=1024 * 1024, description="largest request line and headers")
    head_timeout_s: float = Field(10.0, gt=0, le=600, description="longest time for a request's head to come")
    idle_timeout_s: float = Field(
        75.0, gt=0, le=3600, description="longest time that a connection waits for a request; above the balancer's"
    )
    upload_timeout_s: float = Field(
        120.0, gt=0, le=3600, description="longest time of one upload, not counted in `VRN_REQUEST_TIMEOUT_S`"
    )
    min_bytes_per_s: float = Field(8192.0, gt=0, description="slowest upload, and slowest reading of an answer")
    stall_timeout_s: float = Field(
        10.0, gt=0, le=600, description="longest pause of an upload, and of reading an answer"
    )
    max_unsent_bytes: int = Field(
        128 * _MIB, ge=1, description="answers held for clients that have not read them; the slowest are cut"
    )

    max_batch_size: int = Field(
        0,
        ge=0,
        le=512,
        description="most photos in one batch; 0 takes the engine's own (by the cores on a CPU, 32 on CUDA)",
    )
    max_wait_s: float = Field(
        0.25, ge=0, le=10, description="longest time that a batch stays open while the engine is busy"
    )
    max_queue_size: int = Field(
        128, ge=1, le=100_000, description="accepted and unanswered photos; more are answered 429"
    )
    request_timeout_s: float = Field(
        10.0,
        gt=0,
        le=600,
        description="deadline of a request once it is received, and the cap of `X-Request-Timeout-Ms`",
    )
    drain_timeout_s: float = Field(
        25.0, ge=0, le=3600, description="longest time to answer what was accepted after SIGTERM"
    )
    drain_delay_s: float = Field(
        0.0, ge=0, le=600, description="keep listening (not ready) at least this long after SIGTERM"
    )

    log_format: Literal["auto", "json", "text"] = Field(
        "auto", description="`auto` is `text` on a terminal, else `json`"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="least severe log line")

    @field_validator("trusted_proxies")
    @classmethod
    def _holds_networks(cls, text: str | None) -> str | None:
        for one in (text or "").split(","):
            if one.strip():
                ipaddress.ip_network(one.strip())  # its ValueError says what is wrong
        return text


def variable_name(field: str) -> str:
    """The environment variable of a field of `Settings`."""
    return ENV_PREFIX + field.upper()


def read_settings(environment: Mapping[str, str]) -> Settings:
    """The settings in `environment`; an empty value means the default.

    Raises StartUpError that names every wrong variable, its value's fault and the allowed range.
    """
    given: dict[str, Any] = {
        field: environment[variable_name(field)]
        for field in Settings.model_fields
        if environment.get(variable_name(field), "") != ""
    }
    try:
        return Settings(**given)
    except ValidationError as error:
        faults = [_describe(str(fault["loc"][0]), fault["msg"], given) for fault in error.errors()]
        raise StartUpError("\n".join(faults)) from None


def unknown_variables(environment: Mapping[str, str]) -> list[str]:
    """`VRN_*` variables that no setting reads: most likely misspelt."""
    known = {variable_name(field) for field in Settings.model_fields}
    return sorted(name for name in environment if name.startswith(ENV_PREFIX) and name not in known)


def _describe(field: str, message: str, given: Mapping[str, str]) -> str:
    info = Settings.model_fields[field]
    limits = [f"{sign} {getattr(m, key)}" for m in info.metadata for key, sign in _SIGNS.items() if hasattr(m, key)]
    allowed = f" (allowed: {' and '.join(limits)})" if limits else ""
    return f"{variable_name(field)}={given[field]!r}: {message}{allowed}; {info.description}"


_SIGNS = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<"}
