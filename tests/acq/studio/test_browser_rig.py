"""An operator at the rig in Chromium: from the first click to the summary, past a killed studio."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

from acq.running.watch import find_recordings
from dataset.session.summary import summarise_session

PATIENCE_MS = 120_000              # on a machine that is busy
PROTOCOL = """
name: short
cues:
  - {name: rest, seconds: 600, text: 가만히 앉아 계세요}
  - {name: talk, seconds: 60, text: Talk}
"""

pytestmark = pytest.mark.real_time


@pytest.fixture
def begin(tmp_path, monkeypatch):
    """Start a studio; return its link and its process."""
    if shutil.which("chromium") is None:
        pytest.skip("no browser; apt-get install chromium")
    (tmp_path / "run").mkdir()
    (tmp_path / "data/protocols").mkdir(parents=True)
    (tmp_path / "data/protocols/short.yaml").write_text(PROTOCOL)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    begun = []

    def start():
        words = "studio", "--data", str(tmp_path / "data"), "--port", port, "--json"
        process = subprocess.Popen(
            [sys.executable, "-m", "acq.start", *words], stdout=subprocess.PIPE, text=True
        )
        begun.append(process)
        return json.loads(process.stdout.readline())["link"], process

    yield start
    for process in begun:
        process.kill()
        process.wait()
        process.stdout.close()
    for left in find_recordings(tmp_path / "data", {}):
        os.kill(int(left.path.stem), signal.SIGKILL)


def test_a_recording_from_the_first_click_to_the_summary_past_a_killed_studio(begin, tmp_path):
    expect.set_options(timeout=PATIENCE_MS)
    link, studio = begin()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        rig, chair = (visit(browser, link, address) for address in ("/rig", "/rig/cues"))
        for width in (1280, 400):
            rig.set_viewport_size({"width": width, "height": 900})
            rig.wait_for_function("document.documentElement.scrollWidth <= innerWidth")
        rig.select_option("[name=camera]", "virtual")
        rig.get_by_role("button", name="Show picture").click()
        rig.wait_for_selector("#picture[data-pictures]")
        expect(rig.locator("#rows tr", has_text="place")).to_contain_text("in the frame")
        rig.fill("[name=subject]", "S01")
        rig.select_option("[name=protocol]", "short.yaml")
        rig.get_by_role("button", name="Record", exact=True).click()
        rig.fill("[name=sex]", "F")
        rig.get_by_role("button", name="Note, and record").click()
        expect(chair.locator("#cue-text")).to_have_text("가만히 앉아 계세요")
        expect(rig.locator("#rows tr", has_text="sync")).to_contain_text("within")
        studio.kill()
        expect(rig.locator("#problem")).to_contain_text("a recording that runs goes on")
        (recording,) = find_recordings(tmp_path / "data", {})
        for page in (rig, chair):
            page.context.close()
        link, _ = begin()
        rig, chair = (visit(browser, link, address) for address in ("/rig", "/rig/cues"))
        expect(rig.locator("#running")).to_contain_text("Recording S01")
        rig.wait_for_selector("#picture[data-pictures]")
        rig.keyboard.press("3")
        expect(rig.locator("#marks")).to_have_text("1 mark, the last: mark 3")
        expect(chair.locator("#cue-next")).to_have_text("next: Talk")
        rig.keyboard.press("q")
        expect(rig.locator("#stop")).to_contain_text("Press again")
        rig.keyboard.press("q")
        expect(rig.locator("#ended")).to_contain_text("stopped by the studio")
        expect(chair.locator("#cue-text")).to_have_text("No recording")
        browser.close()
    summary = summarise_session(Path(recording.end["path"]))
    assert summary.complete
    assert [mark.text for mark in summary.log.marks] == ["mark 3"]


def visit(browser, link, address):
    """Open a page in a browser of its own."""
    context = browser.new_context(viewport={"width": 400, "height": 600})
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(link)
    page.goto(link.partition("/?")[0] + address)
    return page
