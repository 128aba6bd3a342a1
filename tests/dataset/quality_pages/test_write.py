import re
from dataclasses import replace

import numpy as np
import pytest

from acquire.errors import CurationError
from dataset.quality.curves import Curve
from dataset.quality.result import Flag, SessionQuality, read_quality, write_quality
from dataset.quality_pages.charts import draw_charts
from dataset.quality_pages.index_page import index_page
from dataset.quality_pages.write import write_pages
from dataset.selection.exclusions import Exclusion, Exclusions
from tests.support.pages import see_in_browser, words_of

HOSTILE = "<script>window.taken=1</script>&\"'"
DURATION_S = 95.0
GAP = Flag("gap", "warning", 42.9, 43.3, 410.0, 100.0, "no frame for 410 ms from 0:42.9")
FINGER_OFF = Flag("finger_off", "failure", 12.0, 34.0, 22.0, 2.0, f"no pulse for 22 s {HOSTILE}")
RATE_ERROR = Flag("rate_error", "failure", None, None, 0.24, 0.1, "samples came 0.24 % too fast")
MOTION = Flag("face_motion", "note", 20.0, 31.5, 0.031, 0.02, "the face moved")


def curve(x, y, unit):
    return Curve(np.asarray(x, float), np.asarray(y, float), unit)


def a_session(session, *, grade="good", flags=(), bpm=72.0, simulated=False):
    return SessionQuality(
        session=session, subject=session[:3], session_hash="ab" * 32, simulated=simulated,
        duration_s=DURATION_S, grade=grade, flags=tuple(flags),
        measures={"hr_ppg_bpm": bpm, "lag_ms": None}, limits_hash="cd" * 32, acq_version="0.0",
    )


def no_curves(quality):
    return {}


def curves(quality):
    bpm = quality.measures["hr_ppg_bpm"]
    t = np.linspace(0.5, DURATION_S, 1900)
    grid, windows = np.arange(42, 240, 0.5), np.arange(5, 90, 1.0)
    beat = np.sin(2 * np.pi * bpm / 60 * t)
    return {
        "ppg": curve(t, 32_000 + 6_000 * beat, "sensor value"),
        "ppg_filtered": curve(t, 6_000 * beat, "sensor value"), "pos": curve(t, beat, "SD"),
        "ppg_spectrum": curve(grid, np.exp(-(((grid - bpm) / 5) ** 2)), "power"),
        "pos_spectrum": curve(grid, np.exp(-(((grid - bpm - 1) / 5) ** 2)), "power"),
        "ppg_hr": curve(windows, bpm + 0 * windows, "bpm"),
        "pos_hr": curve(windows, bpm + np.sin(windows), "bpm"),
        "face_luma": curve(t, np.where(t > 50, np.nan, 120.0), "luma"),
        "frame_interval_ms": curve(t, 33.3 + 0 * t, "ms"),
    }


GOOD, USABLE, BAD, GONE = (f"S0{n}-20260101T09000{n}Z" for n in (1, 2, 3, 4))
EXCLUDED = Exclusions((
    Exclusion(BAD, 10.0, 35.5, f"finger off {HOSTILE}", "2026-01-01T00:00:00+00:00"),
    Exclusion(GONE, None, None, "asked to be left out", "2026-01-01T00:00:00+00:00"),
))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("qc")
    write_pages([
        a_session(GOOD, simulated=True), a_session(USABLE, grade="usable", flags=[GAP]),
        a_session(GONE, grade="bad", flags=[GAP]),
        a_session(BAD, grade="bad", flags=[MOTION, FINGER_OFF, GAP, RATE_ERROR], bpm=93.0),
    ], folder, excluded=EXCLUDED, curves=curves, thumbnails=None,
        exclude_command=lambda session, from_s, to_s: f"exclude {session} {from_s} {to_s} <b>")
    return folder


def test_the_index_lists_the_worst_first_and_what_is_out_last(folder):
    text = (folder / "index.html").read_text()
    assert re.findall(r'<a href="([^"]*)\.html">', text) == [BAD, USABLE, GOOD, GONE]
    said = words_of(text)
    for fact in (
        "2 failures, 1 warning, 1 note", "no frame for 410 ms", "asked to be left out",
        "1 part excluded", "1:35", "and 1 more kind ", "Partly simulated",
    ):
        assert fact in said


def test_a_page_tells_every_flag_decision_and_measure(folder):
    said = words_of((folder / f"{BAD}.html").read_text())
    for flag in (GAP, FINGER_OFF, RATE_ERROR, MOTION):
        assert flag.text in said
        assert flag.kind.replace("_", " ") in said
    for fact in (
        "0:10 to 0:35.5", "0:12", "0:34", "93.00", "ab" * 32, "cd" * 32, "finger peaks at 93.0 bpm",
        f"exclude {BAD} None None <b>",
    ):
        assert fact in said
    assert f"exclude {USABLE} 42.9 43.3 <b>" in words_of((folder / f"{USABLE}.html").read_text())
    assert "Simulated" not in said
    assert "Simulated" in words_of((folder / f"{GOOD}.html").read_text())


def test_a_missing_curve_is_not_drawn_and_a_present_one_is(folder):
    text = (folder / f"{BAD}.html").read_text()
    assert text.count("<figure>") == 8
    assert "Lag" not in text
    assert all(
        'role="img" aria-label="' in figure
        for figure in re.findall(r"<figure>.*?</figure>", text, flags=re.S)
    )


def test_nothing_of_a_file_becomes_markup_and_nothing_is_fetched(folder):
    for path in folder.glob("*.html"):
        text = path.read_text()
        assert "<script>window.taken" not in text
        assert "http" not in text
        assert "<img" not in text                  # no face unless asked
        ids = re.findall(r' id="([^"]*)"', text)
        assert len(set(ids)) == len(ids)
        assert set(re.findall(r"url\(#([^)]*)\)", text)) <= set(ids)


def test_faces_are_shown_when_asked_for(tmp_path):
    face = np.full((24, 32, 3), (200, 150, 120), np.uint8)
    write_pages(
        [a_session(GOOD)], tmp_path, excluded=Exclusions(), curves=no_curves,
        thumbnails=lambda session: [face, face],
    )
    text = (tmp_path / f"{GOOD}.html").read_text()
    assert text.count("data:image/png;base64,") == 2
    assert f"face 1 of 2 in {GOOD}" in text


@pytest.mark.parametrize(
    "session",
    [
        pytest.param("../../etc/passwd", id="path as a session"),
        pytest.param("index", id="a session that would replace the index"),
    ],
)
def test_a_session_that_is_no_file_name_is_refused(session, tmp_path):
    with pytest.raises(CurationError, match="expected a session id") as caught:
        write_pages(
            [a_session(session)], tmp_path, excluded=Exclusions(), curves=no_curves,
            thumbnails=None,
        )
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param('"duration_s": 95.0', '"duration_s": "<b>"', id="duration is text"),
        pytest.param('"lag_ms": null', '"lag_ms": NaN', id="measure is no number"),
        pytest.param('"lag_ms": null', '"lag_ms": 1e999', id="measure is infinite"),
        pytest.param('"from_s": 42.9', '"from_s": "0"', id="time is text"),
        pytest.param('"severity": "warning"', '"severity": "<b>"', id="severity is text"),
    ],
)
def test_what_cannot_be_drawn_is_not_read(before, after, tmp_path):
    path = write_quality(tmp_path / f"{GOOD}.h5", a_session(GOOD, flags=[GAP]))
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))
    with pytest.raises(CurationError, match="expected"):
        read_quality(tmp_path / f"{GOOD}.h5")


def test_what_is_no_measurement_is_no_point_of_a_chart():
    wild = curve([0.0, 1.0, 2.0], [1.0, 1e30, 2.0], "sensor value")
    (drawn,) = draw_charts({"ppg": wild}, [], session=GOOD, end_s=2.0)
    assert drawn.readings == "finger 1.00 to 2.00, median 1.50"


def test_a_session_that_is_there_twice_is_refused(tmp_path):
    with pytest.raises(CurationError, match="each session once"):
        write_pages(
            [a_session(GOOD)] * 2, tmp_path, excluded=Exclusions(), curves=no_curves,
            thumbnails=None,
        )


def test_an_index_of_a_thousand_stays_small():
    one = a_session(GOOD, grade="bad", flags=[GAP] * 300 + [FINGER_OFF])
    many = [replace(one, session=f"S{n:04d}") for n in range(1000)]
    assert len(index_page(many, Exclusions())) < 2_000_000


SORT = """
const order=()=>[...document.querySelectorAll(".sortable tbody tr")]
 .map(row=>row.cells[0].textContent);
found.first=order();
for(const button of document.querySelectorAll(".sortable th button")){
const pressed=[];for(const turn of [1,2]){button.click();pressed.push(order())}
found[button.textContent]=pressed}
"""


def test_a_browser_shows_the_index_without_fault_or_sideways_scroll_and_sorts_it(
    folder, tmp_path
):
    text = (folder / "index.html").read_text()
    for found in see_in_browser(text, tmp_path, 1280, 400, script=SORT):
        assert found["wrong"] == []
        assert found["over"] <= 0
        assert found["cut"] == []
        assert "taken" not in found
        assert found["first"] == [BAD, USABLE, GOOD, GONE]
        assert found["Session"] == [[GOOD, USABLE, BAD, GONE], [GONE, BAD, USABLE, GOOD]]
        assert found["Grade"] == [[BAD, USABLE, GOOD, GONE], [GONE, GOOD, USABLE, BAD]]
        assert found["Flags"][1][0] == BAD


def test_a_browser_shows_a_session_on_a_phone_in_the_dark(folder, tmp_path):
    text = (folder / f"{BAD}.html").read_text()
    (light,) = see_in_browser(text, tmp_path, 400)
    assert (light["wrong"], light["cut"], light["paper"]) == ([], [], "rgb(255, 255, 255)")
    assert light["over"] <= 0
    (dark,) = see_in_browser(text, tmp_path, 400, is_dark=True)
    assert dark["paper"] == "rgb(18, 24, 29)"


def test_variability_is_shown_where_it_was_asked_for_with_whose_it_is(tmp_path):
    def told(session):
        return [("hrv", f"RMSSD 31.4 ms {HOSTILE}")]

    for variability, is_there in ((told, True), (None, False)):
        write_pages(
            [a_session("S01-20260101T090000Z")], tmp_path, excluded=Exclusions(),
            curves=no_curves, thumbnails=None, variability=variability,
        )
        page = (tmp_path / "S01-20260101T090000Z.html").read_text()
        assert ("RMSSD 31.4 ms" in page) == ("Health data of one person" in page) == is_there
        assert "31.4" not in (tmp_path / "index.html").read_text()
        assert "<script>window" not in page
