"""TLS for a studio that other machines reach: a certificate that is given, or one of its own.

A certificate of its own is made anew with each start by the program `openssl`, and its key is gone
from the disk before the first request: a browser warns of it, and whoever opens the link compares
its fingerprint with the one that is printed.
"""

import hashlib
import ipaddress
import shutil
import ssl
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from acquire.errors import AcqError

_DAYS = "30"
_LONGEST_S = 60.0


@dataclass(frozen=True)
class Tls:
    """What encrypts the studio, and what tells its certificate from others."""

    context: ssl.SSLContext
    fingerprint: str               # SHA-256 of the certificate, as browsers show it
    is_self_signed: bool


def read_certificate(certificate: Path, key: Path) -> Tls:
    """Read a certificate with the chain above it, and its key, both PEM.

    Raises
    ------
    AcqError : one of them cannot be read, they do not belong together, or the key needs a password
    """
    return _load(certificate, key, is_self_signed=False)


def make_certificate(names: tuple[str, ...]) -> Tls:
    """Make a certificate for names or addresses, signed by nobody else.

    Raises
    ------
    AcqError : there is no program openssl, or it failed
    """
    program = shutil.which("openssl")
    if program is None:
        raise AcqError(
            expected="the program openssl to make a certificate", found="none",
            fix="install it, or name your own with --certificate and --key",
        )
    subject = ",".join(f"{_kind(name)}:{name.strip('[]')}" for name in names)
    with tempfile.TemporaryDirectory() as folder:
        certificate, key = Path(folder, "certificate.pem"), Path(folder, "key.pem")
        done = subprocess.run(
            [program, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
             "-nodes", "-sha256", "-days", _DAYS, "-subj", "/CN=acq studio",
             "-addext", f"subjectAltName={subject}", "-out", certificate, "-keyout", key],
            capture_output=True, text=True, timeout=_LONGEST_S, check=False,
        )
        if done.returncode:
            raise AcqError(
                expected="a certificate made by openssl",
                found=done.stderr.strip().splitlines()[-1:] or f"exit code {done.returncode}",
                fix="name your own with --certificate and --key",
            )
        return _load(certificate, key, is_self_signed=True)


def _load(certificate: Path, key: Path, *, is_self_signed: bool) -> Tls:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        # an encrypted key would ask on the terminal
        context.load_cert_chain(certificate, key, password=lambda: "")
        text = certificate.read_text("ascii")
        end = "-----END CERTIFICATE-----"
        begin = text.index("-----BEGIN CERTIFICATE-----")
        der = ssl.PEM_cert_to_DER_cert(text[begin:text.index(end, begin)] + end)
    except (OSError, ValueError) as error:          # ssl.SSLError is an OSError
        raise AcqError(
            expected="a certificate and its key as PEM, the key without a password",
            found=getattr(error, "reason", None) or error, where=f"in {certificate} and {key}",
            fix="name the files that belong together",
        ) from error
    fingerprint = hashlib.sha256(der).digest().hex(":").upper()
    return Tls(context, fingerprint, is_self_signed)


def _kind(name: str) -> str:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return "DNS"
    return "IP"
