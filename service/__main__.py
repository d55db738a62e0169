"""`python -m vrn_cropper.service`: read the settings, build the process, run it."""

import logging
import os
import sys
import threading
from collections.abc import Callable, Mapping
from typing import NoReturn

from vrn_cropper.model.errors import CheckpointError
from vrn_cropper.service.composition import Process, build_process, service_version
from vrn_cropper.service.errors import StartUpError
from vrn_cropper.service.http.tracing import tracing
from vrn_cropper.service.logs import set_up_logs
from vrn_cropper.service.server import EXIT_START_UP, run
from vrn_cropper.service.settings import Settings, read_settings, unknown_variables

_log = logging.getLogger("service")


def main(environment: Mapping[str, str], build: Callable[[Settings], Process] | None = None) -> int:
    """Run until stopped; the exit code: 0 after a drain, 2 if it cannot start, 1 for a failure."""
    try:
        settings = read_settings(environment)
        set_up_logs(settings.log_format, settings.log_level)
        for name in unknown_variables(environment):
            _log.warning("%s is not a setting of this service; see the table in the README", name)
        if build is not None:
            return run(build(settings), _say_listening)
        with tracing(environment, service_version()) as on_request:
            return run(build_process(settings, on_request=on_request), _say_listening)
    except (StartUpError, CheckpointError) as error:
        print(f"cannot start: {error}", file=sys.stderr)
        return EXIT_START_UP


def end_process(code: int) -> NoReturn:
    """Exit, also when a thread hangs in the engine or in a decoder: the interpreter would wait for it for ever."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    others = [thread for thread in threading.enumerate() if thread is not threading.main_thread()]
    if any(not thread.daemon for thread in others):
        os._exit(code)
    sys.exit(code)


def _say_listening(host: str, port: int) -> None:
    address = f"[{host}]" if ":" in host else host
    _log.info("listening on http://%s:%d", address, port, extra={"facts": {"port": port}})


if __name__ == "__main__":
    end_process(main(os.environ))
