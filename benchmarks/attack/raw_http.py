"""Requests that no client library makes: framing, heads, methods, upgrades, forms. As bytes on a socket."""

import socket
import time

from benchmarks.attack.report import Result
from benchmarks.attack.seeds import multipart, seeds
from benchmarks.serving.process import ServerUnderTest

_PATIENCE_S = 20.0
_HOST = b"Host: a\r\n"
_END = b"Connection: close\r\n\r\n"


def _get(target: bytes, head: bytes = b"", version: bytes = b"HTTP/1.1", method: bytes = b"GET") -> bytes:
    return method + b" " + target + b" " + version + b"\r\n" + _HOST + head + _END


def _post(head: bytes, body: bytes = b"", target: bytes = b"/crop") -> bytes:
    return b"POST " + target + b" HTTP/1.1\r\n" + _HOST + head + _END + body


def _form(kind: bytes, body: bytes) -> bytes:
    return _post(b"Content-Type: " + kind + b"\r\nContent-Length: %d\r\n" % len(body), body)


def tricks() -> dict[str, bytes]:
    """Bytes of a request by name."""
    photo = seeds()["JPEG RGB"]
    form = multipart(photo, top_k="2")
    length = b"Content-Length: %d\r\n" % len(photo)
    made: dict[str, bytes] = {
        "two lengths": _post(length + b"Content-Length: 3\r\n", photo),
        "length and chunked": _post(length + b"Transfer-Encoding: chunked\r\n", b"0\r\n\r\n"),
        "negative length": _post(b"Content-Length: -1\r\n", photo),
        "huge length": _post(b"Content-Length: 99999999999999999999\r\n"),
        "length in hex": _post(b"Content-Length: 0x10\r\n", photo),
        "length with a sign": _post(b"Content-Length: +5\r\n", b"abcde"),
        "short body": _post(b"Content-Length: 5\r\n", b"abcde"),
        "body without length": _post(b"", photo),
        "chunk of 16 EiB": _post(b"Transfer-Encoding: chunked\r\n", b"FFFFFFFFFFFFFFFF\r\n"),
        "chunk of minus one": _post(b"Transfer-Encoding: chunked\r\n", b"-1\r\n"),
        "chunk size of letters": _post(b"Transfer-Encoding: chunked\r\n", b"zz\r\n"),
        "long chunk extension": _post(b"Transfer-Encoding: chunked\r\n", b"1;" + b"x" * 100_000 + b"\r\na\r\n"),
        "long trailer": _post(b"Transfer-Encoding: chunked\r\n", b"0\r\n" + b"a: b\r\n" * 20_000 + b"\r\n"),
        "unknown coding": _post(b"Transfer-Encoding: gzip, chunked\r\n", b"0\r\n\r\n"),
        "coding twice": _post(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", b"0\r\n\r\n"),
        "a space before the colon": _post(b"Content-Length : 3\r\n", b"abc"),
        "folded header": _get(b"/healthz", b"X: a\r\n b\r\n"),
        "bare line feeds": b"GET /healthz HTTP/1.1\nHost: a\nConnection: close\n\n",
        "NUL in a header": _get(b"/healthz", b"X: a\x00b\r\n"),
        "a name that is no token": _get(b"/healthz", b"X\xff: a\r\n"),
        "no host": b"GET /healthz HTTP/1.1\r\n" + _END,
        "two hosts": _get(b"/healthz", _HOST),
        "head of 1 MiB": _get(b"/healthz", b"X: " + b"a" * 2**20 + b"\r\n"),
        "20,000 headers": _get(b"/healthz", b"X: a\r\n" * 20_000),
        "target of 100 KB": _get(b"/" + b"a" * 100_000),
        "no version": b"GET /healthz\r\n\r\n",
        "HTTP/1.0": _get(b"/healthz", version=b"HTTP/1.0"),
        "HTTP/3.0": _get(b"/healthz", version=b"HTTP/3.0"),
        "HTTP/2's preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9),
        "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),
        "upgrade to h2c": _post(length + b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQ\r\n", photo),
        "upgrade to websocket": _get(b"/crop", b"Upgrade: websocket\r\nSec-WebSocket-Key: AAAA\r\n"),
        "expects the unexpected": _post(length + b"Expect: 200-maybe\r\n", photo),
        "empty form": _form(b"multipart/form-data; boundary=frontier", b""),
        "form without boundary": _form(b"multipart/form-data", form),
        "boundary of 10 KB": _form(b"multipart/form-data; boundary=" + b"a" * 10_000, form),
        "form without an end": _form(b"multipart/form-data; boundary=frontier", form[:-20]),
        "form of 10,000 parts": _form(
            b"multipart/form-data; boundary=frontier",
            multipart(photo, **{f"f{number}": "x" for number in range(10_000)}),
        ),
        "part with a head of 1 MB": _form(
            b"multipart/form-data; boundary=frontier", form.replace(b"image/jpeg", b"a" * 10**6)
        ),
        "form of no name": _form(b"multipart/form-data; boundary=frontier", form.replace(b'name="image"', b"")),
        "form in a form": _form(
            b"multipart/form-data; boundary=frontier", form.replace(b"image/jpeg", b"multipart/mixed; boundary=x")
        ),
        "url-encoded": _form(b"application/x-www-form-urlencoded", b"image=abc&top_k=2"),
        "JSON": _form(b"application/json", b"[" * 100_000),
    }
    for codec in ("punycode", "undefined", "utf-7", "unicode_escape", "zlib_codec", "idna", "rot13", "../x"):
        text = b'--frontier\r\nContent-Disposition: form-data; name="top_k"\r\nContent-Type: text/plain; charset=%s'
        body = text % codec.encode() + b"\r\n\r\n" + b"a-" * 50_000 + b"\r\n" + form
        made[f"charset {codec}"] = _form(b"multipart/form-data; boundary=frontier; charset=" + codec.encode(), body)
    for target in (
        b"/../../etc/passwd", b"/%2e%2e/%2e%2e/etc/passwd", b"/static/..%2f..%2fsettings.py", b"//evil.example/",
        b"/crop/", b"/%00", b"/%ff%fe", b"*", b"http://evil.example/healthz", b"/healthz#x",
        b"/healthz?" + b"a&" * 30_000,
        b"/crop?top_k=" + b"9" * 5000, b"/crop?aspect_ratios=" + b"1:1," * 5000, b"/crop?top_k=1&top_k=2",
    ):  # fmt: skip
        made[f"target {target[:30].decode('latin-1')}"] = _get(target)
        if target.startswith(b"/crop"):
            made[f"post {target[:30].decode('latin-1')}"] = _post(length, photo, target)
    for name in (
        b"Content-Encoding: gzip", b"Range: bytes=0-1", b"If-None-Match: *", b"Authorization: Bearer \xff\xfe",
        b"Authorization: Basic " + b"A" * 8000, b"X-Request-Timeout-Ms: 1e9", b"X-Request-Timeout-Ms: -1",
        b"X-Forwarded-For: " + b"1.2.3.4," * 2000, b"X-Request-ID: a\tb", b"Traceparent: 00-zz-zz-01",
        b"Accept: " + b"a/b;q=0.1," * 1000, b"Origin: null", b"Cookie: " + b"a=b;" * 3000,
    ):  # fmt: skip
        made[f"header {name[:40].decode('latin-1')}"] = _post(length + name + b"\r\n", photo)
    for method in (b"CONNECT", b"TRACE", b"OPTIONS", b"DELETE", b"get", b"G\x00T", b"A" * 10_000, b"\xff"):
        made[f"method {method[:12].decode('latin-1')}"] = _get(b"/healthz", method=method)
    return made


def raw_http(server: ServerUnderTest) -> Result:
    """Each trick on its own connection: answered below 500, or closed, in time."""
    made = tricks()
    result, before = Result(f"{len(made)} raw HTTP tricks"), server.cpu_s()
    for name, content in made.items():
        began = time.perf_counter()
        status = _status_of(server.port, content)
        fault = None if status is not None and (status < 500 or status == 505) else f"{name}: {status or 'no end'}"
        result.note(time.perf_counter() - began, fault)
    result.cpu_s = server.cpu_s() - before
    return result


def _status_of(port: int, content: bytes) -> int | None:
    """The answer's status, 0 for a connection that was closed without one, None if neither came in time."""
    said = b""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE_S) as connection:
            connection.sendall(content)
            connection.shutdown(socket.SHUT_WR)
            while b"\r\n" not in said and (more := connection.recv(4096)):
                said += more
    except TimeoutError:
        return None
    except OSError:
        pass  # closed while we were writing
    words = said.split(b" ", 2)
    return int(words[1]) if len(words) > 1 and words[1].isdigit() else 0
