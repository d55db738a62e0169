"""Keys come from a setting or from one file, and a secret that is mounted wrongly stops the start."""

import pytest

from vrn_cropper.service.errors import StartUpError
from vrn_cropper.service.key_text import key_text


def test_keys_come_from_either_place_and_none_is_none(tmp_path):
    path = tmp_path / "keys"
    path.write_text("key-one\nkey-two\n")
    assert key_text("key-one", None, "VRN_X") == "key-one"
    assert key_text(None, path, "VRN_X") == "key-one\nkey-two\n"
    assert key_text(None, None, "VRN_X") is key_text("", None, "VRN_X") is None


@pytest.mark.parametrize(
    ("content", "text", "says"),
    [
        (b"key", "key", "both"),
        (None, None, "cannot be read"),
        (b"", None, "holds no key"),
        (b" ,\n", None, "holds no key"),
        ("schlüssel".encode(), None, "more than ASCII"),
    ],
)
def test_a_wrong_file_stops_the_start(tmp_path, content, text, says):
    path = tmp_path / "keys"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(StartUpError, match=f"VRN_X.*{says}|{says}.*VRN_X"):
        key_text(text, path, "VRN_X")
