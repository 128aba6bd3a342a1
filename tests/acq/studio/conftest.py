"""A studio of two sessions, and a Chromium that looks at it."""

import json
import signal
import socket
import subprocess
import sys
import time

import pytest

NAME = "S01-20260101T090001Z"
PATIENCE_MS = 60_000               # on a machine that is busy


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    from tests.support.made_sessions import make_session

    folder = tmp_path_factory.mktemp("studio")
    make_session(folder, seconds=6.0, lost_frames=(40, 41))
    make_session(folder, "S02", seconds=2.0, bpm=90.0, simulated=True)
    return folder


@pytest.fixture(scope="module")
def studio(data):
    """Yield the link that the verb prints; a signal ends it, and that is no error."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "acq.main", "studio", "--data", data, "--port", str(port), "--json"],
        stdout=subprocess.PIPE, text=True,
    )
    try:
        yield json.loads(process.stdout.readline())["link"]
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.fixture(scope="module")
def chromium():
    from tests.support.browser import open_chromium

    with open_chromium(patience_ms=PATIENCE_MS) as browser:
        yield browser


@pytest.fixture
def visit(chromium, studio):
    """Open an address in a browser of its own, which fails the test where the page complains."""
    complaints, contexts = [], []

    def open_page(address="/sessions", **kwargs):
        kwargs.setdefault("viewport", {"width": 1280, "height": 900})
        contexts.append(chromium.new_context(**kwargs))
        contexts[-1].set_default_timeout(PATIENCE_MS)
        page = contexts[-1].new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(studio)
        page.wait_for_selector("#sessions")
        if address != "/sessions":
            page.goto(studio.partition("/?")[0] + address)
        if address.startswith("/sessions/"):
            page.wait_for_selector("#picture[data-frame]")
        return page

    open_page.expected = []              # what a page is meant to complain of
    yield open_page
    for context in contexts:
        context.close()
    unexpected = [line for line in complaints if not any(one in line for one in open_page.expected)]
    assert unexpected == []


@pytest.fixture
def excluded(data):
    """Return a function that waits until just these parts are excluded; none are afterwards."""
    from dataset.selection.exclusions_file import read_exclusions

    def wait_for(*parts):
        until = time.monotonic() + PATIENCE_MS / 1000
        while True:
            there = [(one.from_s, one.to_s, one.reason) for one in read_exclusions(data).of(NAME)]
            if [one[2] for one in there] == [part[2] for part in parts]:
                for one, part in zip(there, parts, strict=True):
                    assert one[:2] == pytest.approx(part[:2], abs=0.02)
                return
            assert time.monotonic() < until, there
            time.sleep(0.05)

    yield wait_for
    (data / "exclusions.json").unlink(missing_ok=True)
