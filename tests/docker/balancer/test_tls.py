"""TLS by a certificate that is given, or one that the balancer makes."""

import ssl
import subprocess

import pytest


@pytest.fixture
def make_certificate(require_program, tmp_path):
    """A certificate with its key in one file, as an operator gives it."""

    def make(*names):
        openssl = require_program("openssl", "openssl")
        key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
        alternative = ",".join(f"DNS:{name}" for name in names)
        subprocess.run(
            [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
             "-subj", f"/CN={names[0]}", "-addext", f"subjectAltName={alternative}", "-keyout", key,
             "-out", certificate],
            check=True, capture_output=True,
        )  # fmt: skip
        (tmp_path / "given.pem").write_text(certificate.read_text() + key.read_text())
        return certificate

    return make


def test_a_self_made_certificate_holds_for_the_host_and_outlives_a_restart(start_balancer, replicas, require_program):
    require_program("openssl", "openssl")
    first = start_balancer(BALANCER_TLS="1")
    made = first.certificates / "self-made.pem.crt"
    trusting = ssl.create_default_context(cafile=str(made))
    answer = first.ask("POST", "/crop", b"x" * 1000, tls=trusting)
    assert (answer.status, answer.body) == (200, b"1000")
    assert "Strict-Transport-Security" not in answer.headers  # browsers would refuse the way around it
    assert [headers["X-Forwarded-Proto"] for replica in replicas for headers in replica.headers] == ["https"]
    first.stop()
    second = start_balancer(BALANCER_TLS="1")
    assert second.ask("POST", "/crop", b"x", tls=trusting).status == 200
    second.stop()
    renamed = start_balancer(BALANCER_TLS="1", BALANCER_TLS_NAME="crop.example.org")
    with pytest.raises(ssl.SSLCertVerificationError):
        renamed.ask("POST", "/crop", b"x", tls=trusting)


def test_a_given_certificate_is_taken_and_browsers_are_told_to_insist(start_balancer, make_certificate):
    certificate = make_certificate("localhost")
    balancer = start_balancer(BALANCER_TLS="1")
    answer = balancer.ask("POST", "/crop", b"x" * 1000, tls=ssl.create_default_context(cafile=str(certificate)))
    assert (answer.status, answer.body) == (200, b"1000")
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert not list(balancer.certificates.iterdir())
    assert "Strict-Transport-Security" not in balancer.post().headers


def test_clients_that_do_not_trust_it_are_refused_and_the_log_says_so_in_json(start_balancer, make_certificate):
    make_certificate("localhost")
    balancer = start_balancer(BALANCER_TLS="1")
    with pytest.raises(ssl.SSLCertVerificationError):
        balancer.ask("GET", "/", tls=ssl.create_default_context())
    balancer.wait_for_line(lambda line: "handshake" in line["message"])


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
def test_old_protocols_are_refused(start_balancer, make_certificate):
    certificate = make_certificate("localhost")
    balancer = start_balancer(BALANCER_TLS="1")
    client = ssl.create_default_context(cafile=str(certificate))
    client.minimum_version = client.maximum_version = ssl.TLSVersion.TLSv1_2
    assert balancer.ask("GET", "/", tls=client).status == 200
    client.minimum_version = client.maximum_version = ssl.TLSVersion.TLSv1_1
    client.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises(ssl.SSLError):
        balancer.ask("GET", "/", tls=client)


def test_without_the_profile_nothing_listens_for_tls(balancer):
    with pytest.raises(ConnectionRefusedError):
        balancer.ask("GET", "/", tls=ssl.create_default_context())


def test_a_certificate_that_is_none_ends_it_with_the_reason(start_balancer, tmp_path):
    (tmp_path / "given.pem").write_text("not a certificate")
    balancer = start_balancer(serves=False, BALANCER_TLS="1")
    assert balancer.process.wait(60) != 0
    balancer.wait_for_line(lambda line: line["level"] == "error" and "given.pem" in line["message"])
