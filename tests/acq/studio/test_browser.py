"""A curator at the studio in Chromium: pictures, parts excluded by dragging, two browsers."""

import shutil
from dataclasses import replace

import pytest
from playwright.sync_api import expect

from acquire.writing import hold, recordings_of
from dataset.selection import decide
from dataset.selection.make_exclusion import make_exclusion
from tests.support.made_sessions import make_session
from tests.support.session_writing import numbered_frame, numbered_sample, open_writer

NAME = "S01-20260101T090001Z"
PATIENCE_MS = 60_000               # on a machine that is busy


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


def test_a_press_of_undo_waits_for_the_decision_before_it(visit, data, excluded):
    page = visit(f"/sessions/{NAME}")
    for second in "123":
        for name, typed in (("from", second), ("to", f"{second}.5"), ("reason", second)):
            page.locator(f"[name={name}]").fill(typed)
        page.keyboard.press("Enter")
        expect(page.locator("#excluded li")).to_have_count(int(second))
        expect(page.locator("#lanes")).to_be_focused()
    undone = []

    def take(route):
        undone.append(route.request.url)
        page.wait_for_timeout(300)
        route.continue_()

    page.route("**/undo", take)
    page.keyboard.press("u")
    page.keyboard.press("u")
    expect(page.locator("#excluded li")).to_have_count(1)
    excluded((1.0, 1.5, "1"))
    expect(page.locator("#undo")).to_be_enabled()
    assert len(undone) == 2


def test_a_reason_that_is_replaced_is_told(visit, data, excluded):
    page, path = visit(f"/sessions/{NAME}"), data / f"sessions/S01/{NAME}.h5"
    decide.exclude(data, [make_exclusion(path, from_s=1.0, to_s=2.0, reason="of a terminal")])
    for name, typed in (("from", "1"), ("to", "2"), ("reason", "of the page")):
        page.locator(f"[name={name}]").fill(typed)
    page.keyboard.press("Enter")
    expect(page.locator("#done")).to_contain_text("0:01 to 0:02, instead of: of a terminal (20")
    excluded((1.0, 2.0, "of the page"))
    page.goto(page.url.rpartition("/")[0])
    page.get_by_label(f"Select {NAME}").check()
    for reason in ("dark", "very dark"):
        page.get_by_role("button", name="Exclude…").click()
        page.locator("#exclude [name=reason]").fill(reason)
        page.keyboard.press("Enter")
        expect(page.locator("#done")).to_contain_text("Excluded 1 session.")   # the page is new
    expect(page.locator("#done")).to_contain_text("the whole session, instead of: dark (20")


def test_a_part_that_ends_at_the_end_holds_the_last_frame(visit, excluded):
    page = visit(f"/sessions/{NAME}")
    for key in ("Home", "ArrowRight", "ArrowRight", "[", "End", "]"):
        page.keyboard.press(key)
    expect(page.locator("[name=to]")).to_have_value("")
    assert float(page.locator("[name=from]").input_value()) <= 2 / 30       # that frame, too
    page.locator("[name=reason]").fill("left")
    page.keyboard.press("Enter")
    excluded((2 / 30, None, "left"))


def test_nothing_of_a_recording_that_is_deleted_stays_on_its_page(visit, data):
    visit.expected += ["410 (Gone)"]
    make_session(data, "S04", seconds=1.0)
    page = visit("/sessions/S04-20260101T090001Z")
    (data / "sessions/S04/S04-20260101T090001Z.h5").unlink()
    expect(page.locator("main")).to_contain_text("this recording is no longer there")
    expect(page.locator("canvas, #excluded, #notes")).to_have_count(0)
    assert "S02" not in page.content()


def test_a_picture_that_cannot_be_shown_is_asked_for_once(visit):
    visit.expected += ["400 (Bad Request)"]
    page, asked = visit(f"/sessions/{NAME}"), []

    def refuse(route):
        asked.append(route.request.url)
        route.fulfill(status=400, json={"error": "it does not decode"})

    page.route("**/frames/*", refuse)
    page.keyboard.press("ArrowRight")
    expect(page.locator("#at")).to_contain_text("cannot be shown")
    expect(page.locator("#problem")).to_have_text("it does not decode")
    page.wait_for_timeout(500)
    assert len(asked) == 1


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
    expect(typed).to_be_focused()
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


def test_a_session_without_a_grade_says_so_beside_the_others_on_a_phone(visit, data):
    for number in (1, 2):
        make_session(data, "S05", number, seconds=1.0)
    page = visit("/sessions/S05-20260101T090001Z", viewport={"width": 400, "height": 900})
    missing = page.locator("#days td[data-is=grade]")
    expect(missing).to_have_count(2)
    expect(missing.first).to_have_text("–")
    shutil.rmtree(data / "sessions/S05")


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
