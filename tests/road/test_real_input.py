"""Real input from end to end: the firmware plays a real finger beside the same person's face."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys

import av
import cv2
import numpy as np
import pytest
from scipy.signal import correlate, correlation_lags

from dataset.face.find import detect_face
from dataset.session.reader import Session
from dataset.signals.filters import bandpass, heart_rate
from dataset.signals.pos import pos

pytestmark = [pytest.mark.real_time, pytest.mark.twin, pytest.mark.shared]

FS_HZ = 100.0


@pytest.fixture(scope="module")
def recorded(program, real_face, tmp_path_factory):
    """Record 20 s: face by replay, finger by the twin with a fast crystal and a slow adapter."""
    folder = tmp_path_factory.mktemp("real")
    # The real chip runs nothing else: where we may, its simulation has priority on a busy machine.
    twin = subprocess.Popen(
        [
            *(["nice", "-n", "-10"] if os.geteuid() == 0 else []), program, "--wave",
            real_face / "ppg.csv", "--ppm", "150", "--hold-ms", "16", "--truth",
            folder / "truth.csv",
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        port = twin.stdout.readline().split()[1]
        video = f"replay:{real_face}/video.mkv?times={real_face}/frames_timestamp.csv"
        done = subprocess.run(
            [
                sys.executable, "-m", "acq.main", "record", "--subject", "S01", "--camera", video,
                "--port", port, "--data", folder / "data", "--json", "--quiet",
            ],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    finally:
        twin.terminate()
        twin.communicate(timeout=10)
    return folder, json.loads(done.stdout)


def on_even_grid(times_ns, values, start_ns, end_ns):
    """Interpolate columns of values at `FS_HZ`: (T, columns)."""
    grid_ns = np.arange(start_ns, end_ns, 1e9 / FS_HZ)
    return np.stack(
        [np.interp(grid_ns, times_ns, column) for column in np.atleast_2d(values.T)], axis=-1
    )


def test_no_frame_and_no_sample_is_missing(recorded):
    _, summary = recorded
    assert summary["complete"]
    assert summary["frames"] == 602
    assert summary["lost_frames"] == {}
    assert summary["lost_samples"] == {}
    assert summary["samples"] >= 500           # 20.0 s at 25 Hz
    assert not summary["simulated"]


def test_frames_are_the_clip_s_own_at_their_own_times(recorded, real_face):
    rows = csv.DictReader((real_face / "frames_timestamp.csv").read_text().splitlines())
    times = np.array([float(row["timestamp"]) for row in rows])
    with Session(recorded[1]["path"]) as session, av.open(str(real_face / "video.mkv")) as clip:
        seconds = (session.frame_time_ns - session.frame_time_ns[0]) / 1e9
        assert seconds == pytest.approx(times - times[0], abs=1e-6)
        for i, frame in enumerate(clip.decode(video=0)):
            if i % 50 == 0:
                assert (session.frames.raw(i) == frame.to_ndarray()).all()


def test_sample_times_hold_their_certificate(recorded):
    folder, _ = recorded
    rows = [
        row
        for row in csv.DictReader((folder / "truth.csv").read_text().splitlines())
        if row["kind"] == "sample"
    ]
    truth = {
        int(row["sequence"]): int(row["time_ns"])
        for row in rows
        if row["start"] == rows[-1]["start"]
    }
    with Session(recorded[1]["path"]) as session:
        error_ns = session.ppg_time_ns - np.array([truth[s] for s in session.ppg_sequence.tolist()])
        assert (session.ppg_bound_ns >= 0).all()
        assert (np.abs(error_ns) <= session.ppg_bound_ns).all()
        assert session.ppg_bound_ns.max() < 6e6


def test_the_face_s_pulse_agrees_with_the_finger_s(recorded):
    with Session(recorded[1]["path"]) as session:
        box = detect_face(session.frames[0])
        rgb = np.array(
            [
                cv2.mean(frame[box.top : box.bottom, box.left : box.right])[:3]
                for frame in session.frames
            ]
        )
        span = (
            max(session.frame_time_ns[0], session.ppg_time_ns[0]),
            min(session.frame_time_ns[-1], session.ppg_time_ns[-1]),
        )
        # POS follows the skin's brightness, and a pulse of blood darkens it: the finger's PPG is
        # the other way up.
        face = -bandpass(pos(on_even_grid(session.frame_time_ns, rgb, *span), FS_HZ), FS_HZ)
        finger = bandpass(
            on_even_grid(session.ppg_time_ns, session.ppg.astype(float), *span)[:, 0], FS_HZ
        )
    assert heart_rate(finger, FS_HZ) == pytest.approx(71.2, abs=1.0)
    assert heart_rate(face, FS_HZ) == pytest.approx(heart_rate(finger, FS_HZ), abs=2.0)
    lags_s = correlation_lags(len(face), len(finger)) / FS_HZ
    near = np.abs(lags_s) <= 0.4                   # within half a beat
    lag_s = lags_s[near][np.argmax(correlate(face, finger)[near])]
    assert abs(lag_s) <= 0.2


def test_the_session_becomes_a_curated_folder_that_any_ubfc_reader_reads(
    recorded, acq_here, tmp_path
):
    """Read by the layout alone: np.loadtxt, OpenCV, one label a frame, subject<int>."""
    folder, _ = recorded
    data = tmp_path / "data"
    simulated = acq_here(
        "simulate", "--subjects", "2", "--sessions", "1", "--duration", "12s", "--data", data,
        "--jobs", "1", "--quiet",
    )
    assert simulated.returncode == 0, simulated.stderr
    shutil.rmtree(data / "sessions" / "S01")
    shutil.copytree(folder / "data" / "sessions" / "S01", data / "sessions" / "S01")
    for words in (
        ["split", "--holdout", "S01"], ["split", "--holdout", "S01", "--mix-simulated"],
        ["convert"],
    ):
        done = acq_here(*words, "--data", data, "--quiet")
        assert (done.returncode == 0) == (words != ["split", "--holdout", "S01"]), done.stderr
    (subject,) = (data / "ubfc" / "test").iterdir()
    assert re.fullmatch(r"subject\d+", subject.name)
    assert sorted(path.name for path in subject.iterdir()) == ["ground_truth.txt", "vid.avi"]
    ppg, hr_bpm, time_s = np.loadtxt(subject / "ground_truth.txt")
    video = cv2.VideoCapture(str(subject / "vid.avi"))
    frames = 0
    with Session(recorded[1]["path"]) as session:
        # only the frames before the first sample and after the last one are left out
        frame_ns, ppg_ns = session.frame_time_ns, session.ppg_time_ns
        first, end = np.searchsorted(frame_ns, (ppg_ns[0], ppg_ns[-1]))
        while (read := video.read())[0]:
            if frames % 100 == 0:
                assert (read[1][..., ::-1] == session.frames[first + frames]).all()
            frames += 1
        assert frames == len(ppg) == len(hr_bpm) == len(time_s) == end - first
        assert 595 <= frames <= 602
        assert time_s == pytest.approx((frame_ns[first:end] - frame_ns[first]) / 1e9, abs=1e-6)
    assert np.median(hr_bpm) == pytest.approx(71.2, abs=2.0)
    assert heart_rate(
        on_even_grid(time_s * 1e9, ppg, 0, time_s[-1] * 1e9)[:, 0], FS_HZ
    ) == pytest.approx(71.2, abs=1.0)
