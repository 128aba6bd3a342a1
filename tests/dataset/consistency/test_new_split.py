"""A new split names everything that stands in its way at once, and no person is on two sides."""

import shutil

import numpy as np
import pytest
from typer.testing import CliRunner

from acq.main import app
from acquire import data_folder
from acquire.errors import AcqError, SplitError
from dataset.consistency.new_split import make_split
from dataset.consistency.unsplit import find_unsplit
from dataset.quality.result import Flag, SessionQuality, write_quality
from dataset.selection.exclusions import Exclusion, Exclusions
from dataset.selection.exclusions_file import write_exclusions
from dataset.selection.split_file import write_split
from dataset.session.reader import Session
from tests.support.made_sessions import make_session, sample_times

SECONDS = 7.0


def exclude(data, session, from_s=None, to_s=None):
    write_exclusions(
        data, Exclusions((Exclusion(session, from_s, to_s, "a copy", "2026-01-01T00:00:00"),))
    )


@pytest.mark.parametrize(
    ("content", "ppg", "what"),
    [("S01", "own", "equal pictures from 0.0 to 7.0 s"), ("S02", "same", "equal PPG from 0.0")],
    ids=["the pictures of another", "the PPG of another"],
)
def test_equal_content_under_two_subjects_stops_a_split(tmp_path, content, ppg, what):
    rng = np.random.default_rng(5)
    values = rng.integers(20_000, 40_000, len(sample_times(int(SECONDS * 25) + 1)))
    first = make_session(tmp_path, "S01", seconds=SECONDS, ppg=values)
    second = make_session(
        tmp_path, "S02", seconds=SECONDS, content_of=content,
        ppg=values if ppg == "same" else values + 1,
    )
    make_session(tmp_path, "S03", seconds=0.5)
    with pytest.raises(SplitError, match=what) as error:
        make_split(tmp_path, holdout=["S03"])
    assert first.stem in error.value.found
    assert second.stem in error.value.found
    exclude(tmp_path, second.stem, 1.0, 3.0)
    with pytest.raises(SplitError, match=what):
        make_split(tmp_path, holdout=["S03"])
    exclude(tmp_path, second.stem, 0.0, None)        # all that is equal
    make_split(tmp_path, holdout=["S03"])


def test_a_split_heeds_what_a_grade_of_this_very_recording_knows(tmp_path):
    paths = [make_session(tmp_path, f"S0{n}", seconds=6.0) for n in (1, 2)]
    with Session(paths[0]) as session:
        own_hash = session.content_hash()
    for session_hash, severity, is_refused in (
        (own_hash, "failure", True), (own_hash, "note", False), ("0" * 64, "failure", False),
    ):
        flag = Flag("duplicate", severity, 0.0, 6.0, 6.0, 18.0, "like", other=paths[1].stem)
        quality = SessionQuality(
            paths[0].stem, "S01", session_hash, False, 6.0, "bad", (flag,), {}, "0" * 64, "0"
        )
        write_quality(paths[0], quality)
        if is_refused:
            with pytest.raises(SplitError, match="a match by their grades"):
                make_split(tmp_path, holdout=["S02"])
        else:
            make_split(tmp_path, holdout=["S02"])


def test_every_problem_is_named_at_once_a_line_each(tmp_path):
    """Unreadable, in another's folder, a second file of an id, a copy of a person, no holdout."""
    first = make_session(tmp_path, "S01", seconds=6.0)
    make_session(tmp_path, "S02", seconds=6.0, content_of="S01")
    make_session(tmp_path, "S03", seconds=0.5, folder="S09")
    broken = tmp_path / "sessions/S04/S04-20260101T090001Z.h5"
    broken.parent.mkdir()
    broken.write_bytes(b"no recording")
    shutil.copy(first, first.with_name("copy.h5"))
    make_session(tmp_path, "V01", seconds=0.5, simulated=True)
    with pytest.raises(AcqError) as error:
        make_split(tmp_path, holdout=["s01", "S77", ""])
    assert len(error.value.causes) == 6
    done = CliRunner().invoke(
        app, ["split", "--holdout", "s01", "--holdout", "S77", "--data", str(tmp_path), "--quiet"]
    )
    assert done.exception.causes
    texts = [str(cause) for cause in error.value.causes]
    for text in (
        f"{first.stem} in {first} and, as a copy, in", "found 12 bytes that are not HDF5",
        "one of S03 at", "equal PPG", "'', S77, s01 (is S01 meant?)", "simulated ones of V01",
    ):
        assert sum(text in one for one in texts) == 1, (text, texts)
    assert not data_folder.split_file(tmp_path).exists()


def test_subjects_to_hold_out_are_named_at_once_excluded_and_unknown(tmp_path):
    paths = [make_session(tmp_path, f"S0{n}", seconds=0.5) for n in (1, 2)]
    exclude(tmp_path, paths[1].stem)
    with pytest.raises(SplitError) as error:
        make_split(tmp_path, holdout=["S02", "S77"])
    assert [cause.found for cause in error.value.causes] == ["all of them excluded", "S77"]


def test_two_names_that_are_read_as_one_are_told_of_wherever_sessions_are_listed(tmp_path):
    for subject in ("S01", "s1"):
        make_session(tmp_path, subject, seconds=1.0)
    for words in (("split", "--holdout", "s1"), ("ls",), ("qc",)):
        done = CliRunner().invoke(app, [*words, "--data", str(tmp_path), "--quiet"])
        assert done.exit_code == 0, done.output
        assert "S01 and s1 in" in done.stderr, words
    for words in (("record", "--subject", "S1", "--simulate"), ("subject", "S001", "--sex", "F")):
        done = CliRunner().invoke(app, [*words, "--data", str(tmp_path)])
        assert "beside S01, s1" in str(done.exception), words
        assert sorted(path.name for path in (tmp_path / "sessions").iterdir()) == ["S01", "s1"]


def test_virtual_subjects_get_no_folder_beside_names_that_are_read_the_same(tmp_path):
    make_session(tmp_path, "s02", seconds=0.5)
    done = CliRunner().invoke(
        app, ["simulate", "--subjects", "2", "--sessions", "1", "--duration", "1s", "--quiet",
              "--data", str(tmp_path)],
    )
    assert "S02 beside s02" in str(done.exception)
    assert [path.name for path in (tmp_path / "sessions").iterdir()] == ["s02"]


def test_what_comes_while_a_split_is_made_is_new_and_not_left_out(tmp_path):
    """As by an import beside it: one look is used for all, and only exclusions have reasons."""
    first, second, third = (make_session(tmp_path, f"S0{n}", seconds=0.5) for n in (1, 2, 3))
    exclude(tmp_path, third.stem)
    came = []

    def import_another(stage, done, total):
        if not came:
            came.append(make_session(tmp_path, "S04", seconds=0.5))

    made = make_split(tmp_path, holdout=["S02"], on_progress=import_another)
    assert [one.session for one in made.split.sessions] == [first.stem, second.stem]
    assert made.left_out == {third.stem: "a copy"}
    write_split(made.split, data_folder.split_file(tmp_path))
    (new,) = find_unsplit(tmp_path)
    assert came[0].stem in str(new)
