"""Which URLs may be fetched: the operator's list of origins and path prefixes.

Strict on purpose: what two parsers could read in two ways is refused, not guessed.
"""

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from vrn_cropper.service.errors import BadRequestError, SourceNotAllowedError, StartUpError

MAX_URL_LENGTH = 4096
_DEFAULT_PORTS = {"http": 80, "https": 443}
# Printable ASCII without what browsers drop or turn round: spaces, quotes, backslashes, angle brackets.
_URL = re.compile(r"https?://[!$%&'()*+,\-./0-9:;=?@A-Z\[\]_a-z~]+", re.IGNORECASE)
_HOST = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:.]+\]")
ANY_HOST = "*"


@dataclass(frozen=True, slots=True)
class SourceUrl:
    """A URL taken apart. `target` is path and query as they are sent."""

    scheme: str
    host: str
    port: int
    path: str
    target: str

    @classmethod
    def parse(cls, text: str) -> "SourceUrl":
        """Raises BadRequestError, which says what is wrong."""
        if len(text) > MAX_URL_LENGTH:
            raise BadRequestError(f"url is longer than {MAX_URL_LENGTH} characters")
        if not _URL.fullmatch(text):
            raise BadRequestError(
                f"url is an absolute http or https address, percent-encoded, with a punycode host; got {text[:80]!r}"
            )
        try:
            parts = urlsplit(text)
            host, port = (parts.hostname or "").lower(), parts.port
        except ValueError as error:
            raise BadRequestError(f"url cannot be read: {error}") from None
        host = f"[{host}]" if ":" in host else host.rstrip(".")
        if "@" in parts.netloc or not _HOST.fullmatch(host) or port == 0:
            raise BadRequestError("url names a host and perhaps a port, without a user name")
        path = parts.path or "/"
        if _has_dot_segment(path):
            raise BadRequestError("url has '.' or '..' in its path; write the path out")
        target = path + (f"?{parts.query}" if parts.query else "")
        scheme = parts.scheme.lower()
        return cls(scheme, host, port or _DEFAULT_PORTS[scheme], path, target)

    def __str__(self) -> str:
        port = "" if self.port == _DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{self.host}{port}{self.target}"


@dataclass(frozen=True, slots=True)
class SourceRule:
    """One entry: an origin, whose host may be `*.example.com` or `*`, and a path prefix that ends at a `/`."""

    scheme: str
    host: str
    port: int
    prefix: str

    @classmethod
    def parse(cls, text: str) -> "SourceRule":
        """Raises StartUpError."""
        scheme, _, rest = text.partition("://")
        netloc, slash, path = rest.partition("/")
        wildcard = "*" if netloc.startswith("*") else ""
        # A wildcard is no host; any name in its place lets the rest be read by the one strict parser.
        stand_in = f"{scheme}://{'x' if wildcard else ''}{netloc.removeprefix('*')}{slash}{path}"
        try:
            url = SourceUrl.parse(stand_in)
        except BadRequestError as error:
            raise StartUpError(f"VRN_SOURCES: {text!r} is no origin or prefix: {error}") from None
        host = wildcard + url.host.removeprefix("x") if wildcard else url.host
        if (wildcard and host != ANY_HOST and not host.startswith("*.")) or "?" in url.target:
            raise StartUpError(f"VRN_SOURCES: {text!r} is no origin or prefix such as https://*.example.com/photos/")
        return cls(url.scheme, host, url.port, url.path.rstrip("/") + "/")

    def allows(self, url: SourceUrl) -> bool:
        """Whether `url` is of this origin and under this prefix."""
        if (url.scheme, url.port) != (self.scheme, self.port) or not (url.path + "/").startswith(self.prefix):
            return False
        if self.host == ANY_HOST:
            return True
        return url.host.endswith(self.host[1:]) if self.host.startswith("*") else url.host == self.host


@dataclass(frozen=True, slots=True)
class SourceRules:
    """All entries."""

    rules: tuple[SourceRule, ...]

    @classmethod
    def parse(cls, text: str, *, is_signed: bool) -> "SourceRules":
        """Entries separated by commas. Raises StartUpError, also where every host is allowed to unsigned URLs."""
        rules = tuple(SourceRule.parse(entry) for entry in filter(None, map(str.strip, text.split(","))))
        if not is_signed and any(rule.host == ANY_HOST for rule in rules):
            raise StartUpError(
                "VRN_SOURCES allows every host, which lets anyone fetch through this service; set VRN_URL_KEYS, too,"
                " so that only signed URLs are taken"
            )
        return cls(rules)

    def check(self, url: SourceUrl) -> None:
        """Raises SourceNotAllowedError."""
        if not any(rule.allows(url) for rule in self.rules):
            raise SourceNotAllowedError(
                f"{url.scheme}://{url.host} with this path is not among this service's sources"
            )


def _has_dot_segment(path: str) -> bool:
    """Whether any decoding of `path`, also a repeated one, has a segment that climbs."""
    for _ in range(4):
        if any(segment in (".", "..") for segment in re.split(r"[/\\]", path)):
            return True
        path = unquote(path, errors="replace")
    return False
