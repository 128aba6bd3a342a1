"""The server: bound to one address before anything is printed, ended by a signal."""

import errno
import ipaddress
import os
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from acquire.errors import AcqError

_END_S = 1                  # how long answers that are under way may take at the end
_LARGEST_MESSAGE = 64 * 1024
HOST = "127.0.0.1"


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to acq, which ends every verb in its one way."""
        yield


def bind(port: int, host: str = HOST) -> socket.socket:
    """Return a socket that listens on one address; who comes early waits to be answered.

    Parameters
    ----------
    host : an address of this machine, or a name that leads to one

    Raises
    ------
    AcqError : the port is taken, or not for this user; it is no address of this machine, or any
        of its addresses
    """
    family, address = _address_of(host, port)
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(address)
        listening.listen()
    except OSError as error:
        listening.close()
        fix = "end the program that has it, or name another with --port"
        if error.errno == errno.EADDRNOTAVAIL:
            fix = "name an address of this machine with --host"
        raise AcqError(
            expected=f"port {port} of {host}, free", found=error.strerror or error, fix=fix,
        ) from error
    return listening


def _address_of(host: str, port: int) -> tuple[socket.AddressFamily, tuple]:
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError) as error:
        raise AcqError(
            expected="an address or a name of this machine", found=f"{host!r}: {error}",
            fix="name one that others reach it by, such as 10.0.0.5",
        ) from error
    if ipaddress.ip_address(address[0]).is_unspecified:
        raise AcqError(
            expected="one address of this machine", found=f"{host}, which is all of them",
            fix="name the one that others reach it by, such as 10.0.0.5: requests under other "
                "names are refused",
        )
    return family, address


def is_this_machine(listening: socket.socket) -> bool:
    """Return whether only programs of this machine reach what listens."""
    return ipaddress.ip_address(listening.getsockname()[0]).is_loopback


def check_reached(listening: socket.socket, host: str) -> None:
    """Refuse an address that no other machine reaches and that the link does not name.

    Debian gives a machine's own name such a one, 127.0.1.1.

    Raises
    ------
    AcqError : it is one
    """
    address = listening.getsockname()[0]
    if is_this_machine(listening) and address != HOST:
        raise AcqError(
            expected="an address by which others reach this machine",
            found=f"{address}{f' by {host}' * (host != address)}, this machine alone",
            fix="name another of its addresses, such as 10.0.0.5, or leave --host out",
        )


def names_of(listening: socket.socket, host: str) -> tuple[str, ...]:
    """Return how a request's Host may name what listens: as it was given, and by its address."""
    address = listening.getsockname()[0]
    names = (f"[{name}]" if ":" in name else name.lower() for name in (host, address))
    return tuple(dict.fromkeys(names))


def serve(app: ASGIApp, listening: socket.socket, tls: ssl.SSLContext | None = None) -> None:
    """Serve until a signal ends this process; `tls`: encrypted."""
    # no log of requests: their addresses name sessions, and the first one holds the token
    config = uvicorn.Config(
        app, log_level="error", access_log=False, lifespan="off", server_header=False,
        ws="websockets-sansio", ws_max_size=_LARGEST_MESSAGE, timeout_graceful_shutdown=_END_S,
        proxy_headers=False,
        ssl_context_factory=None if tls is None else lambda config, make_default: tls,
    )
    _Server(config).run(sockets=[listening])


def tunnel_line(port: int) -> str:
    """Return the command that brings the studio to whoever came over SSH; "" where nobody did."""
    connection = os.environ.get("SSH_CONNECTION", "").split()
    if len(connection) != 4:
        return ""
    user = os.environ.get("USER") or os.environ.get("LOGNAME") or "USER"
    # address and port of this machine as the other one sees it
    address, ssh_port = connection[2:]
    other_port = "" if ssh_port == "22" else f"-p {ssh_port} "
    return f"ssh {other_port}-L {port}:{HOST}:{port} {user}@{address}"
