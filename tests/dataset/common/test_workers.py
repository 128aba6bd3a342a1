"""Work on many items: in this process, in several, on a cluster; errors, defects and workers that
are killed for real.
"""

import os
import re
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from acquire.errors import AcqError, SessionError
from acquire.pool import own_cores, usable_cores
from dataset.common import workers as workers_module
from dataset.common.workers import Workers, reading_bytes, work_through


def double(x):
    return 2 * x


def double_and_cores(x):
    return 2 * x, own_cores()


def picky(x):
    if x == 3:
        raise SessionError("expected anything,\nfound 3")
    if x == 5:
        raise KeyError("five")
    return x


def die_at(at, once, x):
    """Kill this process at one item; `once`: a file that says that it happened, None to die at
    every try.
    """
    if x == at and not (once and Path(once).exists()):
        if once:
            Path(once).touch()
        time.sleep(0.3)                           # the others are under way
        os.kill(os.getpid(), signal.SIGKILL)
    return x


@pytest.mark.parametrize(
    ("items", "work_s", "free_gb", "jobs"),
    [
        pytest.param(20, 100.0, 64, 8, id="the cores"),
        pytest.param(3, 100.0, 64, 3, id="the items"),
        pytest.param(20, 5.0, 64, 2, id="what is worth the start"),
        pytest.param(20, 0.1, 64, 1, id="not worth one start"),
        pytest.param(20, 100.0, 1.3, 3, id="memory"),
        pytest.param(20, 100.0, 0.1, 1, id="hardly any memory"),
        pytest.param(0, 0.0, 64, 1, id="nothing to do"),
    ],
)
def test_without_a_number_so_many_processes_work_as_are_worth_it(
    items, work_s, free_gb, jobs, monkeypatch
):
    monkeypatch.setattr("os.sched_getaffinity", lambda process: set(range(8)))
    monkeypatch.setattr("dataset.common.workers._available_bytes", lambda: int(free_gb * 2**30))
    assert Workers(None).for_work(items, work_s) == Workers(jobs)
    for said in (Workers(1), Workers(5), Workers(None, "tcp://10.0.0.1:8786")):
        assert said.for_work(items, work_s) == said


@pytest.mark.parametrize(("minutes", "peak_mb", "jobs"), [(1, 194, 8), (60, 322, 6), (240, 879, 3)])
def test_fewer_processes_read_long_recordings(minutes, peak_mb, jobs, monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda process: set(range(8)))
    monkeypatch.setattr("dataset.common.workers._available_bytes", lambda: 4 * 2**30)
    needed = reading_bytes(minutes * 60 * 30)
    assert peak_mb * 1e6 < needed < 3 * peak_mb * 1e6     # as measured in benchmarks/README.md
    assert Workers(None).for_work(20, 1e4, process_bytes=needed) == Workers(jobs)


def test_the_memory_that_is_free_is_more_than_none_and_less_than_the_machine_has():
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert 0 < workers_module._available_bytes() <= whole


@pytest.mark.parametrize("jobs", [1, 2])
def test_every_item_has_its_outcome_and_each_worker_its_share_of_the_cores(jobs):
    found = dict(work_through(double_and_cores, range(20), workers=Workers(jobs)))
    cores = max(1, usable_cores() // jobs)
    assert {at: outcome.value for at, outcome in found.items()} == {
        at: (2 * at, cores) for at in range(20)
    }
    assert not any(outcome.error for outcome in found.values())


@pytest.mark.parametrize("jobs", [1, 2])
def test_errors_are_one_line_and_cost_nobody_else(jobs):
    found = dict(work_through(picky, range(8), workers=Workers(jobs)))
    assert found[3].error == "expected anything, found 3"
    assert isinstance(found[3].cause, SessionError)
    assert found[5].cause is None
    assert re.fullmatch(
        r"unexpected KeyError: 'five', in .*test_workers\.py:\d+; please report it", found[5].error
    )
    assert [found[at].value for at in range(8) if at not in (3, 5)] == [0, 1, 2, 4, 6, 7]


def test_no_items():
    assert list(work_through(double, [], workers=Workers(2))) == []


def test_a_killed_worker_costs_a_second_try(tmp_path):
    work = partial(die_at, 4, str(tmp_path / "died"))
    found = dict(work_through(work, range(12), workers=Workers(2)))
    assert (tmp_path / "died").exists()
    assert {at: outcome.value for at, outcome in found.items()} == {at: at for at in range(12)}


def test_a_worker_that_dies_while_an_outcome_is_looked_at(tmp_path):
    died = tmp_path / "died"
    found = {}
    for at, outcome in work_through(partial(die_at, 3, str(died)), range(12), workers=Workers(2)):
        found[at] = outcome.value
        end = time.monotonic() + 120
        while at < 3 and not died.exists() and time.monotonic() < end:
            time.sleep(0.05)
        time.sleep(0.5 * (at < 3))                # until the pool knows
    assert died.exists()
    assert found == {at: at for at in range(12)}


_INTERRUPTED = """
import time
from dataset.common import workers as workers_module
from dataset.common.workers import Workers, work_through
from tests.dataset.common.test_workers import wait_long
if __name__ == "__main__":
    for _ in work_through(wait_long, range(9), workers=Workers(2)):
        print("one", flush=True)
"""


def wait_long(x):
    time.sleep(0.01 if x == 0 else 900)


def test_ctrl_c_ends_it_at_once_and_says_no_more_than_one_interrupt(tmp_path, repo):
    (tmp_path / "main.py").write_text(_INTERRUPTED)
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(repo), str(repo / "tests")])}
    process = subprocess.Popen(
        [sys.executable, "main.py"], cwd=tmp_path, env=env, start_new_session=True, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )
    assert process.stdout
    assert process.stdout.readline() == "one\n"
    os.killpg(process.pid, signal.SIGINT)                   # as a terminal does: the whole group
    _, said = process.communicate(timeout=300)              # the items under way take 900 s
    assert process.returncode == -signal.SIGINT
    assert said.count("KeyboardInterrupt") == 1, said
    assert "Process SpawnProcess" not in said


def test_an_item_that_kills_every_worker_is_named_and_the_others_are_done():
    found = dict(work_through(partial(die_at, 4, None), range(12), workers=Workers(2)))
    assert "died at every try" in found[4].error
    assert [found[at].value for at in range(12) if at != 4] == [at for at in range(12) if at != 4]


def test_no_scheduler_is_one_line(monkeypatch):
    monkeypatch.setattr("dataset.common.workers.CONNECT_S", 1)
    with pytest.raises(
        AcqError, match=r"expected a Dask scheduler, found none .* at tcp://127\.0\.0\.1:9"
    ) as caught:
        list(work_through(double, [1], workers=Workers(scheduler="tcp://127.0.0.1:9")))
    assert "\n" not in str(caught.value)
