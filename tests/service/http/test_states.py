"""The table of states in ARCHITECTURE.md, row by row, against a process in that state."""

import contextlib
import math
import re
from pathlib import Path

import pytest

from vrn_cropper.service.lifecycle import State

TEXT = (Path(__file__).parents[3] / "ARCHITECTURE.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `(\w+)`[^|]*\| (\d{3}) \| (\d{3}) \| ([^|]+) \|", TEXT, re.MULTILINE)


def test_table_has_every_state():
    assert {name for name, *_ in ROWS} == {*State, "overloaded"}


@pytest.mark.parametrize(("name", "health", "ready", "crop"), ROWS, ids=[row[0] for row in ROWS])
async def test_process_answers_as_the_table_says(serving, photo_bytes, name, health, ready, crop):
    is_overloaded = name == "overloaded"
    async with serving(max_queue_size=1) as (client, process), contextlib.AsyncExitStack() as stack:
        if is_overloaded:
            await stack.enter_async_context(process.admission.accept(math.inf))
        else:
            process.lifecycle.state = State(name)
        assert (await client.get("/healthz")).status_code == int(health)
        answer = await client.get("/readyz")
        assert (answer.status_code, answer.json()["state"]) == (int(ready), name)
        answer = await client.post("/crop", content=photo_bytes(60, 40, "PNG"))
        if refusal := re.match(r"(\d{3}) `(\w+)`", crop):
            assert (answer.status_code, answer.json()["error"]["code"]) == (int(refusal[1]), refusal[2])
        else:
            assert answer.status_code == 200
