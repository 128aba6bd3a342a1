"""What `acq qc` measures: clean sessions are good, and each fault is told, where it is."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np
import pytest
from typer.testing import CliRunner

from acq.main import app
from acquire import data_folder
from acquire.camera.source import CameraInfo
from acquire.errors import CurationError
from acquire.sensor.protocol import SAMPLE_CLIPPED
from acquire.session.writer import SessionWriter
from acquire.simulation.sessions import SimulatedSession, write_session
from dataset.common.workers import Workers
from dataset.face.quick_look import spot_face
from dataset.quality.across_sessions import flag_across_sessions
from dataset.quality.grade import grade_sessions
from dataset.quality.limits import read_limits
from dataset.quality.measure import measure_session
from dataset.quality.measurements import Measurements, windows
from dataset.quality.ppg import measure_ppg
from dataset.quality.result import read_quality, write_quality
from dataset.quality.video import patch_colours, read_pictures
from dataset.selection.exclusions import Exclusions
from dataset.selection.exclusions_file import write_exclusions
from dataset.selection.make_exclusion import make_exclusion
from dataset.session.reader import Session
from dataset.signals.lag import GRID_HZ, PulseWave, correlate, face_pulse, finger_pulse
from tests.support.fakes import HELLO
from tests.support.graded import START_NS, edited, real_session
from tests.support.made_sessions import make_session, pulse, sample_times

LIMITS = read_limits()


def measure(path):
    """Return the quality alone."""
    return measure_session(path, LIMITS)[0]


def kinds(quality):
    return {flag.kind for flag in quality.flags}


@pytest.mark.shared
def test_the_real_face_is_good(real_face, tmp_path):
    quality = measure(real_session(real_face, tmp_path / "S01-20260101T090000Z.h5"))
    assert quality.grade == "good", quality.flags
    assert quality.flags == ()
    assert quality.measures["ppg_hr_bpm"] == pytest.approx(71.2, abs=1)
    assert quality.measures["pos_hr_bpm"] == pytest.approx(70.3, abs=1.5)
    assert quality.measures["lag_ms"] == pytest.approx(90, abs=15)


# -- one virtual session, and faults put into its columns

SECONDS = 42.0


@pytest.fixture(scope="module")
def virtual(tmp_path_factory):
    """A clean session, its columns, its quality and what was seen in its pictures."""
    path = write_session(
        SimulatedSession("S03", 0, 0, SECONDS, 25.0), tmp_path_factory.mktemp("clean")
    )
    seen = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "dataset.quality.measure.read_pictures",
            lambda session: seen.append(read_pictures(session)) or seen[0],
        )
        quality, curves = measure_session(path, LIMITS)
    with Session(path) as session:
        names = [name for name in vars(session) if name.startswith(("ppg", "frame_"))]
        columns = SimpleNamespace(
            start_ns=session.started_monotonic_ns,
            **{name: getattr(session, name) for name in names},
        )
    return SimpleNamespace(
        path=path, quality=quality, curves=curves, columns=columns, pictures=seen[0]
    )


@pytest.fixture
def measured(virtual, monkeypatch):
    """Measure the session with other columns; its pictures are not looked at again."""
    monkeypatch.setattr("dataset.quality.measure.read_pictures", lambda session: virtual.pictures)

    def run(**columns):
        with edited(virtual.path, **columns):
            return measure(virtual.path)

    return run


def test_a_clean_session_is_good(virtual):
    assert virtual.quality.grade == "good"
    assert virtual.quality.flags == ()
    assert virtual.quality.measures["lag_error_ms"] < 5
    assert abs(virtual.quality.measures["ppg_rate_error_percent"]) < 0.01
    assert {
        "ppg", "ppg_filtered", "pos", "ppg_spectrum", "pos_spectrum", "ppg_hr", "pos_hr",
        "face_luma", "face_x", "face_y", "frame_interval_ms", "sample_interval_ms", "sync_bound_ms",
        "lag_ms",
    } == set(virtual.curves)
    assert all(len(curve.x) == len(curve.y) <= 2000 for curve in virtual.curves.values())


def _finger_off(c, within):
    return {"ppg_value": np.where(within, 20_000 + np.arange(len(within)) * 7919 % 211, c.ppg)}


def _flat(c, within):
    return {"ppg_value": np.where(within, 20_000, c.ppg)}


def _clipped(c, within):
    top = within & (c.ppg > np.median(c.ppg))
    return {
        "ppg_value": np.where(top, 65_535, c.ppg),
        "ppg_flags": np.where(top, SAMPLE_CLIPPED, c.ppg_flags),
    }


def _wander(c, within):
    at = np.cumsum(within) / 25
    return {"ppg_value": np.clip(c.ppg + within * 12_000 * np.sin(2 * np.pi * at / 4), 0, 65_535)}


def _wide_bound(c, within):
    return {"ppg_bound_ns": np.where(within, 9_000_000, c.ppg_bound_ns)}


def test_each_fault_of_the_finger_is_told_where_it_is(virtual, measured):
    """One after another, each for three or four seconds."""
    faults = {
        "finger_off": (_finger_off, 6, 9), "flat_line": (_flat, 13, 16),
        "clipped": (_clipped, 20, 23), "sync_bound": (_wide_bound, 27, 30),
        "ppg_motion": (_wander, 34, 38),
    }
    c, columns = SimpleNamespace(**vars(virtual.columns)), {}
    t_s = (c.ppg_time_ns - c.start_ns) / 1e9
    for fault, first, last in faults.values():
        made = fault(c, (t_s >= first) & (t_s < last))
        c.ppg = made.get("ppg_value", c.ppg)
        columns |= made
    quality = measured(**columns)
    assert kinds(quality) == {*faults, "ppg_poor"}  # of three windows that are left, two are moved
    assert quality.grade == "bad"
    for kind, (_, first, last) in faults.items():
        (flag,) = [flag for flag in quality.flags if flag.kind == kind]
        slack_s = 10 if kind == "ppg_motion" else 2          # judged in windows of 10 s
        assert first - slack_s <= flag.from_s <= first + 0.5
        assert last - 0.5 <= flag.to_s <= last + slack_s


@pytest.mark.parametrize(("column", "kind", "percent"), [
    ("ppg_time_ns", "ppg_rate_error", 0.1), ("frame_time_ns", "frame_rate_error", -0.1),
])
def test_a_wrong_rate_shows_in_the_clocks(virtual, measured, column, kind, percent):
    time_ns = getattr(virtual.columns, column)
    quality = measured(
        **{
            column: time_ns[0]
            + np.round((time_ns - time_ns[0]) * (1 + percent / 100)).astype(np.int64)
        }
    )
    (flag,) = [flag for flag in quality.flags if flag.kind.endswith("rate_error")]
    assert flag.kind == kind
    assert flag.value == pytest.approx(percent, abs=0.01)


def test_a_clock_that_was_set_is_told_and_not_taken_for_a_rate(virtual, measured):
    c = virtual.columns
    later = c.ppg_time_ns >= c.start_ns + 21_000_000_000
    quality = measured(ppg_time_ns=c.ppg_time_ns - later * 60_000_000 + ~later * 0)
    (flag,) = [flag for flag in quality.flags if flag.kind == "clock_step"]
    assert flag.value == pytest.approx(60, abs=3)
    assert flag.from_s <= 21 <= flag.to_s
    assert "ppg_rate_error" not in kinds(quality)


@pytest.mark.parametrize("stream", ["frame", "sample"])
def test_a_gap_is_told_where_it_is_and_what_is_lost_counted(virtual, measured, stream):
    c, gap_ns = virtual.columns, 600_000_000
    name = "frame" if stream == "frame" else "ppg"
    time_ns, arrival_ns, sequence = (
        getattr(c, f"{name}_{column}") for column in ("time_ns", "arrival_ns", "sequence")
    )
    later = time_ns >= c.start_ns + 30_000_000_000
    quality = measured(
        **{
            f"{name}_time_ns": time_ns + later * gap_ns,
            f"{name}_arrival_ns": arrival_ns + later * gap_ns,
            f"{name}_sequence": sequence + later * 15,
        }
    )
    flags = {flag.kind: flag for flag in quality.flags}
    assert flags[f"{stream}_gap"].value == pytest.approx(640, abs=2)
    assert flags[f"{stream}_gap"].from_s <= 30 <= flags[f"{stream}_gap"].to_s
    assert flags[f"lost_{stream}s"].value == pytest.approx(100 * 15 / (len(time_ns) + 15), abs=0.01)


def test_times_that_go_back_are_bad(virtual, measured):
    time_ns = virtual.columns.ppg_time_ns.copy()
    time_ns[500] = time_ns[498]
    quality = measured(ppg_time_ns=time_ns)
    (flag,) = [flag for flag in quality.flags if flag.kind == "times_back"]
    assert quality.grade == "bad"
    assert flag.from_s <= 20 <= flag.to_s


def test_jittering_stamps_and_missing_bounds_are_told(virtual, measured):
    c = virtual.columns
    jitter_ns = np.random.default_rng(0).integers(-19_000_000, 19_000_000, len(c.frame_time_ns))
    quality = measured(
        frame_time_ns=c.frame_time_ns + jitter_ns, ppg_bound_ns=np.full_like(c.ppg_bound_ns, -1)
    )
    assert {"frame_jitter", "sync_missing"} <= kinds(quality)
    assert quality.measures["sync_bound_ms"] is None


def test_the_finger_of_somebody_else_is_bad(virtual, measured):
    c = virtual.columns
    other_bpm = virtual.quality.measures["ppg_hr_bpm"] + 25
    quality = measured(
        ppg_value=20_000
        + 6000 * np.sin(2 * np.pi * other_bpm / 60 * (c.ppg_time_ns - c.start_ns) / 1e9)
    )
    assert quality.grade == "bad"
    assert {"pulses_apart", "pulse_disagrees"} <= kinds(quality)


# -- pictures


def test_faults_of_the_pictures_are_told_where_they_are(virtual, tmp_path):
    """Frozen from 2 s, brighter from 8 s, no face from 14 s, dark from 24 s, grey from 35 s."""
    path = tmp_path / "S03-faulty.h5"
    shutil.copy(virtual.path, path)
    with h5py.File(path, "r+") as file:
        frames = file["video/frames"]

        def put(i, image):
            # uncompressed
            frames.id.write_direct_chunk((i, 0, 0), image.astype(np.uint8).tobytes(), filter_mask=1)

        rows = frames.shape[1] * 2 // 3
        for i in range(51, 57):
            put(i, frames[50])
        for i in range(200, 225):
            image = frames[i].astype(float)
            image[:rows] *= 1.1
            put(i, np.clip(image, 16, 235))
        blank = np.full(frames.shape[1:], 128, np.uint8)
        for i in range(350, 450):
            put(i, blank + (np.arange(blank.size).reshape(blank.shape) * 7 + i) % 2)
        for i in range(600, 860):
            image = frames[i]
            image[:rows] = 16 + (image[:rows] - 16.0) * 0.08
            put(i, image)
        for i in range(875, 1050):
            image = frames[i]
            image[rows:] = 128
            put(i, image)
    quality = measure(path)
    flags = {flag.kind: flag for flag in reversed(quality.flags)}         # of several the first
    steps = [flag for flag in quality.flags if flag.kind == "exposure_step"]
    assert (
        flags["frozen_frames"].value, flags["frozen_frames"].from_s, flags["frozen_frames"].to_s,
    ) == (6, 2.0, 2.3)
    assert any(
        flag.from_s <= 8 <= flag.to_s and flag.value == pytest.approx(10, abs=2) for flag in steps
    )
    assert 14 <= flags["face_missing"].from_s <= 15
    assert 18 <= flags["face_missing"].to_s <= 19
    assert 20 <= flags["face_dark"].from_s <= 24.1
    assert 34 <= flags["face_dark"].to_s <= 39
    assert flags["face_colourless"].from_s >= 30
    assert flags["face_colourless"].value == pytest.approx(1.0, abs=0.02)
    assert quality.grade != "good"


def test_pictures_as_rgb_are_seen_like_those_as_i420(virtual):
    with Session(virtual.path) as session:
        image = session.frames[100]
        stored = session.frames.raw(100)
    box = spot_face(stored[:360])
    as_i420 = patch_colours(stored, box, "I420", 360)
    as_rgb = patch_colours(image, box, "RGB", 360)
    assert as_i420 == pytest.approx(as_rgb, abs=1.0)


# -- lag


@pytest.mark.parametrize("delay_ms", [-50.0, 0.0, 120.0])
@pytest.mark.parametrize("fps", [25.0, 30.0, 60.0])
def test_the_lag_of_one_and_the_same_pulse_has_no_bias(delay_ms, fps):
    """A beat with a notch, in the colours that blood gives skin, seen by a camera that wavers by 3
    ms.
    """
    def blood(t_s):
        phase = (t_s * 1.2 + 0.03 * np.sin(2 * np.pi * 0.2 * t_s)) % 1
        return np.exp(-((phase - 0.25) / 0.1) ** 2) + 0.35 * np.exp(-((phase - 0.6) / 0.12) ** 2)

    rng = np.random.default_rng(1)
    frame_s = np.arange(0, 30, 1 / fps) + rng.uniform(-0.003, 0.003, round(30 * fps))
    sample_s = np.arange(0, 30, 0.04)
    light = 1 - 0.01 * np.outer(blood(frame_s - delay_ms / 1e3), [0.33, 0.77, 0.53])
    patches = (np.array([180.0, 130.0, 110.0]) * light)[:, None, :] + rng.normal(
        0, 0.1, (len(frame_s), 4, 3)
    )
    face, finger = (
        face_pulse(patches, frame_s, fps=fps),
        finger_pulse(20_000 + 5_000 * blood(sample_s), sample_s),
    )
    lag = correlate(face, finger, [(x, x + 10) for x in np.arange(0.5, 19, 5)]).lag()
    assert lag.lag_s * 1e3 == pytest.approx(delay_ms, abs=3)
    assert lag.error_s < 0.008


@pytest.mark.parametrize("offset_ms", [-33.3, 300.0])
def test_an_injected_offset_is_found_and_given(virtual, measured, offset_ms):
    """All stamps of the frames are off, and their arrivals too: no clock tells, only the pulse
    does.
    """
    c, offset_ns = virtual.columns, round(offset_ms * 1e6)
    shifted = measured(
        frame_time_ns=c.frame_time_ns + offset_ns, frame_arrival_ns=c.frame_arrival_ns + offset_ns
    )
    three = {
        Path(f"{n}"): quality
        for n, quality in enumerate((virtual.quality, shifted, virtual.quality))
    }
    compared = flag_across_sessions(three, [], LIMITS)
    assert kinds(compared[Path("0")]) == kinds(compared[Path("2")]) == set()
    (flag,) = [flag for flag in compared[Path("1")].flags if flag.kind == "lag_subject"]
    assert flag.value == pytest.approx(offset_ms, abs=5)
    assert ("lag_high" in kinds(shifted)) == (offset_ms == 300)
    two = flag_across_sessions({Path("0"): virtual.quality, Path("1"): shifted}, [], LIMITS)
    # neither can be believed
    assert all("lag_subject" in kinds(quality) for quality in two.values())
    again = flag_across_sessions({Path("0"): compared[Path("1")]}, [], LIMITS)
    assert "lag_subject" not in kinds(again[Path("0")])  # and nothing is left of it alone


def test_an_offset_within_the_session_is_found_and_given(virtual, measured):
    c, offset_ms = virtual.columns, 33.3
    later = (c.frame_time_ns >= c.start_ns + 21_000_000_000) * round(offset_ms * 1e6)
    quality = measured(
        frame_time_ns=c.frame_time_ns + later, frame_arrival_ns=c.frame_arrival_ns + later
    )
    (flag,) = [flag for flag in quality.flags if flag.kind == "lag_step"]
    assert flag.value == pytest.approx(offset_ms, abs=8)
    assert flag.from_s <= 21 <= flag.to_s


# -- real recordings


def finger_session(values, path):
    """A session of a real finger at 50 Hz, without pictures."""
    camera = CameraInfo("none", 32, 24, 30.0, "I420", "host arrival")
    with SessionWriter(
        path, session_id="S01-20260101T090000Z", subject="S01", camera=camera,
        hello=replace(HELLO, rate_hz=50), port="a file", started_unix_ns=1_767_258_000_000_000_000,
        started_monotonic_ns=START_NS, simulated=False,
    ) as writer:
        for i, value in enumerate(values):
            time_ns = START_NS + i * 20_000_000
            writer.add_sample(
                sequence=i, ticks=i * 40_000, value=int(value), flags=0, arrival_ns=time_ns,
                time_ns=time_ns, bound_ns=500_000,
            )
        writer.close(complete=True)
    return path


@pytest.mark.parametrize("count", [0, 1, 50])
def test_a_recording_of_next_to_nothing_is_bad_and_no_error(tmp_path, count):
    quality = measure(
        finger_session([20_000] * count, tmp_path / "S01-20260101T090000Z.h5")
    )
    assert quality.grade == "bad"
    assert "too_short" in kinds(quality)
    write_quality(tmp_path / "S01-20260101T090000Z.h5", quality)
    assert read_quality(tmp_path / "S01-20260101T090000Z.h5") == quality


def measured_finger(folder, subject, what, tmp_path):
    (file,) = folder.glob(f"{subject}_{what}_*.csv")
    ppg = np.loadtxt(file, delimiter=",")[:, 2]
    ppg = ppg[: np.flatnonzero(ppg > 0)[-1] - 200]             # the files end in padding
    measured = Measurements(LIMITS)
    with Session(finger_session(ppg * 16, tmp_path / f"{subject}-{what}.h5")) as session:
        t_s = (session.ppg_time_ns - START_NS) / 1e9
        measure_ppg(session, finger_pulse(session.ppg, t_s), measured)
    return measured


@pytest.mark.shared
@pytest.mark.parametrize("subject", ["595", "809"])
def test_motion_and_speech_show_in_real_fingers(real_finger, tmp_path, subject):
    still = [measured_finger(real_finger, subject, f"static_level{n}", tmp_path) for n in (1, 3)]
    moved = [
        measured_finger(real_finger, subject, what, tmp_path) for what in ("speak", "bike_level1")
    ]
    for found in still:
        assert found.measures["ppg_poor_percent"] < 5
        assert "ppg_irregular" not in {flag.kind for flag in found.flags}
    for found in moved:
        assert "ppg_irregular" in {flag.kind for flag in found.flags}
        assert found.measures["ppg_periodicity"] < min(
            one.measures["ppg_periodicity"] for one in still
        )
    assert max(found.measures["ppg_poor_percent"] for found in moved) > 8


# -- the verb


def test_a_stream_that_ends_early_is_told(tmp_path):
    """No counter knows what was to come."""
    short = make_session(
        tmp_path, "S01", 1, seconds=20.0, ppg=np.round(pulse(sample_times(8 * 25))).astype(int)
    )
    flags = {flag.kind: flag for flag in measure(short).flags}
    assert (flags["one_stream"].from_s, flags["one_stream"].to_s) == pytest.approx(
        (8.0, 20.0), abs=0.15
    )
    assert flags["one_stream"].text == "no samples for 12.0 s at the end"
    assert flags["streams_apart"].value == pytest.approx(60, abs=1)
    whole = make_session(tmp_path, "S02", 2, seconds=20.0)
    assert not {"one_stream", "streams_apart"} & kinds(measure(whole))


def test_a_camera_that_shows_every_frame_twice_is_told(virtual, monkeypatch):
    repeats = np.arange(len(virtual.pictures.repeats)) % 2 == 1
    monkeypatch.setattr(
        "dataset.quality.measure.read_pictures",
        lambda session: replace(virtual.pictures, repeats=repeats),
    )
    (flag,) = measure(virtual.path).flags
    assert (flag.kind, flag.severity) == ("repeated_frames", "warning")
    assert flag.value == pytest.approx(50, abs=0.1)


@pytest.mark.parametrize(
    ("apart_s", "beyond"), [(0.1, False), (0.4, False), (0.55, True), (-0.55, True)]
)
def test_pulses_too_far_apart_to_tell_a_lag_are_told(apart_s, beyond):
    """At 50 bpm: within the reach there is a lag, and half a beat apart none."""
    t_s = np.arange(0, 60, 1 / GRID_HZ)
    face, finger = (
        PulseWave(0.0, np.sin(2 * np.pi * (50 / 60 * at + 0.3 * np.sin(2 * np.pi * 0.05 * at))))
        for at in (t_s - apart_s, t_s)
    )
    told = correlate(face, finger, windows(0.0, 60.0))
    assert told.is_beyond == beyond
    lag = told.lag()
    assert (lag is None) == beyond
    assert lag is None or lag.lag_s == pytest.approx(apart_s, abs=0.005)


def test_what_is_damaged_holds_nobody_up(tmp_path, acq):
    """A quality file that cannot be read is made anew; a session that broke since is named, and the
    others are graded.
    """
    first, second = (
        make_session(tmp_path, f"S0{n}", n, seconds=11.0, bpm=60 + 9 * n) for n in (1, 2)
    )
    assert acq("qc", "--data", tmp_path, "--quiet").returncode == 0
    data_folder.quality_file(first).write_text("{")
    assert acq("qc", second.stem, "--data", tmp_path, "--quiet").returncode == 0
    assert acq("qc", "--data", tmp_path, "--quiet").returncode == 0
    assert read_quality(first) is not None
    first.write_bytes(first.read_bytes()[:20_000])
    done = acq("qc", second.stem, "--data", tmp_path, "--quiet")
    assert done.returncode == 1
    assert second.stem in done.stdout
    (line,) = done.stderr.splitlines()
    assert first.name in line


def test_the_verb_grades_worst_first_and_only_what_is_new(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def acq(*words):
        return CliRunner().invoke(app, ["qc", "--quiet", *words])

    for number, subject in enumerate(("S01", "S02"), start=1):
        make_session(
            Path("data"), subject, number, seconds=12 if subject == "S01" else 8, bpm=72 + number
        )
    broken = Path("data/sessions/S02/S02-20260101T090009Z.h5")
    broken.write_bytes(b"no recording")
    done = acq()
    assert done.exit_code == 1
    (complaint,) = done.stderr.splitlines()
    assert str(broken) in complaint
    lines = done.stdout.splitlines()
    assert lines[0].startswith(
        "S02-20260101T090002Z  bad  no face in 100 % of the looks; frames and samples together for "
        "8.0 s"
    )
    assert lines[1].startswith("S01-20260101T090001Z  bad  no face in 100 % of the looks")
    assert 'acq exclude S01-20260101T090001Z --reason "no face in 100 % of the looks"' in lines
    assert lines[-1] == "2 sessions, 2 of them measured now; pages: data/qc/index.html"
    assert Path("data/qc/S02-20260101T090002Z.html").exists()

    write_exclusions(
        Path("data"), Exclusions((make_exclusion(broken, from_s=None, to_s=None, reason="broken"),))
    )
    again = acq("--json")
    assert again.exit_code == 0                           # what is out may be unreadable
    told = json.loads(again.stdout)
    assert told["measured"] == 0
    assert list(told["failed"]) == [str(broken)]
    Path("mine.yaml").write_text("too_short: {value: 5}")
    assert (
        json.loads(acq("S02-20260101T090002Z", "--json", "--limits", "mine.yaml").stdout)[
            "measured"
        ]
        == 1
    )
    data_folder.quality_file(next(Path("data/sessions/S01").glob("*.h5"))).write_text("{")
    # that one, and the one that was graded by other limits
    assert json.loads(acq("--json").stdout)["measured"] == 2
    unknown = acq("S09")
    assert isinstance(unknown.exception, CurationError)
    assert "S09" in str(unknown.exception)


def test_a_copy_under_another_name_is_flagged_on_both(tmp_path):
    for subject in ("S01", "S02"):
        make_session(tmp_path, subject, seconds=16, session_id=f"{subject}-20260101T090001Z")
    graded = grade_sessions(tmp_path, [], limits=LIMITS, force=False, workers=Workers())
    assert all("duplicate" in kinds(quality) for quality in graded.all.values())
    assert graded.first_of_copies == {"S01-20260101T090001Z"}
