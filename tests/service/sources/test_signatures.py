"""Signed URLs: only who holds a key makes them; keys can be changed without a gap."""

import base64
import hashlib
import hmac

import pytest

from vrn_cropper.service.errors import BadSignatureError, StartUpError
from vrn_cropper.service.sources.signatures import UrlSignatures

KEY, NEW_KEY = "k" * 32, "n" * 32
PAIRS = [("url", "https://img.example.com/a b.jpg"), ("width", "640")]


def signatures(*keys: str) -> UrlSignatures:
    parsed = UrlSignatures.parse(",".join(keys))
    assert parsed is not None
    return parsed


def signed(pairs=PAIRS, key=KEY):
    return [*pairs, ("signature", signatures(key).sign("/crop/image", pairs))]


def test_a_signature_is_what_the_documentation_says():
    text = "/crop/image?url=https%3A%2F%2Fimg.example.com%2Fa%20b.jpg&width=640"
    plain = (
        base64.urlsafe_b64encode(hmac.new(KEY.encode(), text.encode(), hashlib.sha256).digest()).decode().rstrip("=")
    )
    assert signatures(KEY).sign("/crop/image", PAIRS) == plain


def test_the_order_of_parameters_is_the_clients_own_affair():
    signatures(KEY).check("/crop/image", signed()[::-1], now_s=0)


@pytest.mark.parametrize(
    "pairs",
    [
        PAIRS,
        [*signed(), ("signature", "x")],
        [*PAIRS, ("signature", "")],
        [*PAIRS, ("signature", "\u00e9")],
        [*signed(), ("height", "1")],
        [("url", "https://img.example.com/b.jpg"), *signed()[1:]],
        signed(key=NEW_KEY),
    ],
)
def test_a_changed_or_unsigned_url_is_refused(pairs):
    with pytest.raises(BadSignatureError):
        signatures(KEY).check("/crop/image", pairs, now_s=0)


def test_a_signature_is_of_one_path():
    with pytest.raises(BadSignatureError):
        signatures(KEY).check("/crop", signed(), now_s=0)


def test_a_url_expires_when_it_says_so():
    pairs = signed([*PAIRS, ("expires", "1000")])
    signatures(KEY).check("/crop/image", pairs, now_s=1000)
    with pytest.raises(BadSignatureError, match="expired"):
        signatures(KEY).check("/crop/image", pairs, now_s=1001)


@pytest.mark.parametrize("text", ["soon", "-1", "", "1e9", "\u0663"])
def test_an_expiry_that_cannot_be_read_has_passed(text):
    with pytest.raises(BadSignatureError):
        signatures(KEY).check("/crop/image", signed([*PAIRS, ("expires", text)]), now_s=0)


def test_an_old_key_is_accepted_until_it_is_taken_away():
    both = signatures(NEW_KEY, KEY)
    both.check("/crop/image", signed(key=KEY), now_s=0)
    both.check("/crop/image", signed(key=NEW_KEY), now_s=0)
    assert both.sign("/crop", PAIRS) == signatures(NEW_KEY).sign("/crop", PAIRS)


def test_a_short_key_stops_the_start_and_is_not_repeated():
    with pytest.raises(StartUpError, match="key 2 of 2") as refusal:
        UrlSignatures.parse(f"{KEY},short-secret")
    assert "short-secret" not in str(refusal.value)
    assert UrlSignatures.parse(" , ") is None
