"""Keys from a setting or from a file that it names: a mounted secret."""

from pathlib import Path

from vrn_cropper.service.errors import StartUpError


def key_text(text: str | None, path: Path | None, variable: str) -> str | None:
    """The text of `variable`, or that of the file of `variable` + `_FILE`; None where neither is given.

    Raises StartUpError if both are, or the file cannot be read or is blank: a secret that was mounted wrongly must
    not open the service to everyone.
    """
    if path is None:
        return text or None
    if text:
        raise StartUpError(f"{variable} and {variable}_FILE are both given; name the keys in one of them")
    try:
        content = path.read_text("ascii")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it holds more than ASCII"
        raise StartUpError(f"{variable}_FILE={str(path)!r} cannot be read: {reason}") from None
    if not content.strip(" ,\n\r\t"):
        raise StartUpError(f"{variable}_FILE holds no key; leave the variable empty to serve without keys")
    return content
