"""How many clicks ten tasks each take an operator, a curator and a researcher in the studio.

`python -m benchmarks.studio_clicks` does every task in Chromium, from a page that has nothing to do
with it, and counts the presses that the page gets: a link of the head is one, a list opened and an
entry chosen two, a drag one. What is typed counts nothing, Enter in a field with it.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect, sync_playwright

from dataset.convert.to_ubfc import convert_sessions
from dataset.selection.choose import split_by_subject
from dataset.selection.identities import identify_sessions
from dataset.selection.split_file import write_split
from tests.support.growing_runs import NAME as RUN
from tests.support.growing_runs import GrowingRun
from tests.support.made_sessions import make_session

PATIENCE_MS = 180_000
FIRST = "S01-20260101T090001Z"
_COUNT = "addEventListener('pointerdown', event => { if (event.isTrusted) pressed(); }, true)"


class Desk:
    """A page, and the clicks that it got."""

    def __init__(self, page: Page) -> None:
        self.page, self.clicks, self._home = page, 0, ""
        page.expose_function("pressed", self._press)
        page.add_init_script(_COUNT)

    def _press(self) -> None:
        self.clicks += 1

    def enter(self, link: str) -> None:
        """Open the link that the studio printed."""
        self._home = link.partition("/?")[0]
        self.page.goto(link)
        self.page.wait_for_selector("#sessions")

    def count(self, task: Callable[["Desk"], Any], start: str) -> int:
        """Do a task from a page, and return its clicks."""
        self.page.goto(self._home + start)
        self.clicks = 0
        task(self)
        return self.clicks

    def go(self, name: str, wait_for: str = "main") -> None:
        """Press a link of the head."""
        self.page.get_by_label("Pages").get_by_role("link", name=name).click()
        self.page.wait_for_selector(wait_for)
        self.page.wait_for_load_state()              # its scripts have run

    def press(self, name: str, within: str = "main") -> None:
        """Press a button."""
        self.page.locator(within).get_by_role("button", name=name, exact=True).first.click()

    def tick(self, label: str) -> None:
        """Press a box, or a round one."""
        self.page.get_by_label(label).click()

    def choose(self, selector: str, value: str) -> None:
        """Choose an entry of a list; the browser's own list hides both presses from the page."""
        self.page.select_option(selector, value)
        self.clicks += 2

    def say(self, words: str) -> None:
        """Type into what has the focus, and press Enter."""
        self.page.keyboard.type(words)
        self.page.keyboard.press("Enter")

    def see(self, selector: str, words: str) -> None:
        """Wait until a part of the page says something."""
        expect(self.page.locator(selector).first).to_contain_text(words)

    def list(self) -> None:
        """Go to the sessions."""
        self.go("Sessions", "#sessions tbody tr")


def newest(desk: Desk) -> None:
    desk.list()
    desk.press("Started")
    desk.page.locator("#sessions tbody a").first.click()
    desk.page.wait_for_selector("#picture[data-frame]")


def lost(desk: Desk) -> None:
    desk.list()
    desk.tick("with losses")
    desk.see("#shown", "1 of")


def show_picture(desk: Desk) -> None:
    desk.go("Rig", "#devices")
    desk.choose("[name=camera]", "virtual")
    desk.press("Show picture")
    desk.page.wait_for_selector("#picture[data-pictures]")


def record(desk: Desk) -> None:
    desk.go("Rig", "#devices")
    desk.choose("[name=camera]", "virtual")
    desk.page.locator("[name=subject]").click()
    desk.say("S09")
    desk.press("Note, and record", "dialog[open]")
    desk.see("#running", "Recording S09")


def mark(desk: Desk) -> None:
    desk.page.wait_for_selector("#running:not([hidden])")
    desk.page.locator("#mark").click()
    desk.see("#marks", "1 mark")


def cues(desk: Desk) -> None:
    desk.go("Rig", "#running:not([hidden])")
    with desk.page.context.expect_page() as opened:
        desk.page.locator("#cues").click()
    opened.value.close()


def follow(desk: Desk) -> None:
    desk.go("Rig", "#running:not([hidden])")


def stop(desk: Desk) -> None:
    desk.page.wait_for_selector("#running:not([hidden])")
    desk.page.locator("#stop").click()
    desk.page.locator("#stop").click()
    desk.see("#ended", "S09")


def of_a_subject(desk: Desk) -> None:
    desk.list()
    desk.page.keyboard.press("/")
    desk.page.keyboard.type("S02")
    desk.see("#shown", "1 of")


def changes(desk: Desk) -> None:
    desk.go("Changes", "tbody")


def grade(desk: Desk) -> None:
    desk.list()
    desk.press("Grade all")
    desk.see("#jobs", "grade all")


def graded_bad(desk: Desk) -> None:
    desk.list()
    desk.choose("[name=grade]", "bad")


def exclude_part(desk: Desk) -> None:
    desk.list()
    desk.page.get_by_role("link", name=FIRST).click()
    desk.page.wait_for_selector("#picture[data-frame]")
    desk.page.locator("#lanes").scroll_into_view_if_needed()
    box = desk.page.locator("#lanes").bounding_box()
    assert box is not None
    desk.page.mouse.move(box["x"] + 200, box["y"] + 90)
    desk.page.mouse.down()
    desk.page.mouse.move(box["x"] + 400, box["y"] + 90, steps=3)
    desk.page.mouse.up()
    desk.say("talks")
    desk.see("#excluded", "talks")


def undo(desk: Desk) -> None:
    desk.page.wait_for_selector("#picture[data-frame]")
    desk.page.locator("#undo").click()
    desk.see("#excluded", "nothing")


def exclude_two(desk: Desk) -> None:
    desk.list()
    for name in (FIRST, FIRST.replace("S01", "S02")):
        desk.tick(f"Select {name}")
    desk.press("Exclude…")
    desk.say("dark")
    desk.see("#done", "Excluded 2 sessions")
    desk.press("Undo")
    desk.page.wait_for_selector("#done[hidden]", state="attached")


def split(desk: Desk) -> None:
    desk.page.evaluate("sessionStorage.clear()")
    desk.list()
    desk.tick(f"Select {FIRST}")
    desk.press("Split…")
    desk.press("Split", "dialog[open]")
    desk.see("#jobs", "split, S01 tested")


def convert(desk: Desk) -> None:
    desk.go("Data set", "#people")
    desk.press("Write the folders")
    desk.see("#jobs", "write the curated folders")


def export(desk: Desk) -> None:
    desk.list()
    desk.press("Convert, export…")
    desk.tick("rppg-toolbox")
    desk.press("Write", "dialog[open]")
    desk.see("#jobs", "export for rppg-toolbox")


def other_days(desk: Desk) -> None:
    desk.list()
    desk.page.get_by_role("link", name=FIRST).click()
    desk.see("#days", "20260101T090002Z")


def withdraw(desk: Desk) -> None:
    desk.page.evaluate("sessionStorage.clear()")
    desk.list()
    desk.tick("Select S03-20260101T090001Z")
    desk.press("Delete a subject…")
    desk.see("#plan-size", "MB")
    desk.say("S03")
    desk.see("#jobs", "delete a subject")


def data_set(desk: Desk) -> None:
    desk.go("Data set", ".split")


def of_today(desk: Desk) -> None:
    desk.go("Data set", "#people")
    desk.see("main", "Is it of today?")


def preview(desk: Desk) -> None:
    desk.go("Data set", "#people")
    desk.press("Preview of today")
    desk.see("#previewed", "written")


def verify(desk: Desk) -> None:
    desk.go("Data set", "#people")
    desk.press("Verify")
    desk.see("#jobs", "verify")


def runs(desk: Desk) -> None:
    desk.go("Runs", "#runs")


def read_report(desk: Desk) -> None:
    desk.go("Runs", "#runs")
    desk.page.get_by_role("link", name=RUN).click()
    desk.page.wait_for_selector("iframe")


def watch(desk: Desk) -> None:
    desk.go("Runs", "#runs")
    desk.page.get_by_role("link", name=RUN).click()
    desk.see("#last", "teacher")


def read_session(desk: Desk) -> None:
    desk.go("Runs", "#runs")
    desk.page.get_by_role("link", name=RUN).click()
    desk.choose("#predict [name=session]", FIRST)
    desk.press("Read it with this run")
    desk.see("#jobs", f"read {FIRST}")


def folds(desk: Desk) -> None:
    desk.page.evaluate("sessionStorage.clear()")
    desk.list()
    desk.press("Split…")
    desk.press("Split", "dialog[open]")
    desk.see("#jobs", "split into 5 folds")


def job_result(desk: Desk) -> None:
    desk.go("Jobs", "#jobs summary")
    desk.page.locator("#jobs summary").first.click()
    desk.page.wait_for_selector("#jobs details[open]")


# who, what, how, and from which page: one that has nothing to do with it, or where it begins
TASKS = (
    ("operator", "look at the newest recording", newest, "/changes"),
    ("operator", "which sessions lost something", lost, "/changes"),
    ("operator", "all sessions of one subject (/ and its name)", of_a_subject, "/changes"),
    ("operator", "see what a camera sees (of them two to choose it)", show_picture, "/jobs"),
    ("operator", "record a new subject (of them two to choose the camera)", record, "/jobs"),
    ("operator", "follow a recording that goes on", follow, "/jobs"),
    ("operator", "mark a moment", mark, "/rig"),
    ("operator", "cues on a second screen", cues, "/jobs"),
    ("operator", "stop the recording", stop, "/rig"),
    ("operator", "what was changed, and when", changes, "/jobs"),
    ("curator", "grade everything that is new", grade, "/changes"),
    ("curator", "which are bad (two to choose the grade)", graded_bad, "/changes"),
    ("curator", "exclude a part", exclude_part, "/changes"),
    ("curator", "take that back", undo, f"/sessions/{FIRST}"),
    ("curator", "exclude two sessions, and take that back", exclude_two, "/changes"),
    ("curator", "compare with the subject's other sessions", other_days, "/changes"),
    ("curator", "let a subject be tested", split, "/changes"),
    ("curator", "write the curated folders", convert, "/changes"),
    ("curator", "write them for another tool", export, "/changes"),
    ("researcher", "who tests at which heart rates", data_set, "/changes"),
    ("researcher", "is it of today", of_today, "/changes"),
    ("researcher", "the card as it would be", preview, "/changes"),
    ("researcher", "verify every byte", verify, "/changes"),
    ("researcher", "five folds", folds, "/changes"),
    ("researcher", "compare all runs", runs, "/changes"),
    ("researcher", "watch a training", watch, "/changes"),
    ("researcher", "read a report", read_report, "/changes"),
    ("researcher", "read a session with a run (two to choose it)", read_session, "/changes"),
    ("researcher", "what a job printed", job_result, "/changes"),
    # the last: it removes the records of jobs that name the subject
    ("curator", "delete a subject who withdraws", withdraw, "/changes"),
)


def make_data(data: Path) -> None:
    """Make three subjects, a split, curated folders and a run."""
    make_session(data, seconds=12.0, lost_frames=(40, 41))
    make_session(data, number=2, seconds=3.0, bpm=70.0, frame_offset_s=0.1)
    for number, subject in enumerate(("S02", "S03"), start=1):
        make_session(data, subject, seconds=12.0, bpm=80.0 + 10 * number)
    write_split(split_by_subject(identify_sessions(data), holdout=["S02"]), data / "split.json")
    convert_sessions(data)
    with GrowingRun(data) as run:
        run.write_losses("teacher", [0.9])
        run.end(teacher=3.0)


def main() -> None:
    """Do every task, and print its clicks as a table."""
    expect.set_options(timeout=PATIENCE_MS)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        data = Path(folder)
        make_data(data)
        studio = subprocess.Popen(
            [sys.executable, "-m", "acq.start", "studio", "--data", folder, "--json"],
            stdout=subprocess.PIPE, text=True,
        )
        try:
            assert studio.stdout is not None
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox"]
            )
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.set_default_timeout(PATIENCE_MS)
            desk = Desk(page)
            desk.enter(json.loads(studio.stdout.readline())["link"])
            rows = [(who, words, desk.count(task, start)) for who, words, task, start in TASKS]
            browser.close()
        finally:
            studio.terminate()
            studio.wait()
    print("| as | task | clicks |\n|---|---|---|")
    for one in ("operator", "curator", "researcher"):
        for who, words, clicks in rows:
            if who == one:
                print(f"| {who} | {words} | {clicks} |")


if __name__ == "__main__":
    main()
