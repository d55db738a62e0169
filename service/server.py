"""Runs the process: port, warm-up, batch loop, signals, drain, exit code. Knows uvicorn; nothing of
photos.
"""

import asyncio
import contextlib
import functools
import logging
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from types import FrameType

import uvicorn
import uvloop
from starlette.types import ASGIApp

from vrn_cropper.service.composition import Process
from vrn_cropper.service.errors import EngineError, EngineLostError, StartUpError
from vrn_cropper.service.http.connection import Connection
from vrn_cropper.service.http.connection_watch import ConnectionWatch
from vrn_cropper.service.lifecycle import State

_log = logging.getLogger(__name__)
EXIT_START_UP = 2
EXIT_FAILED = 1
_DRAIN_POLL_S = 0.02


def bind(host: str, port: int, variable: str = "VRN_PORT") -> socket.socket:
    """A listening socket, taken before the model is loaded. Raises StartUpError, which names `variable`, where it is
    taken or not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise StartUpError(
            f"cannot listen on VRN_HOST={host} {variable}={port}: {error.strerror or error}; choose another"
        ) from error
    listener.set_inheritable(True)
    return listener


class Server(uvicorn.Server):
    """uvicorn, except that the first signal starts a drain and the second ends the process at once."""

    def __init__(self, process: Process, metrics_listener: socket.socket | None = None) -> None:
        super().__init__(_config(process.app, process.connections, process.settings.trusted_proxies))
        self._process = process
        self._metrics_listener = metrics_listener
        self._was_warm = False
        self._stopping: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def run_until_stopped(self, listener: socket.socket) -> int:
        """Serve until a signal or a failure; the exit code."""
        self._loop = asyncio.get_running_loop()
        core = asyncio.create_task(self._run_core(), name="core")
        watch = asyncio.create_task(self._process.connections.run(), name="connection watch")
        await self.serve(sockets=[listener])
        core.cancel()
        watch.cancel()
        await asyncio.gather(core, watch, return_exceptions=True)
        if self._process.fetcher is not None:
            await self._process.fetcher.close()
        failure = self._process.lifecycle.failure
        if failure is None:
            _log.info("stopped")
            return 0
        _log.error("stopped after a failure: %s", failure)
        return EXIT_FAILED if self._was_warm else EXIT_START_UP

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Also on the metrics' own port, where there is one: under the same limits, and without a thread."""
        await super().startup(sockets)
        if self._metrics_listener is not None:
            config = _config(self._process.metrics.application(), self._process.connections)
            loop = asyncio.get_running_loop()

            def connect() -> asyncio.Protocol:
                return Connection(config, self.server_state, {}, loop, watch=self._process.connections)

            self.servers.append(await loop.create_server(connect, sock=self._metrics_listener))

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """uvicorn's signals, and the terminal's end; where that is ignored (nohup), it stays so."""
        with super().capture_signals():
            before = signal.getsignal(signal.SIGHUP)
            if before is not signal.SIG_IGN:
                signal.signal(signal.SIGHUP, self.handle_exit)
            try:
                yield
            finally:
                signal.signal(signal.SIGHUP, before)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Signal handler: uvicorn would stop listening at once and repeat the signal after its shutdown."""
        if self._process.lifecycle.state is State.DRAINING:
            if sig == signal.SIGHUP:
                return  # a terminal that ends says so twice: its shell, and the kernel
            _log.warning("second signal %s: stopping at once", signal.Signals(sig).name)
            logging.shutdown()  # writes what waits, unless nobody reads it
            os._exit(128 + sig)
        _log.info("%s: draining", signal.Signals(sig).name)
        self._process.lifecycle.drain()
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._start_drain)

    def _start_drain(self) -> None:
        self._stopping = asyncio.create_task(self._drain(), name="drain")

    async def _drain(self) -> None:
        """Wait, still listening, until everything accepted is answered; then let uvicorn close."""
        settings, began = self._process.settings, time.monotonic()
        while (elapsed := time.monotonic() - began) < settings.drain_timeout_s:
            if elapsed >= settings.drain_delay_s and not self._has_work():
                break
            await asyncio.sleep(_DRAIN_POLL_S)
        else:
            _log.warning("drain limit of %g s passed with work unfinished", settings.drain_timeout_s)
        self.should_exit = True

    def _has_work(self) -> bool:
        # Uploads still being read were let in before the drain: they count as accepted. An answer is not given before
        # the client has it: what the kernel holds is lost with the network of a container that ends.
        process = self._process
        return process.admission.photos > 0 or process.admission.bytes > 0 or process.connections.has_unsent()

    async def _run_core(self) -> None:
        """Warm the core up and let it crop until cancelled; without it the process has to end."""
        process, began = self._process, time.monotonic()
        engine, export = process.core.runner.engine, process.core.export
        try:
            async with process.core.running() as batch_loop:
                self._was_warm = True
                process.metrics.engine_loaded(engine.device, engine.precision, export.name, export.version)
                process.lifecycle.warmed_up()
                seconds = time.monotonic() - began
                _log.info("ready after %.2f s: %s %s on %s", seconds, export.name, export.version, engine.device)
                await asyncio.wait({batch_loop})
                error = batch_loop.exception()
                if isinstance(error, EngineLostError):
                    _log.critical("%s: the process has to be restarted", error)
                    self._fail(error)
                else:
                    _log.critical("the batch loop died: the process has to be restarted", exc_info=error)
                    self._fail(EngineError("the batch loop died"))
        except Exception as error:
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        self._process.lifecycle.fail(error)
        self.should_exit = True


def run(process: Process, on_listening: Callable[[str, int], None]) -> int:
    """Bind, serve, and return the exit code. Raises StartUpError before anything is served."""
    settings = process.settings
    with contextlib.ExitStack() as listeners:
        listener = listeners.enter_context(bind(settings.host, settings.port))
        metrics_listener = None
        if settings.metrics_port is not None:
            metrics_listener = listeners.enter_context(bind(settings.host, settings.metrics_port, "VRN_METRICS_PORT"))
        on_listening(*listener.getsockname()[:2])
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(Server(process, metrics_listener).run_until_stopped(listener))


def _config(app: ASGIApp, connections: ConnectionWatch, trusted_proxies: str | None = None) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        http=functools.partial(Connection, watch=connections),  # type: ignore[arg-type]  # a factory does
        ws="none",
        proxy_headers=trusted_proxies is not None,
        forwarded_allow_ips=trusted_proxies or [],
        timeout_graceful_shutdown=1,
    )
