"""What pages may ask of the rig, and what a slow one is sent."""

import re
import struct
import time

import pytest
from starlette.websockets import WebSocketDisconnect

from acq.rig.messages import Picture
from acq.rig.rig import Rig
from acq.rig.started import StartedVerb
from acquire.calibration.blink import TOGGLES, blinking_s
from dataset.session.subject import read_subject
from tests.support import REPO
from tests.support.made_sessions import make_session
from tests.support.studio import PORT, visitor

FOLLOW = f"ws://127.0.0.1:{PORT}/rig/follow"
VIRTUAL = {"camera": "virtual", "port": "auto", "fps": 25}
ASKED = {**VIRTUAL, "subject": "S01", "duration": "", "protocol": "", "live": False}


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    (tmp_path / "run").mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))


@pytest.fixture
def started(monkeypatch):
    """Return the options of each recording that was to be started; none is."""
    begun = []

    class Never(StartedVerb):
        has_ended = False

        def __init__(self, verb, options):
            assert verb == "record"
            begun.append(list(options))

    monkeypatch.setattr("acq.rig.rig.StartedVerb", Never)
    return begun


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        pytest.param({"camera": "gst:filesrc"}, "a camera of auto", id="camera"),
        pytest.param({"port": "/dev/sda"}, "a port of auto", id="port"),
        pytest.param({"fps": 1000}, "1 to 240", id="rate"),
        pytest.param({"subject": "../S01"}, "subject", id="subject"),
        pytest.param({"duration": "--force"}, "60s, 2min or 1h", id="length"),
        pytest.param({"protocol": "../other.yaml"}, "a protocol of the list", id="path"),
        pytest.param({"protocol": "bad.yaml"}, "a list of cues", id="protocol"),
    ],
)
def test_what_a_page_may_not_ask_for_starts_nothing(tmp_path, started, asked, words):
    (tmp_path / "protocols").mkdir()
    (tmp_path / "protocols/bad.yaml").write_text("name: bad\n")
    (tmp_path / "other.yaml").write_text("cues:\n - {name: rest, seconds: 1}\n")
    answer = visitor(tmp_path).post("/rig/record", json={**ASKED, **asked})
    assert answer.status_code == 400
    assert words in answer.json()["error"]
    assert started == []


def test_where_nothing_can_be_written_nothing_starts_and_that_is_told_once(tmp_path, started):
    (tmp_path / "sessions").write_text("no folder")
    page = visitor(tmp_path)
    answers = [
        page.get("/rig/subject?name=S01"), page.post("/rig/record", json=ASKED),
        page.post("/rig/subject", json={"subject": "S01", "noted": {}}),
    ]
    assert [answer.status_code for answer in answers] == [400] * 3
    (words,) = {answer.json()["error"] for answer in answers}
    assert words.endswith("sessions; start the studio with another data folder")
    assert started == []


def test_a_recording_is_started_once_with_the_options_of_the_verb(tmp_path, started):
    (tmp_path / "protocols").mkdir()
    path = tmp_path / "protocols/rest.yaml"
    path.write_text("cues:\n - {name: rest, seconds: 1}\n")
    page = visitor(tmp_path)
    asked = {**ASKED, "duration": "2min", "protocol": "rest.yaml", "live": True}
    assert page.post("/rig/record", json=asked).status_code == 200
    assert started == [[
        "--simulate", "--fps", "25", "--data", str(tmp_path), "--subject", "S01", "--duration",
        "2min", "--protocol", str(path), "--live",
    ]]
    assert page.post("/rig/record", json=asked).status_code == 409
    assert page.post("/rig/look", json=VIRTUAL).status_code == 409
    assert len(started) == 1


def test_one_begins_at_the_rig_until_something_is_recorded(tmp_path):
    page = visitor(tmp_path)
    assert page.get("/").headers["location"] == "/rig"
    make_session(tmp_path, seconds=0.2)
    assert page.get("/").headers["location"] == "/sessions"


def test_a_new_subject_is_noted_once(tmp_path):
    page = visitor(tmp_path)
    assert page.get("/rig/subject?name=S01").json() == {"is_noted": False}
    refused = page.get("/rig/subject?name=S01&duration=quickly")     # before anything is noted
    assert (refused.status_code, "2min" in refused.json()["error"]) == (400, True)
    body = {"subject": "S01", "noted": {"sex": "robot"}}
    refused = page.post("/rig/subject", json=body)
    assert (refused.status_code, "F, M or X" in refused.json()["error"]) == (400, True)
    body["noted"] = {"sex": "female", "age_band": ""}
    assert page.post("/rig/subject", json=body).status_code == 200
    assert read_subject(tmp_path, "S01").sex == "F"
    assert page.get("/rig/subject?name=S01").json() == {"is_noted": True}
    assert page.post("/rig/subject", json=body).status_code == 400
    assert page.post("/rig/mark", json={"number": 1}).status_code == 409


def test_a_browser_that_takes_nothing_gets_two_pictures_and_later_the_newest(tmp_path, monkeypatch):
    made = []

    def picture(_):
        made.append(Picture(len(made), time.monotonic_ns(), struct.pack("<I", len(made))))
        return made[-1]

    monkeypatch.setattr(Rig, "picture", property(picture))
    with visitor(tmp_path).websocket_connect(FOLLOW) as socket:
        def next_of(kind):
            while kind not in (message := socket.receive()) or message[kind] is None:
                pass
            return message[kind]

        def next_number():
            return struct.unpack("<I", next_of("bytes")[16:])[0]

        assert next_number() == 0
        first = next_number()
        until = time.monotonic() + 60
        while len(made) < first + 10:
            assert time.monotonic() < until
            time.sleep(0.01)
        socket.send_text("p")
        assert next_number() >= first + 10
        socket.send_text("s")
        assert '"phase": "idle"' in next_of("text")


def test_only_whoever_has_the_link_sees_the_picture(tmp_path):
    page = visitor(tmp_path, enters=False)
    for address in ("/rig", "/rig/cues"):
        assert page.get(address).status_code == 403
    assert page.post("/rig/record", json=ASKED).status_code == 403
    with pytest.raises(WebSocketDisconnect) as refused, page.websocket_connect(FOLLOW):
        pass
    assert refused.value.code == 1008


def test_the_page_and_the_manual_tell_the_same_length_of_a_calibration(tmp_path):
    text = visitor(tmp_path).get("/rig").text
    beside, frames = re.search(r'data-beside="([\d.]+)" data-frames="([\d.]+)"', text).groups()
    seconds = float(beside) + TOGGLES * float(frames) / 25
    assert seconds == pytest.approx(blinking_s(TOGGLES, 25.0))
    for name in ("calibration.md", "cli.md"):
        manual = (REPO / "docs" / name).read_text()
        found = re.findall(r"(\d+) s(?: that it takes)? at 25 fps", manual)
        assert found == [f"{seconds:.0f}"], name
