"""Without `--jobs` each verb that can works in as many processes as the machine has cores."""

import shutil

import pytest

from dataset.common import workers as workers_module
from dataset.common.workers import Outcome, Workers
from dataset.convert.to_ubfc import convert_sessions
from tests.support.in_this_process import run_here
from tests.support.made_sessions import make_session
from tests.support.splits import write_new_split

CORES, SESSIONS, SECONDS, FREE = 2, 3, 11, 2**40


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    data = tmp_path_factory.mktemp("data")
    for subject in ("S01", "S02", "S03"):
        make_session(data, subject, seconds=SECONDS)
    write_new_split(data, "S03")
    convert_sessions(data)
    return data


READING = [
    ("qc", "dataset.quality.grade_sessions"),
    ("convert --ppg raw --force", "dataset.convert.tasks"),
    ("convert --to pure", "dataset.convert.tasks"),
    ("convert --to bids", "dataset.bids.write"),
]


@pytest.fixture
def noted(monkeypatch):
    """What is asked of several processes is noted and not done, so that the verb ends there."""
    noted, really = [], workers_module.work_through

    def note(work, items, *, workers, places=None):
        noted.append((len(items), workers))
        if workers.jobs in (None, 1):
            yield from really(work, items, workers=workers, places=places)
        else:
            yield from ((at, Outcome(None, "that is enough")) for at in range(len(items)))

    def note_in(module):
        monkeypatch.setattr(f"{module}.work_through", note)
        return noted

    monkeypatch.setattr(workers_module, "usable_cores", lambda: CORES)
    monkeypatch.setattr(workers_module, "START_S", 1e-6)         # any work is worth a process
    monkeypatch.setattr(workers_module, "_available_bytes", lambda: FREE)
    return note_in


@pytest.mark.parametrize(("words", "module"), [
    ("ls", "dataset.common.workers"),
    *READING,
    ("train-kd", "models.data.videos"),
    ("train-kd --from sessions", "models.data.from_sessions"),
])
def test_the_cores_work_unless_told_otherwise(data, tmp_path, noted, words, module):
    if words.startswith("train-kd"):
        pytest.importorskip("torch", reason="needs the extra train")
    asked = noted(module)
    data = shutil.copytree(data, tmp_path / "data")
    for option, jobs in (("", CORES), ("--jobs 3", 3)):
        if words == "ls" and option:                             # which has no such option
            break
        asked.clear()
        run_here(*words.split(), *option.split(), "--data", data, cwd=data)
        assert (SESSIONS, Workers(jobs)) in asked


@pytest.mark.parametrize(("words", "module"), READING)
def test_fewer_work_where_long_recordings_need_the_memory(
    data, tmp_path, noted, monkeypatch, words, module
):
    """One process alone has the memory that the frames of the longest recording take."""
    monkeypatch.setattr(workers_module, "_FRAME_BYTES", FREE // (30 * SECONDS) // 2)
    asked = noted(module)
    data = shutil.copytree(data, tmp_path / "data")
    run_here(*words.split(), "--data", data, cwd=data)
    assert (SESSIONS, Workers(1)) in asked
