"""A curator at the studio in Chromium: pictures, parts excluded by dragging, two browsers."""

import json
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace

import pytest
from playwright.sync_api import expect, sync_playwright

from acquire.writing import hold, recordings_of
from dataset.selection import decide
from dataset.selection.exclusions_file import read_exclusions
from dataset.selection.make_exclusion import make_exclusion
from tests.support.growing_runs import NAME as RUN
from tests.support.growing_runs import GrowingRun
from tests.support.made_sessions import make_session
from tests.support.session_writing import numbered_frame, numbered_sample, open_writer

NAME = "S01-20260101T090001Z"
PATIENCE_MS = 60_000               # on a machine that is busy


# texts of a page whose contrast with what lies behind them is below that of WCAG AA
PALE_TEXTS = """() => {
  const light = colour => colour.map(part => part / 255)
    .map(part => part <= .03928 ? part / 12.92 : ((part + .055) / 1.055) ** 2.4)
    .reduce((sum, part, at) => sum + part * [.2126, .7152, .0722][at], 0);
  const parts = text => text.match(/[\\d.]+/g).map(Number);
  const behind = one => {
    for (; one; one = one.parentElement) {
      const colour = parts(getComputedStyle(one).backgroundColor);
      if (colour.length < 4 || colour[3]) return colour.slice(0, 3);
    }
    return [255, 255, 255];
  };
  const pale = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const text = walk.currentNode.textContent.trim(), one = walk.currentNode.parentElement;
    if (!text || !one.checkVisibility() || one.closest("[disabled]")) continue;
    const style = getComputedStyle(one), colour = one.closest("svg") ? style.fill : style.color;
    const [high, low] = [parts(colour).slice(0, 3), behind(one)].map(light).sort((a, b) => b - a);
    if ((high + .05) / (low + .05) < 4.5) pale.push(text);
  }
  return pale;
}"""


@pytest.fixture(scope="module")
def data(tmp_path_factory):
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
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("no browser; apt-get install chromium")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


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

    open_page.expected = ""              # what a page is meant to complain of
    yield open_page
    for context in contexts:
        context.close()
    assert all(open_page.expected and open_page.expected in line for line in complaints), complaints


@pytest.fixture
def excluded(data):
    """Return a function that waits until just these parts are excluded; none are afterwards."""
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


def drag(page, from_s, to_s, *, end_s):
    """Drag over the curves from one time to another."""
    page.locator("#lanes").scroll_into_view_if_needed()
    box = page.locator("#lanes").bounding_box()
    left, width = box["x"] + 74, box["width"] - 74 - 8           # LEFT and RIGHT of curves.js
    y = box["y"] + 90
    page.mouse.move(left + from_s / end_s * width, y)
    page.mouse.down()
    page.mouse.move(left + (from_s + to_s) / 2 / end_s * width, y)
    page.mouse.move(left + to_s / end_s * width, y)
    page.mouse.up()


def test_a_part_is_excluded_by_dragging_seen_in_another_browser_and_included(visit, excluded):
    mine, other = visit(f"/sessions/{NAME}"), visit(f"/sessions/{NAME}")
    drag(mine, 1.5, 3.0, end_s=6.0)
    expect(mine.locator("[name=reason]")).to_be_focused()
    mine.keyboard.type("고개를 돌림")
    mine.keyboard.press("Enter")
    excluded((1.5, 3.0, "고개를 돌림"))
    for page in (mine, other):
        expect(page.locator("#excluded li")).to_contain_text("고개를 돌림")
    other.get_by_role("button", name="Include again").click()
    excluded()
    expect(mine.locator("#excluded li")).to_have_text("nothing")


def test_keys_alone_go_through_the_pictures_and_exclude(visit, excluded):
    page = visit(f"/sessions/{NAME}")
    expect(page.locator("#at")).to_have_text("frame 0 of 178 · 0:00")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#picture[data-frame='1']")).to_be_visible(timeout=PATIENCE_MS)
    page.keyboard.press("Home")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("[")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("]")
    page.keyboard.press("e")
    page.keyboard.type("talks")
    page.keyboard.press("Enter")
    excluded((1.0, 2.0, "talks"))
    expect(page.locator("#excluded li")).to_contain_text("talks")
    expect(page.locator("#lanes")).to_be_focused()
    page.keyboard.press("u")
    excluded()


def test_the_list_is_filtered_sorted_and_kept_through_a_reload(visit, data, excluded):
    page = visit()
    for width in (400, 1280, 2560):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_function("document.documentElement.scrollWidth <= innerWidth")
    rows = page.locator("#sessions tbody tr:visible")
    expect(rows.first).to_contain_text("S01")
    page.get_by_role("button", name="Length").click()
    expect(rows.first).to_contain_text("S02")
    page.keyboard.press("/")
    page.keyboard.type("simul")
    expect(rows).to_have_count(1)
    page.reload()
    expect(rows).to_have_count(1)
    page.locator("[name=text]").fill("")
    page.locator("[name=lost]").check()
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text(NAME)
    # what the command line decides meanwhile is shown
    path = data / f"sessions/S01/{NAME}.h5"
    decide.exclude(data, [make_exclusion(path, from_s=1.0, to_s=2.0, reason="by hand")])
    expect(rows.first).to_contain_text("part out")


def test_a_loss_leads_to_its_place_and_the_page_fits_a_phone_and_a_large_screen(visit):
    page = visit(f"/sessions/{NAME}")
    row = page.locator("#notes tbody tr", has_text="frames lost")
    expect(row).to_contain_text("2 frames")
    row.get_by_role("button").click()
    assert float(page.locator("[name=from]").input_value()) == pytest.approx(39 / 30, abs=0.01)
    for width in (400, 2560):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme="dark")
        page.wait_for_function("document.documentElement.scrollWidth <= innerWidth")


def test_a_job_is_cancelled_and_still_told_of_after_a_reload_and_on_its_page(visit):
    page = visit()
    page.locator("#all").check()
    expect(page.locator("#selected")).to_have_text("2 sessions of 2 subjects")
    page.locator("[data-action=qc]").click()
    page.get_by_role("button", name="Cancel: grade 2 sessions").click()
    expect(page.locator("#jobs .state")).to_have_text("cancelled")
    page.get_by_role("link", name="Jobs").click()
    page.reload()
    job = page.locator("#jobs article")
    expect(job).to_contain_text("grade 2 sessions")
    expect(job.locator(".state")).to_have_text("cancelled")


def test_a_subject_is_deleted_only_where_its_name_is_typed(visit, data):
    page = visit()
    page.get_by_label(f"Select {NAME}").check()
    page.get_by_role("button", name="Delete a subject").click()
    page.get_by_label("Type the subject's name").fill("S02")
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.locator("#problem")).to_contain_text("expected S01, typed")
    visit.expected = "400 (Bad Request)"
    assert (data / f"sessions/S01/{NAME}.h5").exists()
    assert not [path for path in (data / "studio/jobs").glob("*/job.json")
                if "withdraw" in path.read_text()]


def test_a_training_is_watched_until_its_report_is_there_and_runs_no_script(visit, data):
    with GrowingRun(data) as run:
        run.write_losses("teacher", [0.9])
        page = visit(f"/runs/{RUN}")
        row = page.locator("#last tbody tr", has_text="teacher")
        expect(row.locator("td").nth(1)).to_have_text("1")
        run.write_losses("teacher", [0.9, 0.4])
        expect(row.locator("td").nth(1)).to_have_text("2")
        expect(row).to_contain_text("0.400")
        run.end(teacher=3.0, student=4.0)
    visit.expected = "Blocked script execution"
    expect(page.locator("#state")).to_have_text("done")
    expect(page.frame_locator("iframe").locator("h1")).to_have_text("The report")
    assert page.frame_locator("iframe").locator("html").evaluate("document.title") == ""


def test_a_recording_that_goes_on_grows_on_its_page_until_it_ends(visit, data):
    path = data / "sessions/S01/S01-20260102T090001Z.h5"
    with hold(data, recordings_of("S01")), open_writer(path) as writer:
        def record(frames):
            for number in frames:
                at_ns = 40_000_000 * number
                writer.add_frame(replace(numbered_frame(number), time_ns=at_ns))
                writer.add_sample(**{**numbered_sample(number), "time_ns": at_ns})
            writer.flush()

        record(range(10))
        page = visit(f"/sessions/{path.stem}")
        expect(page.locator("#state")).to_contain_text("still recording")
        page.keyboard.press("End")
        expect(page.locator("#at")).to_contain_text("frame 9 of 10")
        record(range(10, 20))
        expect(page.locator("#at")).to_contain_text("frame 19 of 20")
        writer.close(complete=True)
    expect(page.locator("#state")).to_be_hidden()
    path.unlink()


def test_every_page_fits_a_phone_and_is_read_in_light_and_in_dark(visit):
    page = visit("/rig", viewport={"width": 400, "height": 800})
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for name in ("Sessions", "Data set", "Runs", "Jobs", "Changes", "Rig"):
            page.get_by_role("link", name=name, exact=True).click()
            expect(page.get_by_role("link", name=name, exact=True)).to_have_attribute(
                "aria-current", "page"
            )
            page.wait_for_load_state()               # the style may come after the text
            assert page.evaluate("document.documentElement.scrollWidth") == 400, name
            assert page.evaluate(PALE_TEXTS) == [], (name, scheme)
