"""The profile `tls`: HTTPS in front of the same replicas, by a certificate that the stack makes."""

import json
import ssl

import httpx
import pytest

pytestmark = pytest.mark.docker


@pytest.fixture
def tls(stack):
    """The port that speaks HTTPS."""
    stack.compose("up", "--detach", "--no-build", "--no-recreate", "--no-deps", "--wait", "balancer-tls")
    yield stack.address("balancer-tls", 8443).rpartition(":")[2]
    stack.compose("rm", "--stop", "--force", "balancer-tls")


def test_photos_are_cropped_over_https_and_clients_check_the_certificate(stack, tls, photos):
    made = stack.compose("exec", "--no-TTY", "balancer-tls", "cat", "/certificates/self-made.pem.crt")
    url, headers = f"https://localhost:{tls}/crop", {"X-API-Key": "first-key-0123456789"}
    answer = httpx.post(
        url, content=photos[0], headers=headers, verify=ssl.create_default_context(cadata=made), timeout=60
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["crops"]
    with pytest.raises(httpx.ConnectError):
        httpx.post(url, content=photos[0], headers=headers, timeout=60)
    lines = [json.loads(line) for line in stack.log_of("balancer-tls") if line]
    assert "/crop" in {line.get("path") for line in lines}
    assert any(line["level"] == "warning" for line in lines), "the refused handshake is logged"
