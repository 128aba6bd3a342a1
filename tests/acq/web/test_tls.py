"""From other machines the studio is reached encrypted, and its certificate is told from others."""

import hashlib
import shutil
import socket
import ssl
import threading

import pytest
from typer.testing import CliRunner

from acq.main import app
from acq.web import tls
from acq.web.tls import make_certificate, read_certificate
from acquire.errors import AcqError

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl")


def certificate_seen(made):
    """Return what a client is shown, as DER."""
    ours, theirs = socket.socketpair()

    def serve():
        with made.context.wrap_socket(ours, server_side=True) as encrypted:
            encrypted.recv(1)

    server = threading.Thread(target=serve)
    server.start()
    client = ssl.create_default_context()
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    with client.wrap_socket(theirs) as encrypted:
        der = encrypted.getpeercert(binary_form=True)
        encrypted.send(b"x")
    server.join(60)
    return der


@needs_openssl
def test_a_certificate_is_made_for_its_names_and_told_by_its_fingerprint(tmp_path, monkeypatch):
    monkeypatch.setattr(tls.tempfile, "tempdir", str(tmp_path))
    made = make_certificate(("rig2.lab", "10.0.0.5", "[fe80::1]"))
    der = certificate_seen(made)
    assert made.is_self_signed
    assert made.fingerprint.replace(":", "").lower() == hashlib.sha256(der).hexdigest()
    for name in (b"rig2.lab", bytes([10, 0, 0, 5])):
        assert name in der
    assert list(tmp_path.iterdir()) == []              # no key stays on the disk


@needs_openssl
def test_one_s_own_certificate_is_used_and_one_that_does_not_fit_is_refused(tmp_path):
    for name in ("one", "other"):
        tls.subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/CN={name}",
             "-out", tmp_path / f"{name}.pem", "-keyout", tmp_path / f"{name}.key"],
            check=True, capture_output=True,
        )
    own = read_certificate(tmp_path / "one.pem", tmp_path / "one.key")
    assert not own.is_self_signed
    assert b"one" in certificate_seen(own)
    for key in ("other.key", "one.pem", "missing.key"):
        with pytest.raises(AcqError, match="name the files that belong together"):
            read_certificate(tmp_path / "one.pem", tmp_path / key)


def test_without_openssl_one_line_says_what_to_do(monkeypatch):
    monkeypatch.setattr(tls.shutil, "which", lambda name: None)
    with pytest.raises(AcqError, match="--certificate and --key"):
        make_certificate(("10.0.0.5",))


def test_a_certificate_without_its_key_makes_no_sense(tmp_path):
    done = CliRunner().invoke(
        app, ["studio", "--data", str(tmp_path), "--certificate", str(tmp_path / "one.pem")]
    )
    assert done.exit_code == 2
