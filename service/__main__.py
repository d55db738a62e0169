"""`python -m vrn_cropper.service`: read the settings, build the process, run it."""

import logging
import os
import sys
import threading
from collections.abc import Callable, Mapping
from typing import NoReturn

from vrn_cropper.model.errors import CheckpointError
from vrn_cropper.service.composition import Process, build_process, service_version
from vrn_cropper.service.core.telemetry import turn_telemetry_off
from vrn_cropper.service.errors import StartUpError
from vrn_cropper.service.http.tracing import tracing
from vrn_cropper.service.logs import LogOutput
from vrn_cropper.service.server import EXIT_FAILED, EXIT_START_UP, run
from vrn_cropper.service.settings import Settings, read_settings, unknown_variables

_log = logging.getLogger("service")


def main(environment: Mapping[str, str], build: Callable[[Settings], Process] | None = None) -> int:
    """Run until stopped; the exit code: 0 after a drain, 2 if it cannot start, 1 for a failure."""
    turn_telemetry_off()
    output = LogOutput()
    output.set_up(environment.get("VRN_LOG_FORMAT", "auto"), "info")
    try:
        return _run(environment, build, output)
    except (StartUpError, CheckpointError) as error:
        _log.critical("cannot start: %s", error)
        return EXIT_START_UP
    except Exception:
        _log.critical("an exception ends the process", exc_info=True)
        return EXIT_FAILED
    finally:
        output.close()


def _run(environment: Mapping[str, str], build: Callable[[Settings], Process] | None, output: LogOutput) -> int:
    settings = read_settings(environment)
    output.set_up(settings.log_format, settings.log_level)
    for name in unknown_variables(environment):
        _log.warning("%s is not a setting of this service; see the table in the README", name)
    with tracing({} if build else environment, service_version()) as on_request:
        process = build(settings) if build else build_process(settings, on_request=on_request)
        process.metrics.watch_log(lambda: output.dropped_lines)
        return run(process, _say_listening)


def end_process(code: int) -> NoReturn:
    """Exit, also when a thread hangs in the engine or in a decoder: the interpreter would wait for it for ever."""
    sys.stdout.flush()
    others = [thread for thread in threading.enumerate() if thread is not threading.main_thread()]
    if any(not thread.daemon for thread in others):
        os._exit(code)
    sys.exit(code)


def _say_listening(host: str, port: int) -> None:
    address = f"[{host}]" if ":" in host else host
    _log.info("listening on http://%s:%d", address, port, extra={"facts": {"port": port}})


if __name__ == "__main__":
    end_process(main(os.environ))
