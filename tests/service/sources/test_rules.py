"""Which URLs are taken: what two parsers could read in two ways is refused."""

import pytest

from vrn_cropper.service.errors import BadRequestError, SourceNotAllowedError, StartUpError
from vrn_cropper.service.sources.rules import SourceRules, SourceUrl


def rules(text: str, is_signed: bool = False) -> SourceRules:
    return SourceRules.parse(text, is_signed=is_signed)


@pytest.mark.parametrize(
    "url",
    [
        "https://img.example.com/photos/a.jpg",
        "https://img.example.com/photos/deep/a.jpg?v=2",
        "HTTPS://IMG.example.com:443/photos/a.jpg",
        "https://img.example.com./photos/a.jpg",
        "https://cdn.shop.example/a.jpg",
        "http://10.1.1.1:9000/bucket/a.jpg",
        "http://[2001:db8::1]/a.jpg",
    ],
)
def test_what_the_list_names_is_allowed(url):
    rules(
        "https://img.example.com/photos, https://*.shop.example, http://10.1.1.1:9000/bucket/, http://[2001:db8::1]"
    ).check(SourceUrl.parse(url))


@pytest.mark.parametrize(
    "url",
    [
        "http://img.example.com/photos/a.jpg",
        "https://img.example.com:8443/photos/a.jpg",
        "https://img.example.com/photos-private/a.jpg",
        "https://img.example.com/",
        "https://img.example.com.evil.example/photos/a.jpg",
        "https://evilimg.example.com/photos/a.jpg",
        "https://shop.example/a.jpg",
        "https://evilshop.example/a.jpg",
    ],
)
def test_what_only_looks_like_the_list_is_not_allowed(url):
    with pytest.raises(SourceNotAllowedError):
        rules("https://img.example.com/photos, https://*.shop.example").check(SourceUrl.parse(url))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "img.example.com/a.jpg",
        "//img.example.com/a.jpg",
        "file:///etc/passwd",
        "gopher://img.example.com/",
        "data:image/png;base64,AAAA",
        "https:///a.jpg",
        "https://user@img.example.com/a.jpg",
        "https://img.example.com@evil.example/a.jpg",
        "https://img.example.com\\@evil.example/a.jpg",
        "https://img.example.com:0/a.jpg",
        "https://img.example.com:99999/a.jpg",
        "https://img.example.com/a b.jpg",
        "https://img.example.com/a.jpg\r\nHost: evil",
        "https://bücher.example/a.jpg",
        "https://img.example.com/photos/../secret",
        "https://img.example.com/photos/%2e%2e/secret",
        "https://img.example.com/photos/%252e%252e/secret",
        "https://img.example.com/photos/..%2fsecret",
        "https://img.example.com/photos/%2e%2e%5csecret",
        "https://[::1/a.jpg",
        "https://img.example.com/" + "a" * 5000,
    ],
)
def test_a_url_that_is_not_plain_is_refused(url):
    with pytest.raises(BadRequestError, match="url"):
        SourceUrl.parse(url)


def test_a_fragment_is_no_part_of_a_url_that_is_sent():
    with pytest.raises(BadRequestError):
        SourceUrl.parse("https://img.example.com/a.jpg#part")


@pytest.mark.parametrize("text", ["example.com", "ftp://example.com", "https://ex*mple.com", "https://a.example/?q"])
def test_an_entry_that_cannot_be_read_stops_the_start(text):
    with pytest.raises(StartUpError, match="VRN_SOURCES"):
        rules(text)


def test_every_host_is_allowed_to_signed_urls_only():
    with pytest.raises(StartUpError, match="VRN_URL_KEYS"):
        rules("https://*")
    rules("https://*", is_signed=True).check(SourceUrl.parse("https://any.example/a.jpg"))
