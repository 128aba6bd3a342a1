"""What pages show of a recording that has gone, and of texts; and that each page is well made."""

import os
import re
import time
from pathlib import Path

import pytest

from dataset.withdraw.withdraw import withdraw
from tests.support.made_sessions import make_session
from tests.support.studio import FOLLOW, visitor

NAME = "S01-20260101T090001Z"
PAGE = f"/sessions/{NAME}"
GONE = "this recording is no longer there: it was deleted, or moved elsewhere"


@pytest.fixture
def data(tmp_path):
    make_session(tmp_path, seconds=2.0)
    return tmp_path


def listed(browser):
    """Return the page of all sessions, once they have been read."""
    until = time.monotonic() + 60
    while 'id="progress"' in (text := browser.get("/sessions").text):
        assert time.monotonic() < until
    return text


@pytest.mark.parametrize("how", ["deleted", "moved"])
def test_a_page_whose_recording_has_gone_hears_of_it_and_is_offered_no_other(data, how):
    make_session(data, number=2, seconds=1.0)            # of a name that is like it
    make_session(data, "S02", seconds=1.0)
    browser, path = visitor(data), data / f"sessions/S01/{NAME}.h5"
    browser.get(PAGE)
    with browser.websocket_connect(f"{FOLLOW}?session={NAME}") as socket:
        if how == "moved":
            path.rename(data / "elsewhere.h5")
        else:
            withdraw(data, "S01")
        for rest in ("", "/timeline", "/times", "/days", "/frames/0", "/curves?from=0&to=1"):
            answer = browser.get(PAGE + rest)
            assert (answer.status_code, answer.json()["error"]) == (410, GONE), rest
        assert socket.receive_json() == {"changed": "session"}
    assert browser.post(f"{PAGE}/undo").status_code == 410
    assert GONE in browser.get(PAGE, headers={"accept": "text/html"}).text


def test_a_recording_that_was_moved_within_the_data_folder_is_shown_from_there(data):
    browser, path = visitor(data), data / f"sessions/S01/{NAME}.h5"
    browser.get(PAGE)
    (data / "sessions/S02").mkdir()
    path.rename(data / f"sessions/S02/{NAME}.h5")
    assert browser.get(f"{PAGE}/timeline").status_code == 200


def test_a_recording_that_is_deleted_is_not_kept_open(data):
    browser, path = visitor(data), data / f"sessions/S01/{NAME}.h5"
    browser.get(PAGE)
    browser.get(f"{PAGE}/frames/0")
    held = [link for link in Path("/proc/self/fd").iterdir() if os.path.realpath(link) == str(path)]
    assert held
    path.unlink()
    browser.get(f"{PAGE}/frames/0")
    assert not any(str(path) in os.path.realpath(link) for link in Path("/proc/self/fd").iterdir())


def test_control_characters_are_shown_as_the_command_prints_them(data):
    browser = visitor(data)
    body = {"from_s": None, "to_s": None, "reason": "a\x1b[31mb"}
    browser.post(f"{PAGE}/exclude", json=body)
    (one,) = browser.get(f"{PAGE}/timeline").json()["excluded"]
    assert one["reason"] == "a\\x1b[31mb"
    text = listed(browser)
    assert "a\\x1b[31mb" in text
    assert "\x1b" not in text


def test_no_page_has_two_things_of_one_id(data):
    browser = visitor(data)
    listed(browser)
    mains = "/rig", "/rig/cues", "/sessions", "/dataset", "/runs", "/jobs", "/changes"
    for address in (*mains, PAGE):
        answer = browser.get(address)
        assert answer.status_code == 200, address
        ids = re.findall(r'\sid="([^"]+)"', answer.text)
        assert sorted(ids) == sorted(set(ids)), address


def test_a_job_that_is_asked_for_by_two_tabs_is_one_line_of_the_changes(data):
    browser = visitor(data)
    one, same = (browser.post("/jobs", json={"verb": "qc"}).json()["id"] for _ in range(2))
    assert one == same
    assert (data / "studio/changes.log").read_text().count("begun: grade all sessions") == 1
    browser.post(f"/jobs/{one}/cancel")
    until = time.monotonic() + 60
    while browser.get("/jobs/list").json()["jobs"][0]["state"] == "running":
        assert time.monotonic() < until


def test_a_grade_that_is_missing_has_its_label_where_a_row_is_a_card(data):
    assert 'data-is="grade">–</td>' in listed(visitor(data))
