"""Published sets with faults from the field: mended and said, or refused and said."""

import re
import shutil

import numpy as np
import pytest

from acquire.camera.frame_times import read_frame_times
from dataset.public.import_set import import_set
from dataset.session.summary import summarise_session
from tests.support.field import FIELD, find_case, run_case

pytestmark = pytest.mark.shared


def import_case(name, data):
    """Import the one folder of a case; return its outcome, and its session's summary if any."""
    ((_, outcome),) = import_set(find_case(name) / "set", data)
    files = list(data.rglob("*.h5"))
    return outcome, summarise_session(files[0]) if files else None


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("pure-ms_ts", "milliseconds in PPG and nanoseconds in the names of the pictures"),
        ("ubfc2-half_labels", "600 labels at 58.8/s, and a video of 300 frames at 30.0/s"),
        ("ubfc2-rate_mismatch", "300 labels at 14.7/s, .* heart rate of 72 bpm .* video's rate"),
    ],
)
def test_what_is_not_certain_is_refused(tmp_path, name, words):
    outcome, summary = import_case(name, tmp_path)
    assert summary is None
    assert outcome.value is None
    assert re.search(words, str(outcome.cause))
    assert str(FIELD / name) in outcome.error
    assert not any(path.is_file() for path in tmp_path.rglob("*"))


@pytest.mark.parametrize(
    ("name", "words", "frames", "length_s"),
    [
        ("pure-no_overlap", "share no time: the PPG begins 3600.00 s after", 120, 3.97),
        ("pure-png16", "120 pictures are 16-bit RGB", 120, 4.07),
        ("pure-short_stamps", "the first is Image392643995309481667.png", 119, 4.07),
        ("pure-upper_ext", "", 120, 4.07),
        ("ubfc2-bom", "", 300, 10.17),
        ("ubfc2-ms_times", "times are milliseconds, not seconds", 300, 10.17),
    ],
)
def test_what_is_certain_is_mended_and_said(tmp_path, name, words, frames, length_s):
    outcome, summary = import_case(name, tmp_path)
    assert outcome.value is not None, outcome.error
    assert words in " ".join(outcome.value.defects)
    assert summary.video.frames == frames
    assert summary.duration_s == pytest.approx(length_s, abs=0.05)
    assert summary.video.fps == pytest.approx(29.7, abs=0.4)
    assert summary.ppg.hr_bpm == pytest.approx(72.0, abs=0.5)
    is_pure = name.startswith("pure")
    assert (summary.started or "").startswith("2014-02-17T13:33:13" if is_pure else "")
    assert is_pure or summary.started is None


def test_labels_with_a_mark_at_their_beginning_lie_where_they_lay_without(tmp_path):
    root = find_case("ubfc2-bom") / "set" / "subject1"
    plain = tmp_path / "set" / "subject1"
    shutil.copytree(root, plain)
    labels = plain / "ground_truth.txt"
    labels.write_bytes(labels.read_bytes().removeprefix(b"\xef\xbb\xbf"))
    with_mark, _ = import_case("ubfc2-bom", tmp_path / "a")
    ((_, without),) = import_set(plain.parent, tmp_path / "b")
    assert with_mark.value == without.value
    assert (with_mark.value.samples, with_mark.value.defects) == (300, ())


def test_a_link_that_leads_nowhere_is_named():
    done = run_case("ubfc2-symlink")
    assert "rc 1" in done.stdout
    assert "subject2 not imported" in done.stderr
    assert "a link to /gone, which is not there" in done.stderr
    assert "length      10.17 s" in done.stdout
    assert "started     not known" in done.stdout


def test_times_without_a_header_keep_their_first_row(tmp_path):
    (tmp_path / "t.csv").write_text("".join(f"{i / 30:.6f}\n" for i in range(420)))
    found = read_frame_times(tmp_path / "t.csv", fps=30)
    assert found == pytest.approx(np.arange(420) / 30, abs=1e-6)
