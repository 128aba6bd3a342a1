"""A real Dask cluster on loopback, two workers in processes of their own; one of them is killed in
the middle.
"""

import json
import os
import re
import threading
import time
from functools import partial
from pathlib import Path

import pytest

from acquire.errors import AcqError, CurationError
from dataset.common import workers as workers_module
from dataset.common.workers import Workers, work_through
from dataset.layouts.ubfc import load_manifest
from tests.dataset.common.test_workers import double, picky
from tests.support.clusters import Cluster
from tests.support.made_sessions import make_session
from tests.support.splits import write_new_split

pytest.importorskip("distributed", reason="needs the extra cluster")
pytest.importorskip("torch", reason="needs the extra train")

from models.data.curated import load_curated


@pytest.fixture(scope="module")
def cluster(tmp_path_factory, repo):
    made = Cluster(tmp_path_factory.mktemp("cluster"), repo)
    yield made
    made.close()


def kill_midway(cluster, root):
    """Kill a worker once the first folder is in its place, and not the last."""
    end = time.monotonic() + 300
    while time.monotonic() < end:
        if 1 <= len(list(root.glob("*/subject*"))) < 7:
            cluster.kill_one()
            return
        time.sleep(0.01)


def slowly(folder, x):
    """Say that it has begun, take a moment."""
    (folder / f"begun-{x}").touch()
    time.sleep(0.1)
    return x


def test_the_same_outcomes_as_here(cluster):
    workers = Workers(scheduler=cluster.address)
    found = {at: outcome.value for at, outcome in work_through(double, range(9), workers=workers)}
    assert found == dict(enumerate(range(0, 18, 2)))
    found = dict(work_through(picky, range(8), workers=workers))
    assert found == dict(work_through(picky, range(8), workers=Workers()))


def test_a_worker_killed_midway_costs_its_item_a_second_try(cluster, tmp_path):
    found = {}
    for at, outcome in work_through(
        partial(slowly, tmp_path), range(20), workers=Workers(scheduler=cluster.address)
    ):
        found[at] = outcome
        if len(found) == 4:
            cluster.kill_one()
    assert {at: outcome.value for at, outcome in found.items()} == {at: at for at in range(20)}
    assert not any(outcome.error for outcome in found.values())


@pytest.fixture
def asked(monkeypatch):
    """The folders that workers were asked whether they see; they are asked for real."""
    folders, really = [], workers_module._blind

    def note(client, folder):
        folders.append(folder)
        return really(client, folder)

    monkeypatch.setattr(workers_module, "_blind", note)
    return folders


def test_a_worker_that_does_not_see_the_data_folder_is_told_before_the_work(cluster, tmp_path):
    """A folder under a path that leads elsewhere in each process."""
    opened = os.open(tmp_path, os.O_RDONLY)
    workers = Workers(scheduler=cluster.address, folder=Path(f"/proc/self/fd/{opened}"))
    done = partial(slowly, tmp_path)
    try:
        with pytest.raises(AcqError) as told:
            list(work_through(done, range(2), workers=workers))
    finally:
        os.close(opened)
    assert re.fullmatch(
        rf"expected workers that see /proc/self/fd/{opened}, found (tcp://\S+, )+which do "
        r"not; share the disk, mounted at the same path everywhere; .*", str(told.value),
    )
    assert list(tmp_path.iterdir()) == []                     # no work was begun, no sign is left


@pytest.mark.parametrize("words", ["qc", "convert --to pure", "convert --to bids"])
def test_a_verb_of_a_relative_folder_gives_on_a_cluster_what_it_gives_here(
    cluster, tmp_path, acq_here, asked, words
):
    """The workers stand in another folder, and are asked first whether they see the data."""
    data = tmp_path / "data"
    for subject in ("S01", "S02"):
        make_session(data, subject, seconds=8.0)
    write_new_split(data, "S02")
    found = []
    for option in ((), ("--scheduler", cluster.address)):
        done = acq_here(*words.split(), "--force", "--json", "--data", "data", *option)
        assert done.returncode == 0, done.stderr
        made = sorted(path for path in data.rglob("*") if path.is_file())
        found.append((json.loads(done.stdout), [(path, path.read_bytes()) for path in made]))
    assert found[0] == found[1]
    assert set(asked) == {data}


def test_convert_and_the_frames_cache_on_a_cluster_while_a_worker_is_killed(
    cluster, tmp_path, acq_here, asked
):
    """The verbs give what they give here, whatever happens to a worker; the session that is broken
    is named.
    """
    data = tmp_path / "data"
    for number in range(1, 9):
        make_session(data, f"S{number:02d}", number, seconds=11.0, bpm=60 + 3 * number)
    broken = make_session(data, "S09", 9, seconds=11.0, ppg=[512] * 276)
    assert acq_here("split", "--holdout", "S08", "--data", data).returncode == 0
    killed = cluster.killed
    killer = threading.Thread(target=kill_midway, args=(cluster, data / "ubfc"))
    killer.start()
    done = acq_here("convert", "--data", data, "--scheduler", cluster.address, "--quiet")
    killer.join()
    assert cluster.killed == killed + 1
    assert done.returncode == 1, done.stderr
    assert set(asked) == {data}
    (line,) = [
        line
        for line in done.stderr.splitlines()
        if line.startswith("acq: ") and broken.stem in line
    ]
    assert "PPG that is flat" in line
    assert acq_here("exclude", broken.stem, "--reason", "no finger", "--data", data).returncode == 0
    assert acq_here("split", "--holdout", "S08", "--force", "--data", data).returncode == 0
    assert acq_here("convert", "--data", data, "--force").returncode == 0
    manifest = load_manifest(data / "ubfc")
    assert [entry.subject for entry in manifest.entries] == [f"S{n:02d}" for n in range(1, 9)]
    # they show noise
    with pytest.raises(CurationError, match=r"expected a face .* in 8 videos, found 8 without"):
        load_curated(data, workers=Workers(scheduler=cluster.address))


def test_folds_train_on_a_cluster_to_what_they_are_here(cluster, tmp_path, monkeypatch, asked):
    import torch

    from models.experiment.run import train_kd
    from models.training.recipe import Recipe
    from tests.support.curated_folders import make_entry, write_curated_folders

    entries = [make_entry(1, "train", "S01"), make_entry(2, "test", "S02")]
    data = write_curated_folders(tmp_path, entries)
    recipe = Recipe(epochs=1, teacher_epochs=1, precision="float32")
    # the drawings are no part of it, and other numbers of threads add in another order
    monkeypatch.setattr("models.report.write.write_report", lambda *_, **__: None)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        here, there = (
            train_kd(data, recipe=recipe, device="cpu", folds=2, workers=workers).metrics
            for workers in (Workers(), Workers(scheduler=cluster.address))
        )
    finally:
        torch.set_num_threads(threads)
    assert set(asked) == {data.resolve()}
    assert [fold["test"] for fold in there["folds"]] == [fold["test"] for fold in here["folds"]]
    for name in ("teacher", "student", "student_kd"):
        assert here["methods"][name]["curve"] == there["methods"][name]["curve"], name


def test_a_scheduler_without_workers_is_one_line(cluster):  # the last one: it sends them home
    for worker in cluster.workers:
        worker.terminate()
        worker.wait()
    with pytest.raises(AcqError, match=r"expected workers, found none at tcp:"):
        list(work_through(double, range(3), workers=Workers(scheduler=cluster.address)))
