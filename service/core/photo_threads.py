"""Decoding off the event loop: a bounded pool of threads. Knows nothing of what is decoded."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

A = TypeVar("A")
R = TypeVar("R")


class DecodePool:
    """Runs a function of one argument on `threads` threads, in the order asked.

    A caller that is cancelled before its turn costs nothing; one that is running is let finish, unheard.
    """

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="decode")

    async def run(self, function: Callable[[A], R], argument: A) -> R:
        """`function(argument)` on a thread of the pool."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, function, argument)

    def close(self) -> None:
        """Drop what has not begun and let the threads end."""
        self._executor.shutdown(wait=False, cancel_futures=True)
