"""The image's health check: exit 0 while this replica takes work, or is merely full.

A full replica answers 429 at once and is as healthy as can be; restarting or skipping it would only move its load
to the others. Knows the `/readyz` answer; imports nothing but the standard library, as it runs every few seconds.
"""

import http.client
import json
import os
import sys

_TIMEOUT_S = 3
_HEALTHY = ("ready", "overloaded")


def state(port: int) -> str:
    """The `state` that `/readyz` names. Raises OSError, HTTPException or ValueError where none comes."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", "/readyz")
        return str(json.load(connection.getresponse())["state"])
    finally:
        connection.close()


def main(port: int) -> int:
    """The exit code; the reason goes to the health log that `docker inspect` shows."""
    try:
        found = state(port)
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
        found = f"no answer on port {port}: {error}"
    print(found)
    return 0 if found in _HEALTHY else 1


if __name__ == "__main__":
    sys.exit(main(int(os.environ.get("VRN_PORT") or 8000)))
