"""`acq import`: nothing lost, every defect named, pixels and stamps as they were published."""

import json
import re
import shutil

import numpy as np
import pytest

from acquire.data_folder import session_files
from acquire.errors import CurationError, Fix, SplitError
from dataset.card.description import AboutDataset
from dataset.card.write import write_card
from dataset.common.workers import Workers
from dataset.consistency.copies import find_imported_copies
from dataset.consistency.new_split import make_split
from dataset.layouts.avi import read_bgr
from dataset.layouts.pure import PureWriter
from dataset.public.import_set import import_set
from dataset.public.sets import find_set
from dataset.public.write_recording import DEFECT, SOURCE
from dataset.quality.limits import read_limits
from dataset.quality.measurements import Measurements
from dataset.quality.ppg import measure_ppg
from dataset.session.heart_rate import spans_without_finger
from dataset.session.reader import Session
from tests.support.public_sets import (
    FPS,
    HEIGHT,
    PURE_START_NS,
    WIDTH,
    make_dataset_1,
    make_dataset_2,
    make_pure,
    matlab_row,
    picture,
    write_avi,
)


def import_all(root, data, **options):
    """Import a set and return the outcome of each folder by its name."""
    return {path.name: outcome for path, outcome in import_set(root, data, **options)}


def import_one(root, data, name, **options):
    """Import a set and return the session that one of its folders became."""
    outcome = import_all(root, data, **options)[name]
    assert outcome.value is not None, outcome.error
    return outcome.value


def published_values(session):
    assert session.published is not None
    return session.published


def check_pixels(session, shown):
    assert len(session.frames) == len(shown)
    for index, number in enumerate(shown):
        assert (session.frames[index] == picture(number)).all()


def test_dataset_2_comes_over_whole(tmp_path):
    ppg, t = make_dataset_2(tmp_path / "set" / "subject5")
    found = import_one(tmp_path / "set", tmp_path / "data", "subject5")
    with Session(tmp_path / "data/sessions/UBFC2-5/UBFC2-5.h5") as session:
        check_pixels(session, range(300))
        published_ns = np.round(t * 1e9).astype(np.int64)
        assert (session.frame_arrival_ns == published_ns).all()
        assert (session.ppg_arrival_ns == published_ns).all()
        assert (np.diff(session.frame_time_ns) > 0).all()
        assert (session.frame_time_ns != published_ns).sum() == 2            # the repeated ones
        assert np.abs(session.ppg_values - ppg).max() <= 1e-6 * np.ptp(ppg)
        back = (session.ppg.astype(float) - 8192) / 49152 * np.ptp(
            session.ppg_values
        ) + session.ppg_values.min()
        assert np.abs(back - ppg).max() < 1.1e-5 * np.ptp(ppg)
        assert (published_values(session)["hr_bpm"] == 71.0).all()
        assert np.isnan(published_values(session)["spo2"]).all()
        assert session.imported_from == "UBFC-rPPG DATASET_2"
        assert session.complete
        assert not session.simulated
        assert session.sync_bound_ms is None
        assert session.lost_frames == session.lost_samples == 0
        sources = [event.text for event in session.events if event.kind == SOURCE]
        assert [text.split()[0] for text in sources] == ["vid.avi", "ground_truth.txt"]
        assert found.defects == tuple(
            event.text for event in session.events if event.kind == DEFECT
        )
    assert len(found.defects) == 2
    assert "2 label stamps repeat the one before, the first at 0.3" in found.defects[0]
    assert "1 gap over 0.25 s" in found.defects[1]
    assert "the longest 1.0" in found.defects[1]


def test_a_truncated_video_that_still_plays_is_counted(tmp_path):
    make_dataset_2(
        tmp_path / "set" / "subject33", frames=200, labels=300, cut_bytes=5 * WIDTH * HEIGHT * 3
    )
    found = import_one(tmp_path / "set", tmp_path / "data", "subject33")
    assert found.frames + found.lost_frames == 300
    assert 190 <= found.frames < 200
    assert found.samples == 300
    assert f"the video ends after {found.frames} of 300 frames" in " ".join(found.defects)
    with Session(session_files(tmp_path / "data")[0]) as session:
        check_pixels(session, range(found.frames))
        assert not session.complete
        assert session.lost_frames == 300 - found.frames


def test_unequal_rows_bad_numbers_and_frames_without_a_label(tmp_path):
    make_dataset_2(tmp_path / "set" / "subject1", frames=303, missing_hr=2)
    path = tmp_path / "set" / "subject1" / "ground_truth.txt"
    lines = path.read_text().splitlines()
    words = lines[0].split()
    words[7] = "NaN"
    path.write_text("\n".join([" ".join(words), *lines[1:]]))
    found = import_one(tmp_path / "set", tmp_path / "data", "subject1")
    defects = " ".join(found.defects)
    assert "PPG 300, heart rate 298, seconds 300" in defects
    assert "1 value of PPG is not finite, the first at 7" in defects
    assert "3 frames have no published time" in defects
    assert (found.frames, found.samples, found.lost_samples) == (303, 299, 1)
    with Session(session_files(tmp_path / "data")[0]) as session:
        assert np.diff(session.ppg_sequence).tolist().index(2) == 6
        assert np.isnan(published_values(session)["hr_bpm"][-2:]).all()
        check_pixels(session, range(303))


def test_dataset_1_has_samples_of_their_own_and_no_frame_times(tmp_path):
    values, ms = make_dataset_1(tmp_path / "set" / "5-gt")
    found = import_one(tmp_path / "set", tmp_path / "data", "5-gt")
    defects = " ".join(found.defects)
    assert "1 sample stamps repeat" in defects
    assert "2 sample stamps are negative" in defects
    assert "frame times are not published" in defects
    with Session(session_files(tmp_path / "data")[0]) as session:
        assert session.camera.time_meaning == "nominal, not published"
        check_pixels(session, range(240))
        assert np.allclose(session.frame_time_ns, np.arange(240) / 30 * 1e9, atol=1)
        assert (session.ppg_arrival_ns == ms * 10**6).all()
        assert (np.diff(session.ppg_time_ns) > 0).all()
        assert (session.ppg_values == values).all()
        assert (published_values(session)["spo2"] == 98).all()
        assert session.sensor.rate_hz == 62


def test_pure_names_what_pictures_and_json_disagree_on(tmp_path):
    values, sample_ns, stamps = make_pure(
        tmp_path / "set" / "01-02", missing=(20, 21), unlisted=(30,), damaged=(40,)
    )
    found = import_one(tmp_path / "set", tmp_path / "data", "01-02")
    defects = " ".join(found.defects)
    for text in (
        "1 image stamps stand twice", "out of order", "2 pictures of the JSON are not there",
        "1 pictures are not in the JSON", "1 pictures do not decode",
        "1 time a sample stamp goes back",
    ):
        assert text in defects
    shown = [i for i in range(240) if i not in (20, 21, 40)]
    assert (found.frames, found.lost_frames, found.subject, found.session) == (
        237, 3, "PURE-01", "PURE-01-02",
    )
    with Session(session_files(tmp_path / "data")[0]) as session:
        check_pixels(session, shown)
        assert (session.frame_time_ns == stamps[shown]).all()
        assert session.started_monotonic_ns == PURE_START_NS
        assert session.frame_sequence.tolist() == shown
        assert (session.ppg_values == values).all()
        assert (session.ppg_arrival_ns == sample_ns).all()


def test_nothing_vanishes(tmp_path, acq_here):
    root = tmp_path / "set"
    make_dataset_2(root / "subject1")
    make_dataset_2(root / "subject2")
    (root / "subject2" / "ground_truth.txt").unlink()
    make_dataset_2(root / "subject3")
    (root / "subject3" / "ground_truth.txt").write_text(matlab_row([1, 2, 3]))
    make_dataset_2(root / "subject4")
    (root / "subject4" / "vid.avi").write_bytes(b"not a video")
    make_dataset_2(root / "subject6")
    (root / "subject6" / "vid.avi").unlink()
    (root / "after-exercise").mkdir()
    done = acq_here("import", root, "--data", tmp_path / "data", "--json")
    assert done.returncode == 1
    body = json.loads(done.stdout)
    assert [one["session"] for one in body["imported"]] == ["UBFC2-1"]
    assert body["failed"] == 5
    refused = {
        named[1]: line for line in done.stderr.splitlines()
        if (named := re.search(r"([\w-]+) not imported", line))
    }
    assert sorted(refused) == ["after-exercise", "subject2", "subject3", "subject4", "subject6"]
    assert "expected ground_truth.txt, found nothing" in refused["subject2"]
    assert "expected three rows" in refused["subject3"]
    assert "found 1" in refused["subject3"]
    assert "expected a video" in refused["subject4"]
    assert "found nothing" in refused["subject6"]
    assert "subject1: 2 label stamps repeat" in done.stderr
    assert [path.name for path in session_files(tmp_path / "data")] == ["UBFC2-1.h5"]
    assert not list((tmp_path / "data").glob(".import*"))


def test_repeated_keeps_what_came_from_the_same_files(tmp_path):
    root, data = tmp_path / "set", tmp_path / "data"
    make_dataset_2(root / "subject1")
    (data / ".import-partial").mkdir(parents=True)
    (data / ".import-partial" / "UBFC2-1.h5").write_bytes(b"what a kill left")
    first = import_one(root, data, "subject1")
    path = session_files(data)[0]
    state = path.stat().st_mtime_ns
    again = import_one(root, data, "subject1")
    assert not first.kept
    assert again.kept
    assert path.stat().st_mtime_ns == state
    write_avi(root / "subject1" / "vid.avi", 290)
    refused = import_all(root, data)["subject1"]
    assert refused.value is None
    assert refused.cause is not None
    assert refused.cause.fix is Fix.REPLACE
    assert path.stat().st_mtime_ns == state
    assert import_one(root, data, "subject1", force=True).frames == 290


def test_the_set_is_found_and_named(tmp_path):
    with pytest.raises(CurationError, match="found none"):
        find_set(tmp_path / "nothing")
    (tmp_path / "S01").mkdir()
    with pytest.raises(CurationError, match="found S01"):
        find_set(tmp_path)
    for name, which in (("subject3", "ubfc2"), ("6-gt", "ubfc1"), ("01-01", "pure")):
        (tmp_path / which / name).mkdir(parents=True)
        assert find_set(tmp_path / which) == which
    (tmp_path / "pure" / "6-gt").mkdir()
    with pytest.raises(CurationError, match="of one set"):
        find_set(tmp_path / "pure")
    with pytest.raises(CurationError, match="prefix"):
        list(import_set(tmp_path / "ubfc2", tmp_path, prefix="../"))


def test_pure_writer_and_import_are_one_another_s_inverse(tmp_path):
    rng = np.random.default_rng(5)
    frame_ns = 5_000_000_000_000 + np.cumsum(rng.integers(30_000_000, 36_000_000, 60))
    sample_ns = 5_000_000_000_000 + np.arange(60) * 33_000_000
    ppg = rng.normal(size=60)
    with PureWriter(tmp_path / "pure", subject_number=7, session_number=3) as writer:
        for i, time_ns in enumerate(frame_ns):
            writer.add(picture(i)[..., ::-1], int(time_ns))
        writer.finish(ppg, sample_ns, np.full(60, 71.5))
    found = import_one(tmp_path / "pure", tmp_path / "data", "07-03")
    assert found.defects == ()
    with Session(session_files(tmp_path / "data")[0]) as session:
        check_pixels(session, range(60))
        assert (session.frame_time_ns == frame_ns).all()
        assert (session.ppg_time_ns == sample_ns).all()
        assert np.abs(session.ppg_values - ppg).max() < 1e-9
        assert (published_values(session)["hr_bpm"] == 71.5).all()
    with pytest.raises(CurationError, match="from 1 to 99"):
        PureWriter(tmp_path / "pure", subject_number=100, session_number=1)
    with pytest.raises(CurationError, match="no folder yet"):
        PureWriter(tmp_path / "pure", subject_number=7, session_number=3)


def test_imported_sessions_are_split_by_subject(tmp_path, acq_here):
    for person, name in enumerate(("01-01", "01-02", "02-01")):
        make_pure(tmp_path / "set" / name, frames=60, samples=120, person=person)
    found = import_all(tmp_path / "set", tmp_path / "data", workers=Workers(jobs=2))
    assert all(outcome.value for outcome in found.values())
    done = acq_here("split", "--holdout", "PURE-02", "--data", tmp_path / "data")
    assert done.returncode == 0, done.stderr
    split = json.loads((tmp_path / "data" / "split.json").read_text())
    assert [(fold["train"], fold["test"]) for fold in split["folds"]] == [
        (["PURE-01"], ["PURE-02"])
    ]
    assert len(split["sessions"]) == 3
    refused = acq_here("resync", session_files(tmp_path / "data")[0])
    assert refused.returncode == 1
    assert "imported from PURE" in refused.stderr


def test_imported_sessions_come_back_as_the_folders_they_were(tmp_path, acq_here):
    made = {}
    for number in (1, 2):
        made[f"UBFC2-{number}"] = make_dataset_2(
            tmp_path / "set" / f"subject{number}", frames=100, labels=100,
            time_s=np.round(np.arange(100) / FPS, 6), person=number,
        )
    import_all(tmp_path / "set", tmp_path / "data")
    for words in (("split", "--holdout", "UBFC2-2"), ("convert", "--ppg", "raw")):
        done = acq_here(*words, "--data", tmp_path / "data")
        assert done.returncode == 0, done.stderr
    entries = json.loads((tmp_path / "data/ubfc/manifest.json").read_text())["entries"]
    assert [entry["imported_from"] for entry in entries] == ["UBFC-rPPG DATASET_2"] * 2
    for entry in entries:
        folder = tmp_path / "data" / "ubfc" / entry["folder"]
        ppg, time_s = made[entry["session"]]
        written = np.loadtxt(folder / "ground_truth.txt")
        assert np.abs(written[0] - ppg).max() <= 1e-6 * np.ptp(ppg)
        assert np.abs(written[2] - time_s).max() <= 1e-6
        shown = list(read_bgr(folder / "vid.avi"))
        assert len(shown) == 100
        first = 1000 * int(entry["session"][-1])
        assert all((bgr[..., ::-1] == picture(first + i)).all() for i, bgr in enumerate(shown))
    text = write_card(tmp_path / "data", AboutDataset()).markdown.read_text()
    # what the set does not say of its sensor is not told as 0 bit and firmware 0.0.0
    (sensor,) = re.findall("; sensor (.*)", text)
    assert re.fullmatch(r"CMS50E .*, about 29 Hz; imported from UBFC-rPPG DATASET_2", sensor)
    limits = text.partition("## Known limits")[2]
    assert "Imported from UBFC-rPPG DATASET_2" in limits
    assert "Cameras were not calibrated" in limits
    # a copy without recordings loses none of these warnings
    shutil.rmtree(tmp_path / "data/sessions")
    copied = write_card(tmp_path / "data", AboutDataset(), force=True).markdown.read_text()
    left = set(limits.splitlines()) - set(copied.splitlines())
    assert left == set()


def test_pure_folders_that_hold_no_recording_are_named(tmp_path):
    root = tmp_path / "set"
    for name in ("01-01", "01-02", "01-03", "01-04", "01-05"):
        make_pure(root / name, frames=20, samples=60)
    (root / "01-01" / "01-01.json").unlink()
    for path in (root / "01-02" / "01-02").iterdir():
        path.unlink()
    (root / "01-03" / "01-03.json").write_text('{"/Image": []}')
    # beside its folder: as in some copies
    (root / "01-04" / "01-04.json").rename(root / "01-04.json")
    first = sorted((root / "01-05" / "01-05").iterdir())[0]
    first.rename(first.with_name("0001.png"))
    found = import_all(root, tmp_path / "data")
    assert "expected labels, found nothing" in found["01-01"].error
    assert "expected pictures Image<ns>.png, found 0" in found["01-02"].error
    assert "expected a list /FullPackage" in found["01-03"].error
    assert found["01-04"].value is not None
    five = found["01-05"].value
    assert five is not None
    assert five.lost_frames == 1
    assert "1 pictures are not named by a stamp of their own, the first is 0001.png" in " ".join(
        five.defects
    )
    assert len(session_files(tmp_path / "data")) == 2


def test_a_subject_whose_name_is_read_as_another_s_is_named_not_imported(tmp_path):
    for name, person in (("subject01", 1), ("subject1", 2), ("subject2", 3), ("subject3", 3)):
        make_dataset_2(tmp_path / "set" / name, frames=60, labels=60, person=person)
    found = import_all(tmp_path / "set", tmp_path / "data")
    assert "found UBFC2-1 beside UBFC2-01; rename one" in found["subject1"].error
    assert {path.parent.name for path in session_files(tmp_path / "data")} == {
        "UBFC2-01", "UBFC2-2", "UBFC2-3"
    }
    (copies,) = find_imported_copies(tmp_path / "data")
    assert "UBFC2-2 of UBFC2-2 and UBFC2-3 of UBFC2-3 with the same" in copies.facts
    with pytest.raises(SplitError, match=r"the same ground_truth\.txt and vid\.avi"):
        make_split(tmp_path / "data", holdout=["UBFC2-01"])
    make_dataset_2(tmp_path / "set/subject4", frames=60, labels=60, person=3)
    import_all(tmp_path / "set", tmp_path / "data")
    (copies,) = find_imported_copies(tmp_path / "data")
    assert "3 sessions with the same" in copies.facts
    assert "UBFC2-2 of UBFC2-2, UBFC2-3 of UBFC2-3, UBFC2-4 of UBFC2-4" in copies.facts
    make_dataset_2(tmp_path / "set/subject5", frames=59, labels=60, person=3)
    import_all(tmp_path / "set", tmp_path / "data")
    (copies,) = find_imported_copies(tmp_path / "data")
    assert (
        "4 sessions that hold what others of them hold (UBFC2-2 and UBFC2-3: the same "
        "ground_truth.txt and vid.avi): UBFC2-2 of UBFC2-2, "
    ) in copies.facts


def test_where_the_device_itself_saw_no_finger_no_rate_is_told(tmp_path):
    folder = tmp_path / "set/01-01"
    make_pure(folder)
    path = folder / "01-01.json"
    body = json.loads(path.read_text())
    for at in range(60, 200):
        body["/FullPackage"][at]["Value"]["fingerOut"] = True
    path.write_text(json.dumps(body))
    stamps = [one["Timestamp"] for one in body["/FullPackage"]]
    import_one(tmp_path / "set", tmp_path / "data", "01-01")
    with Session(session_files(tmp_path / "data")[0]) as session:
        assert spans_without_finger(session) == [(stamps[60], stamps[200])]
        measured = Measurements(read_limits())
        measure_ppg(session, None, measured)
    (flag,) = [one for one in measured.flags if one.kind == "finger_off"]
    assert flag.from_s == pytest.approx((stamps[60] - session.started_monotonic_ns) / 1e9)
