"""`acq ls` lists what is there, and what cannot be read too."""

import csv
import io
import json
import os
from dataclasses import replace
from functools import partial

import h5py
import pytest
from typer.testing import CliRunner

from acq.main import app
from acq.studio.dataset_page import list_people
from acq.studio.sessions_page import totals_of
from acquire import data_folder
from dataset.catalogue.known import KnownSessions
from dataset.catalogue.listing import list_sessions, read_catalogue
from dataset.quality.result import SessionQuality, write_quality
from dataset.selection.choose import split_by_subject
from dataset.selection.exclusions import Exclusion, Exclusions
from dataset.selection.exclusions_file import write_exclusions
from dataset.selection.identities import identify_sessions
from dataset.selection.make_exclusion import make_exclusion
from dataset.selection.split_file import write_split
from dataset.session import reader as session_module
from dataset.session.reader import Session
from tests.support.made_sessions import make_session

FIRST, SECOND = "S01-20260101T090001Z", "S02-20260101T090001Z"


@pytest.fixture
def data(tmp_path):
    make_session(tmp_path, "S01", bpm=66.0, lost_frames=(40, 41), lost_samples=(60,), seconds=8.0)
    make_session(tmp_path, "S02", bpm=90.0, simulated=True, complete=False, seconds=8.0)
    return tmp_path


def damage(data, subject="S03"):
    path = make_session(data, subject, seconds=0.3)
    path.write_bytes(path.read_bytes()[:2000])
    return path


def graded(path, grade="good"):
    made = SessionQuality(path.stem, "S01", "0" * 64, False, 8.0, grade, (), {}, "", "0")
    return write_quality(path, made)


def test_streams_that_share_no_time_are_as_long_as_the_video_and_said(tmp_path):
    make_session(tmp_path, seconds=3.0, frame_offset_s=-3600.0)
    (_, row), = read_catalogue(tmp_path).iterrows()
    assert row["duration_s"] == pytest.approx(3.0, abs=0.05)
    shown = CliRunner().invoke(app, ["ls", "--data", str(tmp_path)], env={"COLUMNS": "200"})
    assert "frames and samples share no time" in shown.output
    assert "1 session, 1 subject, 0.00 h" in shown.output


def test_samples_that_have_no_frames_beside_them_are_said(tmp_path):
    path = make_session(tmp_path, seconds=4.0, frame_offset_s=2.0)
    shown = partial(CliRunner().invoke, app, env={"COLUMNS": "200"})
    assert "2 s without frames" in shown(["ls", "--data", str(tmp_path)]).output
    assert "s, 2.0 s of it without frames" in shown(["info", str(path)]).output


def test_what_each_column_says(data):
    table = read_catalogue(data)
    assert list(table["session"]) == [FIRST, SECOND]
    first, second = (row for _, row in table.iterrows())
    with Session(data / first["file"]) as session:
        assert first["duration_s"] == pytest.approx(session.duration_s, abs=1e-3)
        assert first["frames"] == len(session.frames) == 238
    assert (first["lost_frames"], first["lost_samples"]) == (2, 1)
    assert first["fps"] == pytest.approx(29.75, abs=0.05)
    # a lost sample does not slow the sensor down
    assert first["ppg_rate_hz"] == pytest.approx(25 / 1.0004, abs=1e-3)
    assert first["sync_bound_ms"] == 0.7
    assert first["hr_bpm"] == pytest.approx(66.0, abs=0.3)
    assert second["hr_bpm"] == pytest.approx(90.0, abs=0.3)
    assert list(table["state"]) == ["complete", "incomplete"]
    assert list(table["simulated"]) == [False, True]
    assert list(table["started"]) == ["2026-01-01T09:00:00+00:00"] * 2
    assert set(table["use"] + table["grade"] + table["side"] + table["problem"]) == {"in"}


def test_rates_are_read_from_a_grade_of_this_recording_alone(data):
    path = data_folder.session_files(data)[0]
    with Session(path) as session:
        duration_s = session.duration_s
    measures = {"ppg_rate_hz": 24.5, "ppg_hr_bpm": 61.04}
    made = SessionQuality(path.stem, "S01", "0" * 64, False, duration_s, "good", (), measures, "",
                          "0")
    file = write_quality(path, made)
    row = read_catalogue(data).iloc[0]
    assert (row["ppg_rate_hz"], row["hr_bpm"], row["grade"]) == (24.5, 61.0, "good")
    write_quality(path, replace(made, duration_s=duration_s + 1))           # of another recording
    assert read_catalogue(data).iloc[0]["hr_bpm"] == pytest.approx(66.0, abs=0.3)
    write_quality(path, replace(made, measures={"ppg_hr_bpm": 61.04}))      # of an earlier version
    assert read_catalogue(data).iloc[0]["hr_bpm"] == pytest.approx(66.0, abs=0.3)
    write_quality(path, made)
    os.utime(file, ns=(0, path.stat().st_mtime_ns - 1))
    row = read_catalogue(data).iloc[0]
    assert row["grade"] == "stale"
    assert row["hr_bpm"] == pytest.approx(66.0, abs=0.3)


def test_nothing_is_decoded_or_hashed(data, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("a picture was read")

    monkeypatch.setattr(session_module.Frames, "_read", refuse)
    monkeypatch.setattr(Session, "content_hash", refuse)
    assert len(read_catalogue(data)) == 2


def test_grade_split_and_exclusions_stand_beside(data):
    paths = data_folder.session_files(data)
    write_split(
        split_by_subject(identify_sessions(data), holdout=["S02"], mix_simulated=True),
        data_folder.split_file(data),
    )
    graded(paths[0])
    stale = graded(paths[1])
    os.utime(stale, ns=(0, paths[1].stat().st_mtime_ns - 1))
    part = make_exclusion(paths[0], from_s=1.0, to_s=2.5, reason="coughs")
    whole = make_exclusion(paths[1], from_s=None, to_s=None, reason="moved")
    write_exclusions(data, Exclusions().adding(part).adding(whole))
    table = read_catalogue(data)
    assert list(table["grade"]) == ["good", "stale"]
    assert list(table["use"]) == ["part out", "out"]
    assert list(table["reasons"]) == ["0:01 to 0:02.5: coughs", "moved"]
    assert list(table["side"]) == ["train", "test"]
    make_session(data, "S03", seconds=0.3)
    assert list(read_catalogue(data)["side"]) == ["train", "test", ""]
    write_exclusions(data, Exclusions())
    folds = split_by_subject(identify_sessions(data), folds=3, mix_simulated=True)
    write_split(folds, data_folder.split_file(data), force=True)
    assert sorted(read_catalogue(data)["side"]) == ["test in 1", "test in 2", "test in 3"]


def test_what_cannot_be_read_is_listed_and_named(acq_here, data):
    damaged = damage(data)
    paths = data_folder.session_files(data)
    graded(paths[0]).write_text("{")
    data_folder.split_file(data).write_text("{")
    done = acq_here("ls", "--data", data, "--quiet", "--table", "-")
    assert done.returncode == 1
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [(row["subject"], row["session"], row["state"], row["frames"]) for row in rows] == [
        ("S01", FIRST, "complete", "238"), ("S02", SECOND, "incomplete", "240"),
        ("S03", damaged.stem, "unreadable", ""),
    ]
    assert [row["grade"] for row in rows] == ["unreadable", "", ""]
    assert [row["use"] for row in rows] == ["in", "in", ""]
    named = done.stderr.splitlines()
    assert len(named) == 3
    assert all(line.startswith("acq: expected") for line in named)
    for line, file in zip(
        named, (data_folder.quality_file(paths[0]), damaged, data_folder.split_file(data)),
        strict=True,
    ):
        assert str(file) in line


def test_a_copy_is_told_from_its_recording_and_not_counted(data):
    first = data_folder.session_files(data)[0]
    copy = first.parents[1] / "S03" / "again.h5"
    copy.parent.mkdir()
    copy.write_bytes(first.read_bytes())
    (copy.parent / "d.h5").mkdir()
    done = CliRunner().invoke(app, ["ls", "--quiet", "--data", str(data)])
    rows = done.stdout.splitlines()
    assert rows[3].endswith(
        f"  -      -    -     in S03/again.h5; copy of S01/{FIRST}.h5; misplaced"
    )
    assert rows[4].endswith("  -    -     unreadable")
    assert rows[-1] == (
        "2 sessions, 2 subjects, 0.00 h; 2 files not counted: copies, or not readable"
    )
    assert list(read_catalogue(data)["use"]) == ["in", "in", "", ""]


def test_sessions_that_came_after_the_split_are_told(data):
    def last_line(*words):
        done = CliRunner().invoke(app, ["ls", "--quiet", "--data", str(data), *words])
        return done.stdout.splitlines()[-1]

    assert last_line() == "2 sessions, 2 subjects, 0.00 h"              # there is no split
    split = split_by_subject(identify_sessions(data), holdout=["S02"], mix_simulated=True)
    write_split(split, data_folder.split_file(data))
    assert last_line() == "2 sessions, 2 subjects, 0.00 h"
    make_session(data, "S02", number=2, seconds=3.0)
    make_session(data, "S03", seconds=3.0)
    said = (
        " in no split: acq convert refuses; split again: acq split --force --holdout SUBJECT, or "
        "--folds K, as before"
    )
    assert last_line() == f"2 sessions{said}"
    assert last_line("--subject", "S03") == f"1 session{said}"
    assert last_line("--subject", "S01") == "1 session, 1 subject, 0.00 h"
    done = CliRunner().invoke(app, ["ls", "--quiet", "--json", "--data", str(data)])
    assert json.loads(done.stdout)["in_no_split"] == 2
    exclusion = make_exclusion(
        data_folder.session_files(data)[-1], from_s=None, to_s=None, reason="x"
    )
    write_exclusions(data, Exclusions((exclusion,)))
    assert last_line() == f"1 session{said}"


def test_what_is_excluded_and_no_session_is_not_counted_and_keeps_its_note(data):
    first = data_folder.session_files(data)[0]
    link, copy, damaged = data / "sessions/S02/link.h5", data / "sessions/S02/a.h5", damage(data)
    link.symlink_to(first)
    copy.write_bytes(first.read_bytes())
    chosen = Exclusions()
    for path in (link, copy, damaged):
        chosen = chosen.adding(make_exclusion(path, from_s=None, to_s=None, reason="no use"))
    write_exclusions(data, chosen)
    listing = list_sessions(data)
    assert {row.file.split("/")[-1]: (row.use, row.copy_of) for row in listing.rows} == {
        f"{FIRST}.h5": ("in", ""), f"{SECOND}.h5": ("in", ""), f"{damaged.stem}.h5": ("out", ""),
        "a.h5": ("out", f"S01/{FIRST}.h5"), "link.h5": ("out", f"S01/{FIRST}.h5"),
    }
    assert len(listing.errors) == 1                 # an excluded copy may lie anywhere
    assert (totals_of(listing).sessions, totals_of(listing).excluded) == (2, 0)
    assert [person.sessions for person in list_people(listing, None)] == [1, 1]
    done = CliRunner().invoke(app, ["ls", "--quiet", "--data", str(data)])
    assert done.stdout.splitlines()[-1] == (
        "2 sessions, 2 subjects, 0.00 h; 3 files not counted: copies, or not readable"
    )


def test_of_one_subject_only_its_own_problems_are_told(data):
    damaged, other = damage(data, "S03"), damage(data, "S04")
    gone = [
        Exclusion(f"S0{at}-20250101T000000Z", None, None, "x", "2026-01-01T00:00:00+00:00")
        for at in (1, 3)
    ]
    write_exclusions(data, Exclusions(tuple(gone)))

    def run(*words):
        return CliRunner().invoke(app, ["ls", "--quiet", *words, "--data", str(data)])

    done = run("--subject", "S03")
    assert done.exit_code == 1
    assert [damaged.stem in line or gone[1].session in line
            for line in done.stderr.splitlines()] == [True, True]
    done = run("--subject", "S01", "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout)["problems"] == 0
    assert gone[0].session in done.stderr
    assert str(other) not in done.stderr
    assert json.loads(run("--json").stdout)["problems"] == 2
    data_folder.split_file(data).write_text("{")           # of every row it tells the side
    assert json.loads(run("--subject", "S03", "--json").stdout)["problems"] == 2


def test_recordings_of_each_other_s_folder_are_told_alike_by_every_verb(data):
    first, second = data_folder.session_files(data)
    first.rename(first.parents[1] / "S02" / first.name)
    second.rename(second.parents[1] / "S01" / second.name)

    def run(*words):
        done = CliRunner().invoke(app, [*words, "--quiet", "--data", str(data)])
        return f"{done.stderr}{done.exception}"

    says = "; move it to the folder of its subject; if it is another person of the same name, "
    moved = first.parents[1] / "S02" / first.name
    for words in (("ls",), ("qc",), ("split", "--holdout", "S01", "--mix-simulated")):
        said = run(*words)
        assert f"one of S01 at {moved}" in said, words
        assert says in said, words
    exclusions = Exclusions()
    for path in data_folder.session_files(data):
        exclusions = exclusions.adding(
            make_exclusion(path, from_s=None, to_s=None, reason="swapped")
        )
    write_exclusions(data, exclusions)
    assert says not in run("ls") + run("qc")


def test_table_json_and_subjects(data):
    def run(*words):
        return CliRunner().invoke(app, ["ls", "--quiet", *words, "--data", str(data)])

    done = run()
    assert done.exit_code == 0, done.output
    head, first, second, last = done.stdout.splitlines()
    assert head.split()[:3] == ["session", "subject", "length"]
    assert first.split() == [
        FIRST, "S01", "0:08", "29.73", "24.99", "2+1", "0.70", "66", "-", "in", "-",
    ]
    assert second.endswith("simulated; incomplete")
    assert last == "2 sessions, 2 subjects, 0.00 h"
    body = json.loads(run("--json", "--subject", "S02").stdout)
    assert (body["sessions"], body["subjects"], body["problems"]) == (1, 1, 0)
    assert body["rows"][0]["session"] == SECOND
    assert "expected recorded subjects (S01, S02), found S09" in str(
        run("--subject", "S09").exception
    )
    assert run("--table", "-", "--json").exit_code == 2


def test_an_empty_folder_is_named(tmp_path):
    done = CliRunner().invoke(app, ["ls", "--data", str(tmp_path)])
    assert "found none; acq record" in str(done.exception)


def test_a_recording_that_still_grows_is_listed(data):
    path = make_session(data, "S03", seconds=4.0)
    with h5py.File(path, "r+", libver="latest") as file:
        file.swmr_mode = True
        file.flush()
        (row,) = read_catalogue(data).query("session == @path.stem").to_dict("records")
    assert (row["state"], row["frames"], row["problem"]) == ("never closed", 120, "")


def test_a_list_that_is_read_again_reads_only_what_changed(data, monkeypatch):
    files = data_folder.session_files(data)
    for path in files:
        os.utime(path, (1, 1))
    known, opened = KnownSessions(data), []
    first = read_catalogue(data, known=known)
    monkeypatch.setattr(
        "dataset.session.reader.Session", lambda path: opened.append(path) or Session(path)
    )
    assert read_catalogue(data, known=known).equals(first)
    assert opened == []
    os.utime(files[1], (2, 2))
    write_exclusions(data, Exclusions().adding(
        make_exclusion(files[0], from_s=1.0, to_s=2.0, reason="talks")
    ))
    files[0].with_name("nonsense.h5").write_text("no session")
    again = read_catalogue(data, known=known)
    assert opened == [files[0].with_name("nonsense.h5"), files[1]]
    assert list(again["use"]) == ["part out", "", "in"]
    assert again.iloc[0]["reasons"] == "0:01 to 0:02: talks"


def test_a_table_of_parquet_has_every_column(data, tmp_path):
    import pyarrow.parquet as pq

    out = tmp_path / "ls.parquet"
    done = CliRunner().invoke(app, ["ls", "--data", str(data), "--quiet", "--table", str(out)])
    assert done.exit_code == 0
    table = pq.read_table(out)
    assert table.column("session").to_pylist() == [FIRST, SECOND]
    assert table.column("frames").to_pylist() == [238, 240]
    assert str(table.schema.field("copy_of").type) == "string"
    assert FIRST in done.stdout
