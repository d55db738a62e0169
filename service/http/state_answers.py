"""The answers that tell the state of the process, as JSON."""

from typing import Literal

from pydantic import BaseModel

from vrn_cropper.service.answers import ModelAnswer


class LiveAnswer(BaseModel):
    """Whether the process lives."""

    live: bool


class ReadyAnswer(BaseModel):
    """Whether new work is taken, and the state that says why not."""

    ready: bool
    state: Literal["starting", "ready", "overloaded", "draining", "failed"]


class VersionAnswer(BaseModel):
    """What runs."""

    service: str
    model: ModelAnswer
    device: str
    precision: str
