"""Presets: read at start, or the start is refused."""

import pytest

from vrn_cropper.service.errors import BadRequestError, StartUpError
from vrn_cropper.service.sources.presets import Presets

KNOWN = {"aspect_ratio", "width"}


def test_presets_are_options_as_a_query_has_them():
    presets = Presets.parse("card: aspect_ratio=16:9&aspect_ratio=1:1&width=640; thumb: width=96", KNOWN)
    assert presets.options("card") == {"aspect_ratio": ["16:9", "1:1"], "width": ["640"]}
    assert presets.options("thumb") == {"width": ["96"]}


@pytest.mark.parametrize("text", ["card", "card:", ": width=1", "card: width", "a b: width=1", "card: ratio=1"])
def test_what_is_no_preset_stops_the_start(text):
    with pytest.raises(StartUpError, match="VRN_PRESETS"):
        Presets.parse(text, KNOWN)


def test_an_unknown_preset_is_answered_with_those_that_there_are():
    with pytest.raises(BadRequestError, match="there are card"):
        Presets.parse("card: width=1", KNOWN).options("crad")
    with pytest.raises(BadRequestError, match="none"):
        Presets.parse("", KNOWN).options("card")
