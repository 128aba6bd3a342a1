"""The studio is told how to be reached, and refuses what it cannot serve, in one line."""

import socket

import pytest
from typer.testing import CliRunner

from acq import extras
from acq.advice import advise
from acq.main import app
from acq.web.serve import bind, check_reached, is_this_machine, names_of, tunnel_line
from acquire.errors import AcqError


def test_it_listens_on_this_machine_alone_before_its_link_is_printed():
    with bind(0) as listening:
        assert listening.getsockname()[0] == "127.0.0.1"
        socket.create_connection(listening.getsockname(), timeout=10).close()


def test_another_address_is_named_alone():
    with bind(0, "localhost") as listening:
        assert is_this_machine(listening)
        assert names_of(listening, "LOCALHOST") == ("localhost", listening.getsockname()[0])
        check_reached(listening, "localhost")
    with bind(0, "127.0.0.2") as listening:
        assert names_of(listening, "127.0.0.2") == ("127.0.0.2",)
        with pytest.raises(AcqError, match=r"found 127\.0\.0\.2 by rig2, this machine alone"):
            check_reached(listening, "rig2")


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("0.0.0.0", "which is all of them"),
        ("::", "which is all of them"),
        ("192.0.2.1", "an address of this machine with --host"),
        ("no such host.invalid", "expected an address or a name of this machine"),
    ],
)
def test_what_is_no_address_of_this_machine_is_refused(host, words):
    with pytest.raises(AcqError, match=words):
        bind(0, host)


def test_a_port_that_is_taken_is_named():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(AcqError, match=rf"port {port} .* in use; .* --port"):
            bind(port)


@pytest.mark.parametrize(
    ("connection", "line"),
    [
        ("192.0.2.7 50000 10.0.0.5 22", "ssh -L 8484:127.0.0.1:8484 lab@10.0.0.5"),
        ("192.0.2.7 50000 10.0.0.5 2222", "ssh -p 2222 -L 8484:127.0.0.1:8484 lab@10.0.0.5"),
        ("", ""),
    ],
)
def test_over_ssh_the_line_for_one_s_own_machine_is_printed(monkeypatch, connection, line):
    monkeypatch.setenv("SSH_CONNECTION", connection)
    monkeypatch.setenv("USER", "lab")
    assert tunnel_line(8484) == line


def test_without_the_extra_one_line_says_how_to_install_it(monkeypatch, tmp_path):
    monkeypatch.setattr(
        extras, "find_spec", lambda name: None if name == "uvicorn" else object()
    )
    done = CliRunner().invoke(app, ["studio", "--data", str(tmp_path)])
    assert isinstance(done.exception, AcqError)
    assert done.stdout == ""
    assert advise(done.exception, "studio") == (
        "expected the extra `studio`, found no uvicorn in this environment; "
        "pip install -c constraints.txt -e '.[studio]'"
    )
