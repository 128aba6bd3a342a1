"""The server: bound to this machine alone before anything is printed, ended by a signal."""

import os
import socket
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


def bind(port: int) -> socket.socket:
    """Return a socket that listens on this machine alone; who comes early waits to be answered.

    Raises
    ------
    AcqError : the port is taken, or not for this user
    """
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
        listening.listen()
    except OSError as error:
        listening.close()
        raise AcqError(
            expected=f"port {port} of {HOST}, free", found=error.strerror or error,
            fix="end the program that has it, or name another with --port",
        ) from error
    return listening


def serve(app: ASGIApp, listening: socket.socket) -> None:
    """Serve until a signal ends this process."""
    # no log of requests: their addresses name sessions, and the first one holds the token
    config = uvicorn.Config(
        app, log_level="error", access_log=False, lifespan="off", server_header=False,
        ws="websockets-sansio", ws_max_size=_LARGEST_MESSAGE, timeout_graceful_shutdown=_END_S,
        proxy_headers=False,
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
