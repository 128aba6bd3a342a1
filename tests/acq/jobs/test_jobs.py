"""A job is a process of its own: watched, cancelled as by Ctrl-C, and found by a later studio."""

import json
import os
import signal
import sys
import time

import pytest

from acq.jobs.jobs import NICE, Jobs
from acq.jobs.record import LOCK, is_locked, take_lock
from acq.jobs.request import JobRequest, command_of
from acquire.data_folder import jobs_dir
from acquire.errors import AcqError
from tests.support.made_sessions import make_session

# a verb that prints what it was told, how far it is, and waits until it is told to end
VERB = """
import json, signal, sys, time
say = lambda **line: print(json.dumps(line), file=sys.stderr, flush=True)
def end(number, frame):
    say(warning="ended by SIGTERM; nothing half-made is left")
    sys.exit(143)
signal.signal(signal.SIGTERM, end)
say(note="reading: 1 of 3", stage="reading", done=1, total=3)
if sys.argv[1] == "verify":
    while True:
        time.sleep(0.01)
if sys.argv[1] == "split":
    say(error="expected a split, found none")
    sys.exit(1)
if sys.argv[1] == "card":
    raise ZeroDivisionError("a fault of its own")
print(json.dumps({"told": sys.argv[1:]}))
"""
PROGRAM = (sys.executable, "-S", "-c", VERB)


def wait_until(is_so, *, most_s=60):
    until = time.monotonic() + most_s
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.01)


def ended(jobs, name):
    wait_until(lambda: jobs.view(name).state != "running")
    return jobs.view(name)


def test_a_job_runs_the_verb_and_keeps_what_it_printed(tmp_path):
    said = []
    jobs = Jobs(tmp_path, PROGRAM, on_end=said.append)
    job = jobs.begin(JobRequest("qc", sessions=("S01-20260101T090001Z",), force=True))
    job = ended(jobs, job.id)
    assert (job.state, job.title, job.words) == ("done", "grade 1 session", ())
    assert jobs.result(job.id) == {
        "told": ["qc", "--force", "S01-20260101T090001Z", "--data", str(tmp_path), "--json"],
    }
    wait_until(lambda: said)
    assert said == [job]
    assert Jobs(tmp_path).listed() == [job]


def test_a_running_job_is_found_by_a_later_studio_and_cancelled_there(tmp_path):
    first = Jobs(tmp_path, PROGRAM)
    job = first.begin(JobRequest("verify"))
    wait_until(lambda: first.view(job.id).stage)
    record = json.loads((jobs_dir(tmp_path) / job.id / "job.json").read_text())
    assert os.getpriority(os.PRIO_PROCESS, record["pid"]) == NICE      # a recording comes first
    later = Jobs(tmp_path)
    (seen,) = later.listed()
    assert (seen.state, seen.stage, seen.done, seen.total) == ("running", "reading", 1, 3)
    later.cancel(job.id)
    assert ended(later, job.id).state == "cancelled"
    assert "nothing half-made" in ended(later, job.id).words[0]
    assert ended(first, job.id).state == "cancelled"


def test_a_job_that_was_killed_unseen_is_said_to_be_unknown(tmp_path):
    first = Jobs(tmp_path, PROGRAM)
    job = first.begin(JobRequest("verify"))
    folder = jobs_dir(tmp_path) / job.id
    record = json.loads((folder / "job.json").read_text())
    os.kill(record["pid"], signal.SIGKILL)
    ended(first, job.id)
    assert first.view(job.id).state == "failed"
    (folder / "job.json").write_text(json.dumps(record))             # as if nobody had seen it
    assert not is_locked(folder)
    (seen,) = Jobs(tmp_path).listed()
    assert seen.state == "not known"
    assert "its end was not seen" in seen.words[-1]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (JobRequest("split", folds=3), "expected a split, found none"),
        (JobRequest("card"), "ZeroDivisionError: a fault of its own"),
    ],
)
def test_a_job_that_fails_says_why(tmp_path, asked, words):
    jobs = Jobs(tmp_path, PROGRAM)
    job = ended(jobs, jobs.begin(asked).id)
    assert (job.state, job.words) == ("failed", (words,))


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param(JobRequest("qc", sessions=("--force",)), id="an option"),
        pytest.param(JobRequest("qc", sessions=("../S01",)), id="a path"),
        pytest.param(JobRequest("split", holdout=("S01",), folds=2), id="two ways to split"),
        pytest.param(JobRequest("split"), id="no way to split"),
        pytest.param(JobRequest("withdraw", subject="S01", typed="S1"), id="another name typed"),
        pytest.param(JobRequest("withdraw", subject="--yes", typed="--yes"), id="no subject"),
        pytest.param(JobRequest("predict"), id="no session"),
        pytest.param(JobRequest("predict", sessions=("S01",), net="/etc/passwd"), id="no run"),
        pytest.param(JobRequest("convert", tool="--force"), id="no tool"),
    ],
)
def test_a_request_that_makes_no_sense_begins_nothing(tmp_path, asked):
    with pytest.raises(AcqError):
        Jobs(tmp_path, PROGRAM).begin(asked)
    assert not jobs_dir(tmp_path).exists()


def test_a_conversion_for_a_tool_is_the_verb_with_its_option(tmp_path):
    command = command_of(JobRequest("convert", to="pure", tool="pyvhr"), tmp_path)
    assert command.arguments[:5] == ("convert", "--to", "pure", "--for", "pyvhr")
    assert command.title == "export for pyvhr, PURE layout"


def test_a_withdrawal_leaves_no_name_in_the_records_of_jobs(tmp_path):
    make_session(tmp_path, seconds=1.0)
    make_session(tmp_path, "S02", seconds=1.0)
    (tmp_path / "S01-20260101T090001Z.txt").write_text("of a person")
    earlier = Jobs(tmp_path, PROGRAM)
    for subject in ("S01", "S02"):
        name = f"{subject}-20260101T090001Z"
        ended(earlier, earlier.begin(JobRequest("predict", sessions=(name,))).id)
    jobs = Jobs(tmp_path)
    job = ended(jobs, jobs.begin(JobRequest("withdraw", subject="S01", typed="S01")).id)
    assert (job.state, job.title, job.words) == ("done", "delete a subject", ())
    assert jobs.result(job.id)["recordings"] == 1
    assert f"names it, and is not touched: {tmp_path}/S01-20260101T090001Z.txt" in job.told
    (later, other) = Jobs(tmp_path).listed()             # the output of the first is gone by now
    assert (later.id, later.state, later.has_result) == (job.id, "done", False)
    assert later.told[0] == job.told[0]
    assert any("not touched" in line and "(withdrawn).txt" in line for line in later.told)
    assert "cannot be reached from here" in later.told[-1]
    assert other.title == "read S02-20260101T090001Z with shipped"
    files = [path for path in jobs_dir(tmp_path).rglob("*") if path.is_file()]
    assert not any("S01" in path.read_text() for path in files if path.name != LOCK)
    assert len(list(jobs_dir(tmp_path).iterdir())) == 2  # no folder is half removed
    assert "S01" not in command_of(JobRequest("withdraw", subject="S01", typed="S01"),
                                   tmp_path).title


def test_why_a_withdrawal_failed_and_that_its_end_is_not_known_are_told_by_a_later_studio(tmp_path):
    tell = "import sys; print('{\"error\": \"S01 is recorded\"}', file=sys.stderr); sys.exit(1)"
    jobs = Jobs(tmp_path, (sys.executable, "-S", "-c", tell))
    job = ended(jobs, jobs.begin(JobRequest("withdraw", subject="S01", typed="S01")).id)
    assert job.words == ("S01 is recorded",)
    (later,) = Jobs(tmp_path).listed()
    assert (later.state, later.words) == ("failed", ("(withdrawn) is recorded",))
    path = jobs_dir(tmp_path) / job.id / "job.json"
    record = json.loads(path.read_text()) | {"ended": "", "exit_code": None, "words": []}
    path.write_text(json.dumps(record))
    (later,) = Jobs(tmp_path).listed()
    assert later.state == "not known"
    assert "delete it again" in later.words[0]
    assert "whole or not at all" not in later.words[0]


def test_what_a_withdrawal_left_of_a_job_is_removed_and_a_job_that_begins_is_not(tmp_path):
    folders = [jobs_dir(tmp_path) / name for name in ("half", "begins", "foreign")]
    for folder in folders:
        folder.mkdir(parents=True)
        (folder / "err.jsonl").touch()
    (folders[0] / LOCK).touch()
    lock = take_lock(folders[1])
    assert Jobs(tmp_path).listed() == []
    os.close(lock)
    assert [folder.exists() for folder in folders] == [False, True, True]


def test_a_job_that_is_asked_for_twice_while_it_runs_is_one(tmp_path):
    begun = []
    jobs = Jobs(tmp_path, PROGRAM, on_begin=lambda job: begun.append(job.id))
    first, again = (jobs.begin(JobRequest("verify")).id for _ in range(2))
    assert begun == [first]                                      # told once
    other = jobs.begin(JobRequest("verify", force=True)).id      # of another kind
    assert first == again != other
    jobs.cancel(first)
    ended(jobs, first)
    anew = jobs.begin(JobRequest("verify")).id
    assert anew not in (first, other)
    for one in (other, anew):
        jobs.cancel(one)
        ended(jobs, one)


def test_a_job_that_cannot_be_noted_is_not_left_running(tmp_path, monkeypatch):
    begun = []

    def no_room(folder, record):
        begun.append(record.pid)
        raise OSError("no space left on device")

    monkeypatch.setattr("acq.jobs.jobs.write_record", no_room)
    with pytest.raises(OSError, match="no space"):
        Jobs(tmp_path, PROGRAM).begin(JobRequest("verify"))
    with pytest.raises(ProcessLookupError):
        os.kill(begun[0], 0)
    assert list(jobs_dir(tmp_path).iterdir()) == []


def test_an_early_warning_is_shown_after_an_hour_of_progress(tmp_path):
    say = (
        "import json, sys; say = lambda **line: print(json.dumps(line), file=sys.stderr)\n"
        "say(warning='one session has no pulse')\n"
        "for n in range(3600): say(note=f'converting: {n} of 3600', stage='converting', done=n,"
        " total=3600)\nprint('{}')"
    )
    jobs = Jobs(tmp_path, (sys.executable, "-S", "-c", say))
    job = ended(jobs, jobs.begin(JobRequest("convert")).id)
    assert (job.state, job.words) == ("done", ("one session has no pulse",))
    assert jobs._find(job.id).said().progress.done == 3599


@pytest.mark.parametrize("is_seen", [True, False])
def test_a_verification_that_found_damage_has_failed_also_where_nobody_saw_its_end(
    tmp_path, is_seen
):
    tell = "import sys; print('{\"ok\": false, \"findings\": []}'); sys.exit(1)"
    jobs = Jobs(tmp_path, (sys.executable, "-S", "-c", tell))
    job = ended(jobs, jobs.begin(JobRequest("verify")).id)
    if not is_seen:
        path = jobs_dir(tmp_path) / job.id / "job.json"
        record = json.loads(path.read_text()) | {"ended": "", "exit_code": None}
        path.write_text(json.dumps(record))
        (job,) = Jobs(tmp_path).listed()
    assert (job.state, job.words) == ("failed", ("its result says what is not as it should be",))
