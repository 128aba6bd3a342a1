"""A curator at the studio in Chromium: pictures, parts excluded by dragging, two browsers."""

import json
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from importlib.util import find_spec

import pytest
from playwright.sync_api import expect

from acquire.writing import hold, recordings_of
from dataset.selection import decide
from dataset.selection.exclusions_file import read_exclusions
from dataset.selection.make_exclusion import make_exclusion
from tests.support.browser import PALE_TEXTS, open_chromium, tab_to
from tests.support.curated_folders import three_entries, write_curated_folders
from tests.support.growing_runs import NAME as RUN
from tests.support.growing_runs import GrowingRun
from tests.support.made_sessions import make_session
from tests.support.session_writing import numbered_frame, numbered_sample, open_writer

NAME = "S01-20260101T090001Z"
PATIENCE_MS = 60_000               # on a machine that is busy
# keeps how many epochs a run's page shows of all its trainings, whenever that changes
KEEP_EPOCHS = """() => new MutationObserver(() => {
  const cells = [...document.querySelectorAll("#last td:nth-child(2)")];
  const shown = cells.reduce((sum, cell) => sum + Number(cell.textContent), 0);
  sessionStorage.setItem("epochs", `${sessionStorage.getItem("epochs") ?? ""} ${shown}`);
}).observe(document.querySelector("#last tbody"), {childList: true})"""


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
def ended_run(data):
    """A run that has ended is there while a test goes on."""
    with GrowingRun(data) as run:
        run.write_losses("teacher", [0.9])
        run.end(teacher=3.0)
    yield
    shutil.rmtree(data / "runs")


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


def test_a_part_is_excluded_by_dragging_seen_in_another_browser_and_included(
    visit, data, excluded
):
    mine, other = visit(f"/sessions/{NAME}"), visit(f"/sessions/{NAME}")
    log = data / "studio/changes.log"
    before = log.read_text() if log.exists() else ""
    drag(mine, 1.5, 3.0, end_s=6.0)
    expect(mine.locator("[name=reason]")).to_be_focused()
    mine.keyboard.type("고개를 돌림")
    mine.get_by_role("button", name="Exclude", exact=True).dblclick()
    excluded((1.5, 3.0, "고개를 돌림"))
    expect(mine.locator("#lanes")).to_be_focused()
    assert log.read_text().removeprefix(before).count("excluded: ") == 1
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


def test_a_loss_leads_to_its_place_and_the_page_fits_a_phone_and_a_large_screen(visit, excluded):
    page = visit(f"/sessions/{NAME}")
    row = page.locator("#notes tbody tr", has_text="frames lost")
    expect(row).to_contain_text("2 frames")
    row.get_by_role("button").click()
    printed = row.get_by_role("button").inner_text()
    assert float(page.locator("[name=from]").input_value()) == pytest.approx(39 / 30, abs=0.01)
    for width in (400, 2560):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme="dark")
        page.wait_for_function("document.documentElement.scrollWidth <= innerWidth")
    for name, typed in (("from", printed), ("to", "0:02,5"), ("reason", "as it is printed")):
        page.locator(f"[name={name}]").fill(typed)
    page.keyboard.press("Enter")
    excluded((39 / 30, 2.5, "as it is printed"))


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


def test_a_subject_is_deleted_only_where_its_name_is_typed_and_it_is_told_what_is_left(visit, data):
    make_session(data, "S03", seconds=1.0)
    notes = data / "list.csv"
    notes.write_text("S03")
    page = visit()
    page.get_by_label("Select S03-20260101T090001Z").check()
    page.get_by_role("button", name="Delete a subject").click()
    expect(page.locator("#plan")).to_contain_text("sessions/S03 (recordings, ")
    delete = page.get_by_role("button", name="Delete", exact=True)
    typed = page.locator("[name=typed]")
    for words in ("", "S02", "s03"):
        typed.fill(words)
        expect(delete).to_be_disabled()
        page.keyboard.press("Enter")
        expect(page.locator("dialog[open]")).to_be_visible()
    typed.fill("S03")
    expect(delete).to_be_enabled()
    page.keyboard.press("Enter")
    expect(page.locator("#sessions tbody")).not_to_contain_text("S03")     # loaded again
    for words in ("deleted: 1 recording", f"not touched: {notes}", "cannot be reached from here"):
        expect(page.locator("#jobs")).to_contain_text(words)
    assert not (data / "sessions/S03").exists()
    assert (data / f"sessions/S01/{NAME}.h5").exists()
    notes.unlink()


@pytest.mark.skipif(find_spec("torch") is None, reason="trains a network; install acq[train]")
def test_a_training_is_watched_until_its_report_is_there_and_runs_no_script(visit, data):
    write_curated_folders(data, three_entries())
    page = visit("/runs")
    expect(page.locator("main")).to_contain_text("None yet")
    words = "train-kd", "--data", str(data), "--epochs", "3", "--jobs", "1", "--quiet"
    training = subprocess.Popen(
        [sys.executable, "-m", "acq.main", *words], stdout=subprocess.DEVNULL,
    )
    page.locator("#runs a").click()
    page.wait_for_selector("#last tbody", state="attached")
    page.evaluate(KEEP_EPOCHS)
    visit.expected.append("Blocked script execution")
    expect(page.locator("#state")).to_have_text("done", timeout=10 * PATIENCE_MS)
    assert training.wait(60) == 0
    shown = [int(one) for one in page.evaluate("sessionStorage.getItem('epochs')").split()]
    assert shown == sorted(shown)
    assert len(set(shown) - {0}) > 1                       # it grew while it trained
    expect(page.locator("#last td:nth-child(2)")).to_have_text(["3", "3", "3"])
    expect(page.locator("#last tr").last).to_contain_text("with its teacher's terms")
    expect(page.frame_locator("iframe").locator("h1")).to_contain_text("A small network")
    for name in ("ubfc", "runs", "cache"):
        shutil.rmtree(data / name)


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


def test_keys_alone_do_the_work_of_every_page(visit, excluded, ended_run):
    page = visit()
    key = page.keyboard
    tab_to(page, "To the content")                       # sessions: two are excluded, and back
    key.press("Enter")
    tab_to(page, "Select all")
    key.press("Space")
    expect(page.locator("#selected")).to_have_text("2 sessions of 2 subjects")
    tab_to(page, "Exclude…", back=True)
    for last in ("Escape", "Enter"):
        key.press("Enter")
        key.type("조명")
        key.press(last)
        expect(page.locator("dialog[open]")).to_have_count(0)
    excluded((None, None, "조명"))
    page.wait_for_selector("#done:not([hidden])")
    tab_to(page, "Undo")
    key.press("Enter")
    excluded()
    page.wait_for_selector("#done[hidden]", state="attached")
    tab_to(page, "Convert, export…")                     # for another tool: there is no split
    key.press("Enter")
    tab_to(page, "no tool")
    key.press("ArrowDown")
    key.press("Enter")
    expect(page.locator("#jobs")).to_contain_text("export for rppg-toolbox, UBFC layout")
    tab_to(page, NAME)                                   # a session: the whole of it is asked for
    key.press("Enter")
    page.wait_for_selector("#picture[data-frame]")
    key.press("e")
    key.type("whole")
    key.press("Enter")
    key.press("Escape")
    expect(page.locator("dialog[open]")).to_have_count(0)
    excluded()
    key.press("Enter")
    expect(page.locator("dialog[open]")).to_be_visible()
    key.press("Enter")
    excluded((None, None, "whole"))
    expect(page.locator("#lanes")).to_be_focused()
    key.press("u")
    excluded()
    tab_to(page, "Data set", back=True)                  # the data set is verified
    key.press("Enter")
    page.wait_for_selector("#people")
    tab_to(page, "Verify")
    key.press("Enter")
    expect(page.locator("#jobs")).to_contain_text("checked 2 sessions")
    tab_to(page, "Runs", back=True)                      # the report of a run is read
    key.press("Enter")
    page.wait_for_selector("#runs")
    tab_to(page, RUN)
    key.press("Enter")
    page.wait_for_selector("#last td")
    tab_to(page, "The report alone")
    visit.expected.append("Blocked script execution")
    key.press("Enter")
    expect(page.locator("h1")).to_have_text("The report")
    page.go_back()
    page.wait_for_selector("#last td")
    tab_to(page, "Jobs")                                 # what a job printed is read
    key.press("Enter")
    page.wait_for_selector("#jobs summary")
    tab_to(page, "Result")
    key.press("Enter")
    expect(page.locator("#jobs details[open] pre")).to_contain_text('"sessions": 2')
    tab_to(page, "Changes", back=True)
    key.press("Enter")
    expect(page.locator("tbody").first).to_contain_text("verify")
    tab_to(page, "Rig", back=True)                       # a camera is chosen
    key.press("Enter")
    page.wait_for_selector("#devices")
    tab_to(page, "Camera")
    key.type("virtual")
    expect(page.locator("[name=camera]")).to_have_value("virtual")
    tab_to(page, "Show picture")


def test_every_page_fits_a_phone_and_is_read_in_light_and_in_dark(visit, data, ended_run):
    (data / "ubfc").mkdir()
    (data / "ubfc/card.md").write_text(f"{'f' * 64}\n\n|{'|'.join('abcdefgh')}|\n|{8 * '--|'}\n"
                                       f"|{'|'.join(8 * ['a long cell'])}|")
    page = visit(viewport={"width": 400, "height": 800})
    visit.expected += ["Blocked script execution", "404 (Not Found)"]
    home = page.url.removesuffix("/sessions")
    session, run = f"/sessions/{NAME}", f"/runs/{RUN}"
    pages = "/sessions", session, "/dataset", "/runs", run, "/jobs", "/changes", "/rig", "/rig/cues"
    for address in (*pages, "/sessions/nothing"):
        page.goto(home + address)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert page.evaluate("document.documentElement.scrollWidth") == 400, address
            assert page.evaluate(PALE_TEXTS) == [], (address, scheme)
    shutil.rmtree(data / "ubfc")
