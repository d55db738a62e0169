"""Options in the words of a command line: help from the one table, and errors with `--top-k` for `top_k`."""

import re
from collections.abc import Mapping
from typing import Any

import typer

from vrn_cropper.service.core.option_table import CROP_OPTIONS, PICTURE_OPTIONS, Option

_TABLE: Mapping[str, Option] = {**CROP_OPTIONS, **PICTURE_OPTIONS}
# Anywhere where it can be nothing else; a word such as `keep` only where the message begins with it.
_NAMES = re.compile(rf"\b({'|'.join(name for name in _TABLE if '_' in name)})\b|^({'|'.join(_TABLE)}) ")
_SHORT = {"aspect_ratio": ("-r",), "top_k": ("-k",)}


def flag(name: str) -> str:
    """`top_k` as it is written here: `--top-k`."""
    return "--" + name.replace("_", "-")


def table_option(name: str, panel: str, **more: Any) -> Any:
    """The typer option of a row of the table: its meaning, what it takes, its bounds."""
    row = _TABLE[name]
    bounds: dict[str, Any] = {} if row.choices or row.least is None else {"min": row.least, "max": row.most}
    # Bounds are shown beside it.
    metavar = "NUMBER" if bounds else row.metavar
    text = _plain(row)
    if row.choices and row.default is not None:
        text += f" Default: {row.default}."
    if row.is_repeatable:
        text += " Repeatable."
    return typer.Option(
        flag(name), *_SHORT.get(name, ()), metavar=metavar, help=text, rich_help_panel=panel, **bounds, **more
    )


def meaning(name: str) -> str:
    """What a row of the table means, as the help says it."""
    return _plain(_TABLE[name])


def in_words(message: str) -> str:
    """A message that names options of the API, as this command line writes them."""
    return _NAMES.sub(_as_flag, message.replace("send ", "give "))


def _as_flag(match: re.Match[str]) -> str:
    return flag(match[1]) if match[1] else flag(match[2]) + " "


def _plain(row: Option) -> str:
    """Its meaning without Markdown, and other options as they are written here."""
    names = _TABLE.keys() - set(row.choices)
    return re.sub(r"`([^`]+)`", lambda m: flag(m[1]) if m[1] in names else m[1], row.meaning)
