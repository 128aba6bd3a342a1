"""All pages of the studio in Chromium: jobs, a training that is watched, keys alone, a phone."""

import shutil
import subprocess
import sys
from importlib.util import find_spec

import pytest
from playwright.sync_api import expect

from tests.support.browser import PALE_TEXTS, tab_to
from tests.support.curated_folders import three_entries, write_curated_folders
from tests.support.growing_runs import NAME as RUN
from tests.support.growing_runs import GrowingRun

NAME = "S01-20260101T090001Z"
PATIENCE_MS = 60_000               # on a machine that is busy
# keeps how many epochs a run's page shows of all its trainings, whenever that changes
KEEP_EPOCHS = """() => new MutationObserver(() => {
  const cells = [...document.querySelectorAll("#last td:nth-child(2)")];
  const shown = cells.reduce((sum, cell) => sum + Number(cell.textContent), 0);
  sessionStorage.setItem("epochs", `${sessionStorage.getItem("epochs") ?? ""} ${shown}`);
}).observe(document.querySelector("#last tbody"), {childList: true})"""


@pytest.fixture
def ended_run(data):
    """A run that has ended is there while a test goes on."""
    with GrowingRun(data) as run:
        run.write_losses("teacher", [0.9])
        run.end(teacher=3.0)
    yield
    shutil.rmtree(data / "runs")


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
