"""An operator at the rig in Chromium: from the first click to the summary, past a killed studio."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect

from acq.running.watch import find_recordings
from acquire.calibration.rig_file import read_rig
from acquire.data_folder import session_files
from dataset.session.reader import Session
from dataset.session.summary import summarise_session
from tests.support.browser import open_chromium
from tests.support.made_videos import pictures, write_video
from tests.support.twin import Twin

PATIENCE_MS = 120_000              # on a machine that is busy
LED_DOWN, LED_ACROSS = 50, 14       # % of the picture, where the virtual rig has its LED
CLEAR_NS = 2_000_000               # the tolerance: what the offset has to come out within
PROTOCOL = """
name: short
cues:
  - {name: rest, seconds: 600, text: 가만히 앉아 계세요}
  - {name: talk, seconds: 60, text: Talk}
"""

pytestmark = pytest.mark.real_time


@pytest.fixture
def browser():
    with open_chromium(patience_ms=PATIENCE_MS) as browser:
        yield browser


@pytest.fixture
def begin(tmp_path, monkeypatch):
    """Start a studio, with more options; return its link and its process."""
    (tmp_path / "run").mkdir()
    (tmp_path / "data/protocols").mkdir(parents=True)
    (tmp_path / "data/protocols/short.yaml").write_text(PROTOCOL)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    begun = []

    def start(*more):
        words = "studio", "--data", str(tmp_path / "data"), "--port", port, "--json", *more
        process = subprocess.Popen(
            [sys.executable, "-m", "acq.start", *words], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True,
        )
        begun.append(process)
        return json.loads(process.stdout.readline())["link"], process

    yield start
    for process in begun:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()
    for left in find_recordings(tmp_path / "data", {}):
        os.kill(int(left.path.stem), signal.SIGKILL)


def test_a_recording_from_the_first_click_to_the_summary_past_a_killed_studio(
    begin, browser, tmp_path
):
    link, studio = begin()
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
    expect(rig.locator("#ended")).to_contain_text("1 mark: mark 3 at")
    expect(chair.locator("#cue-text")).to_have_text("No recording")
    summary = summarise_session(Path(recording.end["path"]))
    assert summary.complete
    assert [mark.text for mark in summary.log.marks] == ["mark 3"]


def test_a_calibration_step_by_step_until_recordings_get_its_offset(begin, browser, tmp_path):
    link, studio = begin()
    rig = visit(browser, link, "/rig")
    expect(rig.locator("#kept")).to_contain_text("None")
    rig.select_option("[name=camera]", "virtual")
    rig.fill("[name=fps]", "60")
    rig.locator("#steps summary").click()
    rig.get_by_role("button", name="Show picture").click()
    rig.get_by_role("button", name="Blink the LED").click()
    expect(rig.locator("#led")).to_contain_text("✓ seen")
    down, across = map(int, re.findall(r"(\d+)%", rig.locator("#led").text_content()))
    assert (down, across) == pytest.approx((LED_DOWN, LED_ACROSS), abs=2)
    rig.fill("[name=toggles]", "80")
    rig.get_by_role("button", name="Calibrate", exact=True).click()
    expect(rig.locator("#phase")).to_contain_text("calibrates")
    expect(rig.locator("#switching")).to_contain_text("of 80 times")
    expect(rig.locator("#calibrated")).to_contain_text("✓ done")
    expect(rig.locator("#kept")).to_contain_text("made just now")
    found = read_rig(tmp_path / "data")
    assert (100 * found.row, 100 * found.column) == pytest.approx((LED_DOWN, LED_ACROSS), abs=2)
    # the virtual camera stamps the middle of the exposure, of the row that the LED is in
    assert abs(found.light_offset_ns) < CLEAR_NS
    rig.get_by_role("button", name="Show picture").click()
    expect(rig.locator("#rows tr", has_text="light offset")).to_contain_text("than the light, ±")
    studio.terminate()                                      # while a page is open
    _, words = studio.communicate(timeout=60)
    assert (studio.returncode, "Traceback" in words) == (0, False)


def test_a_page_that_is_opened_while_a_calibration_runs_shows_its_choices(begin, browser):
    link, _ = begin()
    rig = visit(browser, link, "/rig")
    expect(rig.locator("#takes")).to_have_text("It takes about 23 s.")
    rig.select_option("[name=camera]", "virtual")
    rig.locator("#steps summary").click()
    rig.fill("[name=fps]", "10")
    rig.fill("[name=toggles]", "600")
    rig.get_by_role("button", name="Calibrate", exact=True).click()
    other = visit(browser, link, "/rig")
    expect(other.locator("#switching")).to_contain_text("of 600 times")
    for name, value in (("camera", "virtual"), ("fps", "10"), ("toggles", "600")):
        expect(other.locator(f"[name={name}]")).to_have_value(value)
        expect(other.locator(f"[name={name}]")).to_be_disabled()
    expect(other.locator("#takes")).to_have_text("It takes about 272 s.")
    other.get_by_role("button", name="Cancel").click()
    expect(rig.locator("#calibrated")).to_contain_text("cancelled")
    expect(rig.locator("[name=fps]")).to_be_enabled()


@pytest.mark.twin
def test_the_twin_from_a_calibration_without_an_led_to_a_recording_that_is_true(
    program, begin, browser, tmp_path
):
    write_video(tmp_path / "room.avi", pictures(100, 64, 48))
    with Twin(program, "--duration", 600, raw_truth=tmp_path / "truth.csv") as twin:
        camera = f"replay:{tmp_path}/room.avi?fps=25"
        link, _ = begin("--camera", camera, "--sensor-port", twin.path)
        rig = visit(browser, link, "/rig")
        rig.select_option("[name=camera]", camera)
        rig.select_option("[name=port]", twin.path)
        rig.get_by_role("button", name="Show picture").click()
        expect(rig.locator("#rows tr", has_text="samples")).to_contain_text("at 25 Hz")
        rig.locator("#steps summary").click()
        rig.get_by_role("button", name="Calibrate", exact=True).click()
        expect(rig.locator("#calibrated")).to_contain_text("a live camera that sees the LED")
        rig.fill("[name=subject]", "S01")
        rig.fill("[name=duration]", "2s")
        rig.get_by_role("button", name="Record", exact=True).click()
        rig.get_by_role("button", name="Note, and record").click()
        expect(rig.locator("#ended")).to_contain_text("stopped by duration")
        expect(rig.locator("#ended")).to_contain_text("no marks")
        truth = twin.truth()
    (path,) = session_files(tmp_path / "data")
    with Session(path) as session:
        assert not session.simulated
        times_ns = np.array([truth[number][0] for number in session.ppg_sequence])
        assert len(times_ns) > 40
        assert (np.abs(session.ppg_time_ns - times_ns) <= session.ppg_bound_ns).all()


def visit(browser, link, address):
    """Open a page in a browser of its own."""
    context = browser.new_context(viewport={"width": 400, "height": 600})
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(link)
    page.goto(link.partition("/?")[0] + address)
    return page
