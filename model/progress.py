"""A progress bar on standard error, silent where nobody watches (not a terminal)."""

import sys
from collections.abc import Iterable
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")


def track(items: Iterable[T], label: str) -> "tqdm[T]":
    """Iterate with a bar."""
    return tqdm(items, desc=label, disable=not sys.stderr.isatty(), leave=False, dynamic_ncols=True)
