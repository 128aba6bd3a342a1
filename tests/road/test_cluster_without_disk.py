"""A real Dask cluster whose workers do not see the data folder: an empty one lies over it there."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from functools import partial
from pathlib import Path

import pytest

from acquire.errors import AcqError
from dataset.common import carried
from dataset.common.scratch import Scratch, dumps, loads
from dataset.common.workers import Workers, work_through
from dataset.layouts.ubfc import VIDEO
from tests.support.carried_items import add_twice, beside, copy_slowly, read_other_bytes
from tests.support.clusters import Cluster
from tests.support.curated_folders import make_entry, write_curated_folders
from tests.support.made_sessions import make_session
from tests.support.splits import write_new_split

pytest.importorskip("distributed", reason="needs the extra cluster")
pytest.importorskip("torch", reason="needs the extra train")
pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or sys.platform != "linux", reason="needs root to hide a folder"
)

from models.data.videos import fill_frames_cache
from models.experiment.run import train_kd

SENT = pytest.mark.filterwarnings("ignore:.* do not see")
MB = 2**20


@pytest.fixture(scope="module")
def hidden(tmp_path_factory):
    """A folder that the workers do not see."""
    return tmp_path_factory.mktemp("hidden")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory, repo, hidden):
    made = Cluster(tmp_path_factory.mktemp("cluster"), repo, hidden=hidden)
    yield made
    made.close()


@pytest.fixture
def data(hidden):
    """A folder with a short name: long paths are cut where an error is told in a line."""
    return Path(tempfile.mkdtemp(dir=hidden))


def copies(cluster):
    """List the files in the scratch folders of the workers, which may go meanwhile."""
    return [
        Path(folder, name) for folder, _, names in os.walk(cluster.folder)
        if "/acq-" in folder for name in names
    ]


def wait_until(is_so, seconds=60):
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.02)


def files_in(data):
    return {path: path.read_bytes() for path in sorted(data.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("words", ["qc", "convert", "convert --to pure", "convert --to bids"])
def test_a_verb_gives_what_it_gives_here_and_leaves_no_copy(cluster, data, acq_here, words):
    for number, subject in enumerate(("S01", "S02")):
        make_session(data, subject, number, seconds=8.0)
    write_new_split(data, "S02")
    found = []
    for option in ((), ("--scheduler", cluster.address)):
        shutil.rmtree(data / "ubfc", ignore_errors=True)
        done = acq_here(*words.split(), "--force", "--json", "--data", data, *option)
        assert done.returncode == 0, done.stderr
        assert ("2 of the cluster's workers do not see" in done.stderr) == bool(option)
        found.append((json.loads(done.stdout), files_in(data)))
    assert found[0] == found[1]
    assert copies(cluster) == []


def test_what_is_done_already_is_not_sent(cluster, data, acq_here, monkeypatch):
    make_session(data, "S01", seconds=8.0)
    assert acq_here("qc", "--data", data).returncode == 0
    monkeypatch.setattr(carried._Carrier, "_send", None)
    done = acq_here("qc", "--json", "--data", data, "--scheduler", cluster.address)
    assert json.loads(done.stdout)["measured"] == 0, done.stderr


@SENT
def test_face_frames_and_the_errors_of_videos_without_a_face_are_those_of_here(cluster, data):
    entries = [make_entry(1, "train", "S01"), make_entry(2, "test", "S02")]
    root = write_curated_folders(data, entries) / "ubfc"
    videos = [root / entry.folder / VIDEO for entry in entries]
    broken = data / "broken.avi"
    broken.write_bytes(videos[0].read_bytes()[:5000])
    found = []
    for workers in (Workers(), Workers(scheduler=cluster.address).seeing(data)):
        cache = data / "cache" / "frames"
        with pytest.raises(AcqError, match=r"found 1 without: .*broken\.avi") as caught:
            fill_frames_cache([*videos, broken], cache, longest=99, workers=workers,
                              on_progress=None)
        found.append((str(caught.value), files_in(cache)))
        shutil.rmtree(cache)
    assert found[0] == found[1]
    assert len(found[0][1]) == 4
    assert copies(cluster) == []


def test_a_plan_asks_no_cluster_and_writes_nothing(data, acq_here):
    make_session(data, "S01", seconds=8.0)
    make_session(data, "S02", 2, seconds=8.0)
    write_new_split(data, "S02")
    before = files_in(data)
    for words in ((), ("--to", "pure")):
        done = acq_here("convert", "--plan", *words, "--data", data, "--scheduler", "tcp://no:1")
        assert done.returncode == 0, done.stderr
    assert files_in(data) == before


def test_trainings_need_a_shared_disk_which_is_told_before_faces_are_found(cluster, data):
    entries = [make_entry(1, "train", "S01"), make_entry(2, "test", "S02")]
    write_curated_folders(data, entries)
    workers = Workers(scheduler=cluster.address)
    with pytest.raises(AcqError, match=r"expected workers that see .*; share the disk, .*not sent"):
        train_kd(data, device="cpu", folds=2, workers=workers)
    assert not (data / "cache").exists()


def write_items(data, *sizes):
    """Write files of so many bytes, each in a folder of its own."""
    paths = [data / str(number) / "item" for number in range(len(sizes))]
    for path, size in zip(paths, sizes, strict=True):
        path.parent.mkdir()
        path.write_bytes(os.urandom(size))
    return paths


@SENT
def test_files_of_any_size_come_back_as_they_are_with_paths_of_here(cluster, data):
    paths = write_items(data, 0, 1, 8 * MB, 8 * MB + 1)
    workers = Workers(scheduler=cluster.address).seeing(data)
    found = dict(work_through(copy_slowly, paths, workers=workers, places=beside))
    assert [found[at].value for at in range(4)] == paths
    for path in paths:
        assert path.with_suffix(".copy").read_bytes() == path.read_bytes()
    assert len(list(data.rglob("*"))) == 12
    assert copies(cluster) == []


@SENT
def test_a_worker_killed_midway_costs_its_item_a_second_try(cluster, data):
    paths = write_items(data, *[MB] * 4)
    workers = Workers(scheduler=cluster.address).seeing(data)
    killer = threading.Thread(
        target=lambda: (wait_until(lambda: copies(cluster)), cluster.kill_one())
    )
    killer.start()
    work = partial(copy_slowly, seconds=0.7)
    found = dict(work_through(work, paths, workers=workers, places=beside))
    killer.join()
    assert {at: outcome.value for at, outcome in found.items()} == dict(enumerate(paths))
    # the one that was started in its place removes what it left
    wait_until(lambda: not copies(cluster))


_SENDER = """
import sys
from functools import partial
from pathlib import Path
from dataset.common.workers import Workers, work_through
from tests.support.carried_items import beside, copy_slowly
path = Path(sys.argv[1])
workers = Workers(scheduler=sys.argv[2]).seeing(path.parent)
list(work_through(partial(copy_slowly, seconds=3.0), [path], workers=workers, places=beside))
"""


def test_a_sender_that_is_killed_leaves_no_copy_on_a_worker(cluster, data, repo):
    (path,) = write_items(data, MB)
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(repo), str(repo / "tests")])}
    sender = subprocess.Popen([sys.executable, "-c", _SENDER, path, cluster.address], env=env)
    wait_until(lambda: any(copy.stat().st_size == MB for copy in copies(cluster)))
    sender.kill()
    sender.wait()
    wait_until(lambda: not copies(cluster))


def _interrupt_once(is_so):
    wait_until(is_so)
    signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)


@SENT
def test_a_full_disk_of_a_worker_is_told_and_costs_no_other_item(cluster, data, tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", small], check=True)
    try:
        cluster.add_worker(small)
        workers = Workers(scheduler=cluster.address).seeing(data)
        for size in (2 * MB, 4 * MB):                    # no room for the result; nor for the copy
            paths = write_items(data, size, size, size)
            found = dict(work_through(
                partial(copy_slowly, seconds=1.0), paths, workers=workers, places=beside
            ))
            (error,) = [outcome.error for outcome in found.values() if outcome.error]
            assert "expected room for a copy and its results on the worker tcp" in error
            assert "found a full disk" in error
            assert len(list(data.rglob("*.copy"))) == 2
            assert copies(cluster) == []
            assert list(small.rglob("acq-*")) == []
            shutil.rmtree(data)
            data.mkdir()
    finally:
        small_worker = cluster.workers.pop()
        small_worker.terminate()
        small_worker.wait()
        subprocess.run(["umount", small], check=True)


class _Instead:
    """A client that has a worker do one thing in the place of another."""

    def __init__(self, client, method, other):
        self._client, self._method, self._other = client, method, other
        self.nthreads = client.nthreads

    def submit(self, function, *arguments, **how):
        function = self._other if function is self._method else function
        return self._client.submit(function, *arguments, **how)


@pytest.mark.parametrize(
    ("method", "other", "said"),
    [
        pytest.param(Scratch.read, read_other_bytes, "found others that came", id="back"),
        pytest.param(Scratch.add, add_twice, "found other bytes at every try", id="there"),
    ],
)
def test_other_bytes_than_were_sent_are_told_and_not_put_in_place(
    cluster, data, method, other, said
):
    from distributed import Client

    paths = write_items(data, MB)
    with Client(cluster.address) as client:
        instead = _Instead(client, method, other)
        ((_, outcome),) = carried.carry_through(instead, copy_slowly, paths, beside)
    assert said in outcome.error
    assert [path.name for path in data.rglob("*") if path.is_file()] == ["item"]
    assert copies(cluster) == []


def test_a_file_that_changes_while_it_is_sent_is_told(cluster, data, monkeypatch):
    from distributed import Client

    (path,) = write_items(data, 20 * MB)
    ask = carried._Carrier._ask

    def grow(*arguments):
        with path.open("ab") as file:
            file.write(b"more")
        return ask(*arguments)

    monkeypatch.setattr(carried._Carrier, "_ask", grow)
    with Client(cluster.address) as client:
        ((_, outcome),) = carried.carry_through(client, copy_slowly, [path], beside)
    assert "found one that changed while it was sent" in outcome.error


def test_ctrl_c_ends_it_at_once_and_the_copy_goes(cluster, data):
    from distributed import Client

    paths = write_items(data, MB, MB)
    with Client(cluster.address) as client:
        work = partial(copy_slowly, seconds=3.0)
        through = carried.carry_through(client, work, paths, beside)
        threading.Thread(target=_interrupt_once, args=(lambda: len(copies(cluster)) == 2,)).start()
        with pytest.raises(KeyboardInterrupt):
            next(through)
    wait_until(lambda: not copies(cluster))
    assert list(data.rglob("*.copy")) == []


def test_without_workers_that_live_items_are_told(cluster, data, monkeypatch):   # the last one
    from distributed import Client

    monkeypatch.setattr(carried, "_NO_WORKER_S", 0.5)
    paths = write_items(data, MB)
    with Client(cluster.address) as client:
        through = carried.carry_through(client, copy_slowly, paths, beside)
        for worker in cluster.workers:
            worker.kill()
            worker.wait()
        ((_, outcome),) = through
    assert "expected workers, found none that live" in outcome.error


def test_paths_are_told_as_those_of_the_other_machine():
    error = AcqError(expected="a file", found="none", where=Path("/s/cratch/data/a"), fix="x")
    value = {"path": Path("/s/cratch/data/b"), "own": Path("/usr"), "error": error, "n": Path("c")}
    there = loads(dumps(value, "/s/cratch"), "")
    assert there["path"] == Path("/data/b")
    assert (there["own"], there["n"]) == (Path("/usr"), Path("c"))
    assert str(there["error"]) == "expected a file, found none in /data/a; x"
    assert loads(dumps(Path("/data/b")), "/s/cratch") == Path("/s/cratch/data/b")
