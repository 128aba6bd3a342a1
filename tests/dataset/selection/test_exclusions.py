"""What is taken out stays out, says why, and comes back."""

import json
from functools import partial
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from acq.advice import advise
from acq.main import app
from acq.options import parse_time
from acquire import data_folder
from acquire.calibration.rig_file import read_rig
from acquire.errors import AcqError, CurationError, Fix, SessionError, SplitError
from dataset.catalogue.listing import list_sessions
from dataset.common.wording import clock_time
from dataset.consistency.of_today import find_outdated, read_today
from dataset.layouts.export_manifest import read_export_manifest
from dataset.layouts.manifest import MANIFEST
from dataset.selection.choose import split_by_subject
from dataset.selection.exclusions import Exclusions
from dataset.selection.exclusions_file import read_exclusions, write_exclusions
from dataset.selection.identities import identify_sessions
from dataset.selection.make_exclusion import make_exclusion
from dataset.selection.split_file import read_split, write_split
from dataset.session.find import find_session
from dataset.session.subject import read_subject
from dataset.withdraw.record import read_withdrawals
from tests.support.made_sessions import make_session

FIRST, SECOND, THIRD = (f"S0{at}-20260101T090001Z" for at in (1, 2, 3))


@pytest.fixture
def data(tmp_path):
    for subject in ("S01", "S02", "S03"):
        make_session(tmp_path, subject, seconds=4.0)
    return tmp_path


def truncate(path):
    path.write_bytes(path.read_bytes()[:2000])
    return path


def take_out(data, *sessions, from_s=None, to_s=None):
    excluded = read_exclusions(data)
    for session in sessions:
        excluded = excluded.adding(
            make_exclusion(find_session(data, session), from_s=from_s, to_s=to_s, reason="moved")
        )
    write_exclusions(data, excluded)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("80", 80), ("1:20", 80), ("01:20.25", 80.25), ("1:02:03.5", 3723.5), ("0", 0),
        ("90.5", 90.5), ("0:05", 5),
    ],
)
def test_times_are_read_and_written_alike(text, seconds):
    assert parse_time(text, "--from") == seconds
    assert parse_time(clock_time(seconds, digits=3), "--from") == seconds


@pytest.mark.parametrize(
    "text", ["", "-5", "1:2", "1:60", "60:00:00:00", "1:62:00", "one", "nan", "1e3", "1:20s", ":20"]
)
def test_other_times_are_refused(text):
    with pytest.raises(typer.BadParameter, match="such as 80, 1:20"):
        parse_time(text, "--from")


def test_what_is_out_is_in_no_split(data):
    take_out(data, SECOND)
    assert [identity.session for identity in identify_sessions(data)] == [FIRST, THIRD]
    take_out(data, FIRST, from_s=1.0)
    # a part is cut out later, when the session is converted
    assert [identity.session for identity in identify_sessions(data)] == [FIRST, THIRD]
    take_out(data, FIRST, THIRD)
    with pytest.raises(SplitError, match="all of them excluded"):
        identify_sessions(data)


@pytest.mark.parametrize(
    "file_of",
    [
        data_folder.exclusions_file, data_folder.split_file, data_folder.rig_file,
        partial(data_folder.subject_file, subject="S01"), data_folder.withdrawals_file,
    ],
)
def test_a_list_whose_link_leads_nowhere_is_refused_and_not_taken_for_none(data, file_of):
    write_split(split_by_subject(identify_sessions(data), holdout=["S03"]),
                data_folder.split_file(data))
    path = file_of(data)
    path.unlink(missing_ok=True)
    path.symlink_to("on-a-disk-that-is-not-here.json")
    read = {
        "exclusions.json": read_exclusions, "subject.json": partial(read_subject, subject="S01"),
        "rig.json": read_rig, "withdrawals.json": read_withdrawals,
        "split.json": lambda data: read_split(data_folder.split_file(data)),
    }[path.name]
    with pytest.raises(AcqError, match="found a link that leads to nothing"):
        read(data)


def test_what_is_out_stays_out_where_its_list_leads_nowhere(data):
    take_out(data, FIRST)
    write_split(split_by_subject(identify_sessions(data), holdout=["S03"]),
                data_folder.split_file(data))
    path = data_folder.exclusions_file(data)
    path.rename(path.with_name("kept.json"))
    path.symlink_to("lost.json")
    for words in (["ls"], ["split", "--holdout", "S03"], ["convert"]):
        done = CliRunner().invoke(app, [*words, "--data", str(data)])
        assert done.exit_code == 1, words
        assert "found a link that leads to nothing" in str(done.exception)
    assert path.is_symlink()


def test_a_damaged_session_can_be_taken_out(data):
    path = truncate(data / "sessions/S02" / f"{SECOND}.h5")
    with pytest.raises(SessionError, match=SECOND) as caught:
        identify_sessions(data)
    assert (caught.value.fix, caught.value.of) == (Fix.RECOVER_OR_EXCLUDE, SECOND)
    with pytest.raises(SessionError, match="exclude the whole session, which is not opened"):
        make_exclusion(path, from_s=1.0, to_s=None, reason="moved")
    take_out(data, str(path))
    assert [identity.session for identity in identify_sessions(data)] == [FIRST, THIRD]


def test_a_renamed_copy_of_what_is_out_is_out_too(data):
    path = data / "sessions/S02" / f"{SECOND}.h5"
    path.with_name("copy.h5").write_bytes(path.read_bytes())
    take_out(data, SECOND)
    assert [identity.session for identity in identify_sessions(data)] == [FIRST, THIRD]
    write_exclusions(data, Exclusions())
    take_out(data, "copy")
    assert [identity.session for identity in identify_sessions(data)] == [FIRST, SECOND, THIRD]


def test_no_part_of_a_link_is_taken_out_as_it_would_be_one_of_the_recording(data):
    path = data / "sessions/S02" / f"{SECOND}.h5"
    link = data / "sessions/S03/link.h5"
    link.symlink_to(path)
    with pytest.raises(CurationError, match=f"found {link} and {path}; remove the copy"):
        take_out(data, "link", from_s=1.0, to_s=2.0)
    with pytest.raises(CurationError, match="remove the copy"):
        take_out(data, str(link), from_s=1.0, to_s=2.0)
    take_out(data, str(link))                     # by its own name, not that of what it leads to
    take_out(data, str(path), from_s=1.0, to_s=2.0)
    rows = {row.file: (row.use, row.reasons) for row in list_sessions(data).rows}
    assert rows["sessions/S03/link.h5"] == ("out", "moved")
    assert rows[f"sessions/S02/{SECOND}.h5"] == ("part out", "0:01 to 0:02: moved")


def test_no_part_of_a_renamed_copy_is_taken_out_while_another_is_used(data):
    """The part would be one of whichever of them is used."""
    recording = find_session(data, FIRST)
    first, second = (recording.with_name(f"{name}.h5") for name in ("first", "second"))
    first.write_bytes(recording.read_bytes())
    recording.rename(second)
    for name in ("first", "second"):
        with pytest.raises(CurationError) as caught:
            take_out(data, name, from_s=1.0, to_s=2.0)
        assert caught.value.expected.startswith(f"one file of session {FIRST}, for whose id")
        assert {str(first), str(second)} == set(caught.value.found.split(" and "))
    take_out(data, "second")
    take_out(data, "first", from_s=1.0, to_s=2.0)
    assert [identity.file for identity in identify_sessions(data)][:1] == ["sessions/S01/first.h5"]
    rows = {Path(row.file).stem: row for row in list_sessions(data).rows}
    assert (rows["first"].use, rows["first"].reasons) == ("part out", "0:01 to 0:02: moved")
    assert (rows["second"].use, rows["second"].reasons) == ("out", "moved")


def test_what_is_out_of_a_recording_is_not_told_of_its_copy(data):
    recording = find_session(data, FIRST)
    take_out(data, FIRST, from_s=1.0, to_s=2.0)
    recording.with_name("again.h5").write_bytes(recording.read_bytes())
    rows = {Path(row.file).stem: row for row in list_sessions(data).rows}
    assert rows[FIRST].reasons == "0:01 to 0:02: moved"
    assert (rows["again"].use, rows["again"].reasons) == ("", "")


def test_a_copy_whose_name_has_a_space_is_told_which_names_it_may_have(data):
    copy = data / "sessions/S02/a b.h5"
    copy.write_bytes((data / "sessions/S02" / f"{SECOND}.h5").read_bytes())
    names = "letters, digits, - and _"
    for words in (("ls",), ("split", "--holdout", "S01"), ("verify",)):
        done = CliRunner().invoke(app, [*words, "--data", str(data)])
        said = f"remove it, or give it a name of its own ({names}) and exclude it by that"
        assert said in f"{done.output}{done.exception}", words
    with pytest.raises(CurationError, match=f"most 64 {names}.* found 'a b' in .*; rename it"):
        take_out(data, "a b")
    copy.rename(copy.with_name("a_b.h5"))
    take_out(data, "a_b")
    assert len(identify_sessions(data)) == 3


def test_taking_back(data):
    take_out(data, FIRST)
    take_out(data, FIRST, from_s=1.0, to_s=2.0)
    excluded = read_exclusions(data)
    left, revoked = excluded.removing(FIRST, (1.0, 2.0))
    assert [exclusion.part_text for exclusion in revoked] == ["0:01 to 0:02"]
    assert left.is_excluded(FIRST)
    assert excluded.removing(FIRST)[0] == Exclusions()
    for session, part, says in (
        (SECOND, None, "found nothing of it excluded"), (FIRST, (1.0, 3.0), "0:01 to 0:02"),
    ):
        with pytest.raises(CurationError, match=says):
            excluded.removing(session, part)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((FIRST, "--from", "0:02", "--to", "0:06"),
         "that ends at its end, 0:04.002, or at most 1 s after it, found 0:02 to 0:06"),
        ((FIRST, "--from", "5"),
         "that begins before its end, 0:04.002, found 0:05 to its end; nam"),
        ((FIRST, "--from", "2", "--to", "2"), "a part that ends where it begins, 0:02 to 0:02"),
        ((FIRST, "--from", "2", "--to", "1"), "a part that ends before it begins, 0:02 to 0:01"),
        (("S09-20260101T090001Z",), "expected a recording 'S09-20260101T090001Z'"),
        ((FIRST, "../elsewhere.h5"), "expected a recording '../elsewhere.h5'"),
    ],
)
def test_what_cannot_be_taken_out_is_named_and_changes_nothing(data, words, says):
    done = CliRunner().invoke(app, ["exclude", *words, "--reason", "x", "--data", str(data)])
    assert isinstance(done.exception, CurationError)
    assert says in str(done.exception)
    assert "\n" not in str(done.exception)
    assert not data_folder.exclusions_file(data).exists()


def test_each_export_made_before_has_the_command_that_makes_it_anew(data):
    for folder in (data_folder.ubfc_dir(data), data_folder.pure_dir(data)):
        folder.mkdir()
        (folder / MANIFEST).touch()
    words = ("exclude", FIRST, "--to", "1", "--reason", "talks", "--data", str(data), "--json")
    made = json.loads(CliRunner().invoke(app, words).stdout)["out_of_date"]
    assert {Path(one["path"]).name: one["command"] for one in made} == {
        "ubfc": f"acq convert --force --data {data}",
        "pure": f"acq convert --to pure --force --data {data}",
    }


def test_an_export_keeps_its_layout_where_it_is_made_anew(data):
    def run(*words):
        done = CliRunner().invoke(app, [*words, "--data", str(data)])
        assert done.exit_code == 0, done.output
        return done.stdout

    run("split", "--holdout", "S01", "--quiet")
    run("convert", "--to", "pure-flat", "--fps", "native", "--quiet")
    made = json.loads(run("exclude", FIRST, "--to", "1", "--reason", "x", "--json"))["out_of_date"]
    (command,) = [one["command"] for one in made]
    assert command == f"acq convert --to pure-flat --force --data {data}"
    manifest = read_export_manifest(data_folder.pure_dir(data))
    today = read_today(data, [entry.session for entry in manifest.entries])
    (outdated,) = find_outdated(data, manifest, today)
    assert "run acq convert --to pure-flat --force" in advise(outdated.error, "verify")


def test_what_holds_again_after_an_undo_is_not_called_out_of_date(data):
    def out_of_date(*words):
        done = CliRunner().invoke(app, [*words, "--data", str(data), "--json"])
        assert done.exit_code == 0, done.output
        return [Path(one["path"]).name for one in json.loads(done.stdout)["out_of_date"]]

    pure = ("convert", "--to", "pure", "--fps", "native")
    for words in (("split", "--holdout", "S01"), ("convert",), pure):
        done = CliRunner().invoke(app, [*words, "--data", str(data), "--quiet"])
        assert done.exit_code == 0, done.output
    part = (SECOND, "--from", "1", "--to", "2.5")
    assert out_of_date("exclude", *part, "--reason", "x") == ["ubfc", "pure"]
    assert out_of_date("exclude", SECOND, "--reason", "x") == ["split.json", "ubfc", "pure"]
    assert out_of_date("include", *part) == ["ubfc", "pure"]           # the whole is out
    assert out_of_date("include", SECOND) == []
    other = data / "sessions/S02" / "copy.h5"
    other.write_bytes((data / "sessions/S02" / f"{SECOND}.h5").read_bytes())
    assert out_of_date("exclude", str(other), "--reason", "a copy") == []


def test_verbs(data):
    def run(*words):
        return CliRunner().invoke(app, [*map(str, words), "--data", str(data)])

    def say(*words):
        done = run(*words)
        assert done.exit_code == 0, done.output
        return done.stdout

    assert "nothing is excluded" in say("exclude")
    assert "made before this" not in say(
        "exclude", FIRST, SECOND, "--from", "1", "--to", "0:02.5", "--reason", "talks"
    )
    for reason, before in (("coughs", "talks"), ("talks", "coughs")):
        same = ("exclude", FIRST, "--from", "1", "--to", "0:02.5", "--reason", reason)
        assert f"instead of: {before} (20" in say(*same)
    assert "left out" not in say("split", "--holdout", "S01", "--quiet")
    out = say("exclude", data / "sessions/S03" / f"{THIRD}.h5", "--reason", " moved\nall the time ")
    assert f"excluded: {THIRD}: the whole session (moved all the time; 20" in out
    assert "instead of" not in out
    assert (
        f"made before this: {data_folder.split_file(data)}; make it anew with acq split --force"
        in out
    )
    assert [line.partition(" (")[0] for line in say("exclude").splitlines()] == [
        f"{FIRST}: 0:01 to 0:02.5", f"{SECOND}: 0:01 to 0:02.5", f"{THIRD}: the whole session",
    ]
    assert f"left out: {THIRD} (moved all the time)" in say(
        "split", "--holdout", "S01", "--quiet", "--force"
    )
    made = json.loads(say("split", "--holdout", "S01", "--quiet", "--json"))
    assert made["excluded"] == [THIRD]
    assert "make it anew with acq split --force" in say("include", THIRD)
    data_folder.ubfc_dir(data).mkdir()
    (data_folder.ubfc_dir(data) / "manifest.json").touch()
    back = say("include", FIRST, SECOND, "--from", "1", "--to", "2.5")
    assert f"{data_folder.ubfc_dir(data)}; make it anew with acq convert --force" in back
    assert "acq split" not in back                                     # a part changes no split
    assert read_exclusions(data) == Exclusions()
    assert run("exclude", FIRST).exit_code == 2
    assert run("exclude", "--reason", "x").exit_code == 2


def test_a_reason_that_is_no_text_is_refused_and_what_is_excluded_stays_readable(data):
    """A byte of a terminal in another coding: it was written, and could not be read again."""
    take_out(data, FIRST)
    with pytest.raises(CurationError) as caught:
        make_exclusion(find_session(data, SECOND), from_s=None, to_s=None, reason="bewegt \udcfc")
    assert "a reason with bytes that are no text, 'bewegt \\udcfc'" in str(caught.value)
    assert len(read_exclusions(data).listed) == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "expected exclusions, found JSON that is cut short"),
        ("[]", "a list instead of an object"),
        ('{"schema": "acq-exclusions", "schema_version": 2}', "of version 2 instead of"),
        ('{"schema": "acq-exclusions", "schema_version": 1}', "missing required field exclusions"),
    ],
)
def test_a_damaged_file_is_named(data, text, says):
    path = data_folder.exclusions_file(data)
    path.write_text(text)
    with pytest.raises(CurationError, match=says) as caught:
        identify_sessions(data)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    "change",
    [
        {"from_s": float("nan")}, {"from_s": -1}, {"from_s": 3, "to_s": 2}, {"session": "../x"},
        {"reason": " "}, {"to_s": "9"},
    ],
)
def test_a_decision_changed_by_hand_is_checked(data, change):
    take_out(data, FIRST)
    path = data_folder.exclusions_file(data)
    body = json.loads(path.read_text())
    body["exclusions"][0].update(change)
    path.write_text(json.dumps(body))
    with pytest.raises(CurationError, match=r"expected .*exclusions\.json"):
        read_exclusions(data)


def test_an_end_may_be_given_as_people_read_it(tmp_path):
    """`acq ls` says 0:04 or 0:05 of a recording of 4.001 s; both are its end."""
    path = make_session(tmp_path, seconds=4.0)
    assert make_exclusion(path, from_s=2.0, to_s=5.0, reason="moved").to_s == 5.0
    with pytest.raises(CurationError, match="at most 1 s after it, found 0:02 to 0:05"):
        make_exclusion(path, from_s=2.0, to_s=5.1, reason="moved")


def test_a_subject_all_of_whose_sessions_are_excluded_has_no_doubtful_name(tmp_path):
    """Else the advice to exclude them is given on after it was followed."""
    for number, subject in enumerate(("S01", "S2", "s1"), start=1):
        extra = make_session(tmp_path, subject, number, seconds=1.0)

    def doubts(*words):
        done = CliRunner().invoke(app, [*words, "--quiet", "--data", str(tmp_path)])
        return (done.stdout + done.stderr).count("are read as one name")

    verbs = (("ls",), ("qc",), ("split", "--force", "--holdout", "S2"), ("verify",))
    assert [doubts(*words) for words in verbs] == [1, 1, 1, 1]
    exclusion = make_exclusion(extra, from_s=None, to_s=None, reason="there twice")
    write_exclusions(tmp_path, Exclusions((exclusion,)))
    assert [doubts(*words) for words in verbs] == [0, 0, 0, 0]
