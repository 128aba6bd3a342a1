"""What several tests share: the real recordings, the twin, and the rule that CI skips nothing."""

import gc
import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from tests.support import REPO, SHARED
from tests.support.kept_files import folder_of_all
from tests.support.twin import make

# Programs that tests start load acq compiled, as on a user's machine: else each compiles it anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def pytest_addoption(parser):
    parser.addoption(
        "--no-skips", action="store_true",
        help="a skipped test is a failed one: CI has everything installed",
    )


def pytest_ignore_collect(collection_path, config):
    """Import no module without a test of GStreamer where its tests alone are asked for."""
    if config.option.markexpr == "gstreamer" and collection_path.suffix == ".py":
        return "mark.gstreamer" not in collection_path.read_text() or None
    return None


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Look for no garbage among what is imported for the tests: it stays, in each process."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and item.config.getoption("--no-skips"):
        report.outcome = "failed"
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.longrepr = f"skipped where nothing may: {reason}"
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """Give way, where several processes test, to the one that has the tests against the clock."""
    if "PYTEST_XDIST_WORKER" in os.environ and not item.get_closest_marker("real_time"):
        own = os.getpriority(os.PRIO_PROCESS, 0)        # children have it, too
        os.setpriority(os.PRIO_PROCESS, 0, max(own, 4))         # 5 is that of the studio's jobs


_LIMIT = pytest.StashKey()


@pytest.hookimpl(wrapper=True)
def pytest_timeout_set_timer(item, settings):
    item.stash[_LIMIT] = settings
    return (yield)


@pytest.hookimpl(trylast=True)
def pytest_exception_interact(node):
    """Limit the fixtures of a failed test, too; pytest-timeout stops there, for a debugger."""
    settings = node.stash.get(_LIMIT, None)
    if settings and not node.config.getoption("usepdb"):
        node.ihook.pytest_timeout_set_timer(item=node, settings=settings)


def _children():
    found: set[int] = set()
    for path in Path("/proc/self/task").glob("*/children"):
        with suppress(OSError):             # a thread that has just ended
            found |= {int(pid) for pid in path.read_text().split()}
    return found


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """Kill what a failed test has started: nobody ends it, and it may wait for ever."""
    before = _children()
    try:
        return (yield)
    except BaseException:
        for pid in _children() - before:
            with suppress(OSError):
                if b"resource_tracker" not in Path(f"/proc/{pid}/cmdline").read_bytes():
                    os.kill(pid, signal.SIGKILL)
        raise


@pytest.fixture(scope="session")
def repo():
    return REPO


@pytest.fixture(scope="session")
def real_face():
    """Folder of the real face clip with its PPG."""
    folder = SHARED / "real_face"
    if not folder.exists():
        pytest.skip(f"needs the real recordings in {folder}")
    return folder


@pytest.fixture(scope="session")
def real_finger():
    """Folder of real finger PPG, still and moving."""
    folder = SHARED / "finger_ppg_ecg"
    if not folder.exists():
        pytest.skip(f"needs the real recordings in {folder}")
    return folder


@pytest.fixture(scope="session")
def program(tmp_path_factory):
    """The twin, built with its firmware from nothing, once for all processes that test.

    What make printed is kept beside, in `made`.
    """
    if not shutil.which("avr-g++") or not Path("/usr/include/simavr/sim_avr.h").exists():
        pytest.skip(
            "no AVR toolchain or simavr; apt-get install gcc-avr avr-libc arduino-core-avr "
            "libsimavr-dev libelf-dev"
        )
    with folder_of_all(tmp_path_factory, "twin") as root:
        if not (root / "made").exists():
            made = make("all", "twin", BUILD=root / "build", TWIN=root / "twin/twin")
            assert made.returncode == 0, made.stderr
            assert "warning" not in made.stderr
            (root / "made").write_text(made.stdout)
    return root / "twin/twin"


@pytest.fixture
def acq(tmp_path):
    """Run `acq` as a user does, in an empty folder; give the finished process."""

    def run(*words, timeout_s=500, **kwargs):
        command = [sys.executable, "-m", "acq.main", *map(str, words)]
        kwargs.setdefault("cwd", tmp_path)
        return subprocess.run(
            command, capture_output=True, text=True, timeout=timeout_s, check=False, **kwargs
        )

    return run


@pytest.fixture
def acq_here(tmp_path):
    """Run `acq` as `acq` does, but in this process: for tests of what a verb says and writes."""
    from tests.support.in_this_process import run_here

    return partial(run_here, cwd=tmp_path)


_LONGEST_FIRST = ("road", "models", "field", "dataset", "fuzz", "firmware", "acq", "acquire")


def _place(item):
    room = item.path.relative_to(REPO / "tests").parts[0]
    return (
        item.get_closest_marker("gstreamer") is not None,
        item.get_closest_marker("real_time") is None,
        _LONGEST_FIRST.index(room) if room in _LONGEST_FIRST else -1,
    )


# first: pytest-xdist reads the groups in this same hook
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Put GStreamer last, and say what stays together where several processes test.

    Once GStreamer's plugins have brought their C++ runtime, importing matplotlib's C++ aborts the
    process: `make test` gives them a process of their own. acq never has both in one: `record`
    opens cameras, `train-kd` draws.

    Tests against the clock come first, which one process has all of, then the rooms whose modules
    take longest, so that no process works on alone at the end.
    """
    items.sort(key=_place)
    for item in items:
        real_time = item.get_closest_marker("real_time")
        if real_time or not item.get_closest_marker("xdist_group"):   # of modules that share work
            together = "in real time" if real_time else item.module.__name__
            item.add_marker(pytest.mark.xdist_group(together))
        if real_time:  # a machine that stood still for a second: once more, and the summary says so
            item.add_marker(pytest.mark.flaky(reruns=1, reruns_delay=2))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_node_collection_finished(node, ids):
    """Check that pytest-xdist took the groups: with some releases of pytest it passes them over."""
    if node.config.getoption("dist") == "loadgroup" and not all("@" in name for name in ids):
        raise pytest.UsageError(
            f"pytest {pytest.__version__} and pytest-xdist keep no group of tests together: "
            "install what constraints.txt pins"
        )
