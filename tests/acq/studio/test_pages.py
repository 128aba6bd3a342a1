"""The studio's pages show what the library knows, and change it only as the verbs do."""

import json
import time
from dataclasses import replace

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from acq.main import app
from acq.web.answers import LARGEST_BODY_BYTES
from acquire.writing import SELECTION, hold
from dataset.catalogue.known import KnownSessions
from dataset.convert.to_ubfc import convert_sessions
from dataset.selection import decide
from dataset.selection.choose import split_by_subject
from dataset.selection.exclusions_file import read_exclusions
from dataset.selection.identities import identify_sessions
from dataset.selection.make_exclusion import make_exclusion
from dataset.selection.split_file import write_split
from dataset.session.reader import Session
from dataset.withdraw.withdraw import withdraw
from tests.support.growing_runs import GrowingRun
from tests.support.made_sessions import make_session
from tests.support.studio import FOLLOW, visitor

NAME = "S01-20260101T090001Z"
PAGE = f"/sessions/{NAME}"
NOTHING_ELSE = {"out_of_date": [], "instead": []}


@pytest.fixture
def data(tmp_path):
    make_session(
        tmp_path, seconds=6.0, lost_frames=(40, 41), lost_samples=(60,), pixel_format="RGB",
        events=((2.0, "mark", "졸림 1"),),
    )
    return tmp_path


def excluded(data):
    return [(one.from_s, one.to_s, one.reason) for one in read_exclusions(data).of(NAME)]


def listed(browser):
    """Return the page of all sessions, once they have been read."""
    until = time.monotonic() + 60
    while 'id="progress"' in (text := browser.get("/sessions").text):
        assert time.monotonic() < until
    return text


def test_the_list_has_a_row_for_each_session_and_names_what_cannot_be_read(data):
    (data / "sessions/S01/broken.h5").write_text("no session")
    text = listed(visitor(data))
    assert f'<a href="{PAGE}">{NAME}</a>' in text
    assert "2+1" in text
    assert "broken" in text
    assert '<a href="/sessions/broken">' not in text


def test_a_thousand_sessions_are_all_in_the_list(data, monkeypatch):
    (first,) = (data / "sessions/S01").glob("*.h5")
    row, _ = KnownSessions(data).read_rows([first])[first]
    for number in range(1, 1000):
        path = data / f"sessions/S{number % 50 + 10}/S{number % 50 + 10}-{number}.h5"
        path.parent.mkdir(exist_ok=True)
        path.touch()
    monkeypatch.setattr(
        "dataset.catalogue.known.read_row", lambda path: (replace(row, session=path.stem), ())
    )
    text = listed(visitor(data))
    assert text.count('<tr role="row" data-grade') == 1000
    assert f'<a href="{PAGE}">' in text


def test_frames_come_by_their_number_with_the_times_of_their_light(data):
    browser = visitor(data)
    (path,) = (data / "sessions/S01").glob("*.h5")
    with Session(path) as session:
        times_s = np.frombuffer(browser.get(f"{PAGE}/times").content, "<f8")
        expected_s = (session.frame_light_ns - session.started_monotonic_ns) / 1e9
        assert np.array_equal(times_s, expected_s)
        for at in (0, 100, len(times_s) - 1):
            answer = browser.get(f"{PAGE}/frames/{at}")
            assert answer.headers["content-type"] == "image/jpeg"
            shown = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_COLOR)
            # of all frames it is most like the one that was asked for
            off = np.abs(shown[..., ::-1].astype(int) - session.frames[:]).mean(axis=(1, 2, 3))
            assert off.argmin() == at
    assert browser.get(f"{PAGE}/frames/{len(times_s)}").status_code == 404


def test_the_time_axis_shows_losses_and_events_where_they_were(data):
    shown = visitor(data).get(f"{PAGE}/timeline").json()
    (frames,), (samples,) = shown["frame_gaps"], shown["sample_gaps"]
    assert (frames["count"], samples["count"]) == (2, 1)
    assert frames["from_s"] == pytest.approx(39 / 30, abs=0.01)
    assert samples["from_s"] == pytest.approx(59 / 25, abs=0.01)
    assert shown["end_s"] == pytest.approx(6.0, abs=0.05)
    assert shown["marks"] == [{"at_s": 2.0, "text": "졸림 1"}]
    assert (shown["lost_frames"], shown["lost_samples"], shown["grade"]) == (2, 1, "")


def test_curves_hold_the_ppg_of_the_part_that_is_asked_for(data):
    browser = visitor(data)
    (path,) = (data / "sessions/S01").glob("*.h5")
    curve = browser.get(f"{PAGE}/curves?from=1&to=2").json()["ppg"]
    assert 0.9 < curve["x"][0] <= 1 <= 2 <= curve["x"][-1] < 2.1
    with Session(path) as session:
        whole = browser.get(f"{PAGE}/curves?from=-9&to=99").json()["ppg"]
        assert whole["y"] == session.ppg_values.tolist()
    for query in ("", "?from=2&to=1", "?from=x&to=1", "?from=nan&to=nan"):
        assert browser.get(f"{PAGE}/curves{query}").status_code == 400


def test_a_part_is_excluded_undone_and_included_as_the_verbs_do(data):
    browser = visitor(data)
    part = {"from_s": 1.25, "to_s": 2.5, "reason": "고개를 돌림"}
    assert browser.post(f"{PAGE}/exclude", json=part).json() == NOTHING_ELSE
    assert excluded(data) == [(1.25, 2.5, "고개를 돌림")]
    answer = browser.post(f"{PAGE}/exclude", json={**part, "reason": "another reason"})
    assert excluded(data) == [(1.25, 2.5, "another reason")]
    day = read_exclusions(data).listed[0].decided[:10]
    (told,) = answer.json()["instead"]
    assert told == f"Excluded {NAME}, 0:01.25 to 0:02.5, instead of: 고개를 돌림 ({day})."
    browser.post(f"{PAGE}/undo")
    assert excluded(data) == [(1.25, 2.5, "고개를 돌림")]
    browser.post(f"{PAGE}/include", json={"from_s": 1.25, "to_s": 2.5})
    assert excluded(data) == []
    assert browser.get(f"{PAGE}/timeline").json()["can_undo"]
    browser.post(f"{PAGE}/undo")
    assert excluded(data) == [(1.25, 2.5, "고개를 돌림")]
    browser.post(f"{PAGE}/undo")
    assert excluded(data) == []
    answer = browser.post(f"{PAGE}/undo")
    assert answer.status_code == 400
    assert "none to undo" in answer.json()["error"]


def test_several_are_excluded_at_once_and_each_undone_alone(data):
    make_session(data, "S02", seconds=1.0)
    browser = visitor(data)
    body = {"sessions": [NAME, "S02-20260101T090001Z"], "reason": "조명"}
    assert browser.post("/exclude", json=body).json() == NOTHING_ELSE
    assert [one.reason for one in read_exclusions(data).listed] == ["조명", "조명"]
    browser.post("/sessions/S02-20260101T090001Z/undo")
    assert [one.session for one in read_exclusions(data).listed] == [NAME]
    refused = browser.post("/exclude", json={**body, "sessions": [NAME, "../secret"]})
    assert refused.status_code == 404
    assert len(read_exclusions(data).listed) == 1


@pytest.mark.parametrize("reason", [None, "by hand"])
def test_a_step_that_another_process_took_back_or_replaced_locks_no_undo(data, reason):
    browser = visitor(data)
    for from_s in (1.0, 3.0, 3.0):                       # the last one by a double click
        part = {"from_s": from_s, "to_s": from_s + 1, "reason": "x"}
        browser.post(f"{PAGE}/exclude", json=part)
    decide.include(data, [NAME], (3.0, 4.0))
    if reason:
        (path,) = (data / "sessions/S01").glob("*.h5")
        decide.exclude(data, [make_exclusion(path, from_s=3.0, to_s=4.0, reason=reason)])
    others = [(3.0, 4.0, reason)] if reason else []
    assert browser.post(f"{PAGE}/undo").status_code == 200
    assert excluded(data) == others                      # of 1.0 to 2.0, which was still there
    assert not browser.get(f"{PAGE}/timeline").json()["can_undo"]
    assert "none to undo" in browser.post(f"{PAGE}/undo").json()["error"]
    assert excluded(data) == others


def test_what_others_excluded_again_is_left_as_they_decided_it(data):
    browser = visitor(data)
    part = {"from_s": 1.0, "to_s": 2.0}
    browser.post(f"{PAGE}/exclude", json={**part, "reason": "x"})
    browser.post(f"{PAGE}/include", json=part)
    (path,) = (data / "sessions/S01").glob("*.h5")
    decide.exclude(data, [make_exclusion(path, from_s=1.0, to_s=2.0, reason="by hand")])
    assert browser.post(f"{PAGE}/undo").status_code == 400
    assert excluded(data) == [(1.0, 2.0, "by hand")]


def test_undo_beside_the_list_takes_back_what_it_stands_beside_and_no_more(data):
    make_session(data, "S02", seconds=1.0)
    browser, body = visitor(data), {"sessions": [NAME, "S02-20260101T090001Z"], "reason": "조명 "}
    browser.post(f"{PAGE}/exclude", json={"from_s": 1.0, "to_s": 2.0, "reason": "earlier"})
    browser.post("/exclude", json=body)
    decide.include(data, [NAME], (None, None))
    for _ in range(2):                                   # pressed twice
        assert browser.post("/exclude/undo", json=body).json() == NOTHING_ELSE
        assert [one.reason for one in read_exclusions(data).listed] == ["earlier"]


def test_a_session_stands_beside_the_other_days_of_its_subject(data):
    make_session(data, number=2, seconds=3.0, bpm=90.0)
    make_session(data, "S02", seconds=1.0)
    browser = visitor(data)
    listed(browser)
    days = browser.get(f"{PAGE}/days").json()["days"]
    assert [(day["name"], day["is_here"]) for day in days] == [
        (NAME, True), ("S01-20260101T090002Z", False),
    ]
    assert days[0]["row"]["lost_frames"] == 2
    assert "other sessions of S01" in browser.get(PAGE).text
    assert "other sessions of" not in browser.get("/sessions/S02-20260101T090001Z").text


def test_what_goes_with_a_subject_is_what_the_terminal_lists(data):
    make_session(data, "S02", seconds=1.0)
    write_split(split_by_subject(identify_sessions(data), holdout=["S02"]), data / "split.json")
    (data / "list.csv").write_text("S01")
    with GrowingRun(data) as run:
        run.end(teacher=3.0)
    browser, words = visitor(data), ["withdraw", "S01", "--dry-run", "--data", str(data), "--json"]
    listed(browser)                                      # which keeps a list, too
    plan = browser.get("/withdraw/plan?subject=S01").json()
    by_verb = json.loads(CliRunner().invoke(app, words).stdout)
    *removed, split = plan["removed"]
    assert [{**one, "path": str(data / one["path"])} for one in removed] == by_verb["removed"]
    assert split["path"] == "split.json"                 # nobody is left on its train side
    assert {str(data / name) for name in (*plan["rewritten"], split["path"])} == set(
        by_verb["rewritten"]
    )
    assert [str(data / one["path"]) for one in plan["runs"]] == by_verb["runs"]
    assert "names it, and is not touched: list.csv" in plan["rest"]
    assert "cannot be reached" in plan["rest"][-1]
    assert browser.get("/withdraw/plan?subject=S9").status_code == 400
    assert browser.get("/withdraw/plan?subject=..").status_code == 400
    assert (data / f"sessions/S01/{NAME}.h5").exists()


def test_a_list_without_sessions_still_tells_what_jobs_did(tmp_path):
    assert 'id="jobs"' in listed(visitor(tmp_path))


@pytest.mark.parametrize(
    "body",
    [{"verb": "rm"}, {}, {"verb": "qc", "sessions": ["../x"]}, {"verb": "split"},
     {"verb": "withdraw", "subject": "S01", "typed": "S02"}],
)
def test_a_job_that_makes_no_sense_is_refused_and_not_logged(data, body):
    browser = visitor(data)
    assert browser.post("/jobs", json=body).status_code == 400
    assert browser.get("/jobs/list").json() == {"jobs": []}
    assert browser.post("/jobs/nothing/cancel").status_code == 404
    assert not (data / "studio").exists()


def test_the_log_of_changes_outlives_the_studio_and_loses_who_withdraws(data):
    make_session(data, "S02", seconds=1.0)
    browser, whole = visitor(data), {"from_s": None, "to_s": None, "reason": "x"}
    for name in (NAME, "S02-20260101T090001Z"):
        browser.post(f"/sessions/{name}/exclude", json=whole)
    assert NAME in visitor(data).get("/changes").text
    withdraw(data, "S01")
    text = (data / "studio/changes.log").read_text()
    assert "S01" not in text
    assert text.count("excluded: ") == 2
    assert "excluded: S02-20260101T090001Z, the whole session" in text


def test_each_change_is_logged_with_its_time_and_without_its_reason(data, capsys):
    browser = visitor(data)
    browser.post(f"{PAGE}/exclude", json={"from_s": 1, "to_s": 2, "reason": "a secret"})
    browser.post(f"{PAGE}/undo")
    lines = capsys.readouterr().err.splitlines()
    assert [line.split("  ")[1] for line in lines] == [
        f"excluded: {NAME}, 0:01 to 0:02", f"undone, excluded: {NAME}, 0:01 to 0:02",
    ]
    page = browser.get("/changes").text
    assert "undone, excluded" in page
    assert "a secret" not in page


def test_an_undo_that_another_process_holds_up_can_be_done_again(data, monkeypatch):
    browser = visitor(data)
    browser.post(f"{PAGE}/exclude", json={"from_s": 1.25, "to_s": 2.5, "reason": "she spoke"})
    monkeypatch.setattr(decide, "WAIT_S", 0.0)
    with hold(data, SELECTION):
        assert browser.post(f"{PAGE}/undo").status_code >= 400
    assert len(excluded(data)) == 1
    assert browser.post(f"{PAGE}/undo").json() == NOTHING_ELSE
    assert excluded(data) == []


def test_what_is_excluded_here_is_left_out_by_convert_and_comes_back_with_undo(data):
    make_session(data, "S02", seconds=6.0)
    split = split_by_subject(identify_sessions(data), holdout=["S02"])
    write_split(split, data / "split.json")
    browser = visitor(data)

    def converted_rows():
        convert_sessions(data, force=True)
        (labels,) = (data / "ubfc/train").glob("*/ground_truth.txt")
        return len(labels.read_text().splitlines()[0].split())

    whole = converted_rows()
    answer = browser.post(f"{PAGE}/exclude", json={"from_s": 4.0, "to_s": None, "reason": "talks"})
    (stale,) = answer.json()["out_of_date"]
    assert stale["path"] == str(data / "ubfc")
    assert converted_rows() < 0.75 * whole
    browser.post(f"{PAGE}/undo")
    assert converted_rows() == whole


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"from_s": 2, "to_s": 1, "reason": "x"}, "ends before it begins"),
        ({"from_s": 2, "to_s": 2, "reason": "x"}, "a part that ends where it begins, 0:02 to 0:02"),
        ({"from_s": 1, "to_s": 99, "reason": "x"}, "at its end, 0:06.002, or at most 1 s after it"),
        ({"from_s": 40, "to_s": None, "reason": "x"},
         "begins before its end, 0:06.002, found 0:40 to its end; name an earlier beginning"),
        ({"from_s": 1, "to_s": 2, "reason": " "}, "no reason"),
        ({"from_s": "1", "to_s": 2, "reason": "x"}, "float"),
        ({"from_s": 1}, "to_s"),
        ([], "object"),
    ],
)
def test_a_wrong_part_is_refused_in_words_and_changes_nothing(data, body, words):
    answer = visitor(data).post(f"{PAGE}/exclude", json=body)
    assert answer.status_code == 400
    assert words in answer.json()["error"]
    assert not (data / "exclusions.json").exists()


def test_a_request_that_is_too_large_is_refused(data):
    answer = visitor(data).post(f"{PAGE}/exclude", content=b"x" * (LARGEST_BODY_BYTES + 1))
    assert answer.status_code == 400
    assert "at most" in answer.json()["error"]


@pytest.mark.parametrize(
    "name",
    ["%2e%2e%2fsecret", "..%2fsecret", "S01%2f" + NAME, "%2fetc%2fpasswd", "S01", "secret.h5",
     "S01-20260101T090001Z.h5", "%00", "a" * 300],
)
def test_no_address_becomes_a_path(data, name):
    (data / "secret.h5").write_bytes((data / f"sessions/S01/{NAME}.h5").read_bytes())
    browser = visitor(data)
    for rest in ("", "/timeline", "/times", "/frames/0"):
        assert browser.get(f"/sessions/{name}{rest}").status_code == 404
    for asset in ("..%2fapp.py", "app.py", "%2e%2e/app.py"):
        assert browser.get(f"/assets/{asset}").status_code == 404


def test_an_error_is_a_page_in_a_browser_and_json_for_a_script(data):
    browser = visitor(data)
    as_page = browser.get("/sessions/S01-nonsense", headers={"accept": "text/html"})
    assert as_page.status_code == 404
    assert "expected a recording" in as_page.text
    assert "error" in browser.get("/sessions/S01-nonsense").json()


def test_text_of_a_person_is_no_markup(data):
    browser = visitor(data)
    browser.post(f"{PAGE}/exclude", json={"from_s": None, "to_s": None, "reason": "<b>x</b>"})
    text = listed(browser)
    assert "&lt;b&gt;x&lt;/b&gt;" in text
    assert "<b>x</b>" not in text


def test_pages_hear_of_decisions_of_others(data):
    browser = visitor(data)
    with browser.websocket_connect(FOLLOW) as socket:
        browser.post(f"{PAGE}/exclude", json={"from_s": 1, "to_s": 2, "reason": "x"})
        assert socket.receive_json() == {"changed": "exclusions"}


def test_a_session_that_is_replaced_is_shown_as_it_is_now(data):
    browser = visitor(data)
    before = browser.get(f"{PAGE}/timeline").json()
    make_session(data / "other", seconds=3.0)
    (data / f"other/sessions/S01/{NAME}.h5").replace(data / f"sessions/S01/{NAME}.h5")
    after = browser.get(f"{PAGE}/timeline").json()
    assert (before["lost_frames"], after["lost_frames"]) == (2, 0)
    assert after["end_s"] == pytest.approx(3.0, abs=0.05)
    assert len(browser.get(f"{PAGE}/times").content) == 8 * after["frames"]
