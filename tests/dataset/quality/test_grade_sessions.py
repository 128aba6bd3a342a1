"""`acq qc`: worst first, only what is new, and damaged files hold nobody up."""

import json
import os
import shutil
from pathlib import Path

import h5py
import pytest
from typer.testing import CliRunner

from acq.main import app
from acquire import data_folder
from acquire.errors import CurationError
from dataset.common.workers import Workers
from dataset.quality.grade_sessions import grade_sessions
from dataset.quality.limits import read_limits
from dataset.quality.result import read_quality
from dataset.selection.exclusions import Exclusions
from dataset.selection.exclusions_file import write_exclusions
from dataset.selection.identities import identify_sessions
from dataset.selection.make_exclusion import make_exclusion
from tests.support.made_sessions import make_session


def test_what_is_damaged_holds_nobody_up(tmp_path, acq_here):
    """A damaged quality file is made again; a broken session is named, the others are graded."""
    first, second = (
        make_session(tmp_path, f"S0{n}", n, seconds=11.0, bpm=60 + 9 * n) for n in (1, 2)
    )
    assert acq_here("qc", "--data", tmp_path, "--quiet").returncode == 0
    data_folder.quality_file(first).write_text("{")
    assert acq_here("qc", second.stem, "--data", tmp_path, "--quiet").returncode == 0
    assert acq_here("qc", "--data", tmp_path, "--quiet").returncode == 0
    assert read_quality(first) is not None
    first.write_bytes(first.read_bytes()[:20_000])
    done = acq_here("qc", second.stem, "--data", tmp_path, "--quiet")
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
    assert "acq exclude S01-20260101T090001Z --reason 'no face in 100 % of the looks'" in lines
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


def test_a_session_without_its_curves_is_measured_again(tmp_path):
    path = make_session(tmp_path, "S01", 1, seconds=11.0)

    def measured():
        graded = grade_sessions(tmp_path, [], limits=read_limits(), force=False, workers=Workers())
        return graded.measured

    assert [measured(), measured()] == [1, 0]
    curves = data_folder.quality_curves_file(path)
    curves.write_bytes(b"PK")
    assert [measured(), measured()] == [1, 0]
    curves.unlink()
    assert [measured(), measured()] == [1, 0]


def test_a_second_file_of_a_session_is_named_and_the_recording_graded_on_its_own(tmp_path):
    """Copies keep the id inside: beside the recording, and under its name in another's folder."""
    path = make_session(tmp_path, "S01", 1, seconds=2.0)
    alone = grade_sessions(tmp_path).all[path]
    copies = [path.with_name("copy.h5"), tmp_path / "sessions/S02" / path.name]
    for copy in copies:
        copy.parent.mkdir(exist_ok=True)
        shutil.copy(path, copy)
    done = CliRunner().invoke(app, ["qc", "--quiet", "--data", str(tmp_path)])
    assert done.exit_code == 1
    assert (tmp_path / "qc" / f"{path.stem}.html").exists()
    assert path.stem in done.stdout
    for copy in copies:
        assert f"{path.stem} in {path} and, as a copy, in {copy}; remove it" in done.stderr
    graded = grade_sessions(tmp_path)
    assert graded.all == {path: alone}
    assert sorted(graded.failed) == sorted(copies)
    with pytest.raises(CurationError, match="one file of session") as error:
        make_exclusion(copies[1], from_s=None, to_s=None, reason="a copy")     # of both
    assert str(path) in error.value.found
    copies[1].unlink()
    exclusion = make_exclusion(copies[0], from_s=None, to_s=None, reason="a copy")
    write_exclusions(tmp_path, Exclusions((exclusion,)))
    done = CliRunner().invoke(app, ["qc", "--quiet", "--data", str(tmp_path)])
    assert done.exit_code == 0
    assert not done.stderr                      # of what was decided nothing is asked again
    assert f"{path.stem}  {alone.grade}" in done.stdout
    assert [session.file for session in identify_sessions(tmp_path)] == [
        path.relative_to(tmp_path).as_posix()
    ]


def test_a_grade_of_an_earlier_state_is_not_compared_with(tmp_path):
    paths = [make_session(tmp_path, f"S0{n}", n, seconds=2.0) for n in (1, 2)]
    assert set(grade_sessions(tmp_path).all) == set(paths)
    os.utime(paths[1])                                          # touched, and the same
    assert set(grade_sessions(tmp_path, [paths[0].stem]).all) == set(paths)
    with h5py.File(paths[1], "r+") as file:
        file["ppg/value"][3] += 1
    os.utime(paths[1])
    graded = grade_sessions(tmp_path, [paths[0].stem])
    assert set(graded.all) == {paths[0]}
    assert graded.outdated == (paths[1],)
