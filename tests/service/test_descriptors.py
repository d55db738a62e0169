"""Connections that the limit of file descriptors allows."""

import resource

import pytest

from vrn_cropper.service.descriptors import RESERVED, room_for


@pytest.fixture
def limit(monkeypatch):
    """The limit of a process that may raise it up to `hard`."""
    state = {}
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (state["soft"], state["hard"]))
    monkeypatch.setattr(resource, "setrlimit", lambda kind, limits: state.update(soft=limits[0], hard=limits[1]))

    def given(soft, hard):
        state.update(soft=soft, hard=hard)
        return state

    return given


@pytest.mark.parametrize("soft", [1000 + RESERVED, resource.RLIM_INFINITY])
def test_limit_that_is_high_enough_stays(limit, soft):
    state = limit(soft, resource.RLIM_INFINITY)
    assert room_for(1000) == 1000
    assert state["soft"] == soft


@pytest.mark.parametrize("hard", [4096, resource.RLIM_INFINITY])
def test_limit_is_raised_as_far_as_needed(limit, hard):
    state = limit(256, hard)
    assert room_for(1000) == 1000
    assert state == {"soft": 1000 + RESERVED, "hard": hard}


def test_what_does_not_fit_is_said_and_not_taken(limit, caplog):
    limit(256, RESERVED + 40)
    assert room_for(1000) == 40
    assert "VRN_MAX_CONNECTIONS=1000" in caplog.text
