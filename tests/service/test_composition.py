"""Building a process: everything is handed its settings, nothing runs yet, and two processes share nothing."""

import pytest

from vrn_cropper.model.errors import CheckpointError
from vrn_cropper.service.composition import build_process
from vrn_cropper.service.errors import OverloadedError, StartUpError
from vrn_cropper.service.lifecycle import State
from vrn_cropper.service.settings import read_settings


@pytest.fixture
def build(export_path, fake_engine):
    """`build(engine, VRN_...=...)` of a process that is not started."""

    def build(engine=None, **variables):
        settings = read_settings({"VRN_MODEL_PATH": str(export_path), **variables})
        return build_process(settings, engine or fake_engine())

    return build


def test_building_loads_nothing_and_starts_nothing(build, fake_engine):
    engine = fake_engine()
    process = build(engine)
    assert engine.calls == []
    assert process.lifecycle.state is State.STARTING
    assert process.admission.photos == process.admission.bytes == 0


def test_settings_reach_what_they_bound(build):
    process = build(VRN_MAX_QUEUE_SIZE="1", VRN_MAX_BUFFERED_BYTES="10")
    assert not process.admission.is_full
    with process.admission.hold_bytes() as one, process.admission.hold_bytes() as other:
        one.grow(8)
        with pytest.raises(OverloadedError, match="too many uploads"):
            other.grow(8)


async def test_one_permit_is_all_that_a_queue_of_one_has(build):
    process = build(VRN_MAX_QUEUE_SIZE="1")
    async with process.core.accepted.accept():
        assert process.admission.is_full, "admission and core count the same permits"
    assert not process.admission.is_full


def test_two_processes_share_no_state(build):
    one, other = build(), build()
    one.lifecycle.drain()
    one.metrics.request_began()
    assert other.lifecycle.state is State.STARTING
    assert "vrn_in_flight 1.0" in one.metrics.render()[0].decode()
    assert "vrn_in_flight 0.0" in other.metrics.render()[0].decode()


def test_ready_in_the_metrics_is_the_state_of_the_process(build):
    process = build()
    assert "vrn_ready 0.0" in process.metrics.render()[0].decode()
    process.lifecycle.warmed_up()
    assert "vrn_ready 1.0" in process.metrics.render()[0].decode()


def test_export_that_is_no_export_is_told_before_anything_is_built(tmp_path, fake_engine):
    (tmp_path / "none.onnx").write_bytes(b"")
    with pytest.raises(CheckpointError):
        build_process(read_settings({"VRN_MODEL_PATH": str(tmp_path / "none.onnx")}), fake_engine())


def test_keys_that_cannot_be_read_stop_the_start(build, tmp_path):
    with pytest.raises(StartUpError):
        build(VRN_API_KEYS_FILE=str(tmp_path / "missing"))
