"""Decoding off the event loop: a bounded pool of threads. Knows nothing of what is decoded."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
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

    async def run(self, function: Callable[[A], R], argument: A, on_end: Callable[[], None] | None = None) -> R:
        """`function(argument)` on a thread of the pool.

        `on_end` is called on the event loop once, when the function has ended or will never begin: for a cancelled
        caller that may be later than the cancellation.
        """
        loop = asyncio.get_running_loop()
        work = self._executor.submit(function, argument)

        def tell(_: Future[R]) -> None:
            if on_end is not None and not loop.is_closed():
                loop.call_soon_threadsafe(on_end)

        work.add_done_callback(tell)
        return await asyncio.wrap_future(work)

    def close(self) -> None:
        """Drop what has not begun and let the threads end."""
        self._executor.shutdown(wait=False, cancel_futures=True)
