"""Where a killed run goes on: its saved progress, if the run is the same. Knows nothing of epochs and losses."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from vrn_cropper.model.errors import CheckpointError


class Loads(Protocol):
    """A trainer that saved its state."""

    def load(self, path: Path) -> dict[str, Any]:
        """Take the state at `path` over; the document that was saved with it."""
        ...


def saved_progress(trainer: Loads, state: Path, identity: Mapping[str, Any]) -> dict[str, Any] | None:
    """The progress saved in `state`, which `trainer` takes over; None where there is none yet.

    Raises CheckpointError if that run had another `identity`: settings and data.
    """
    if not state.exists():
        return None
    document = trainer.load(state)
    # Through JSON, as the file has it (tuples are lists there).
    if {key: document[key] for key in identity} != json.loads(json.dumps(identity)):
        raise CheckpointError(
            f"{state.parent} holds a run with other settings or data; choose another folder or delete it"
        )
    progress: dict[str, Any] = document["progress"]
    return progress
