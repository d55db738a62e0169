"""How many connections the process's limit of file descriptors allows. POSIX only; knows nothing of their use.

Connections that are refused in words need descriptors, too: at the system's limit a client is dropped without one,
and a photo in decode cannot open the pipe of its worker.
"""

import logging
import resource

_log = logging.getLogger(__name__)
# The model's files, the log, pipes of decode workers, traces; and connections that are told that they are too many.
RESERVED = 256


def room_for(connections: int) -> int:
    """`connections`, or as many as fit after the limit was raised as far as the system lets it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + RESERVED
    if soft != resource.RLIM_INFINITY and soft < wanted:
        raised = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))
        soft = raised
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return connections
    fitting = max(1, soft - RESERVED)
    _log.warning(
        "VRN_MAX_CONNECTIONS=%d needs %d file descriptors, and the limit is %d: %d connections are taken",
        connections, wanted, soft, fitting,
    )  # fmt: skip
    return fitting
