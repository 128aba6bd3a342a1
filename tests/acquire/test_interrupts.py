"""Signals to a real process: each ends it, whatever code it meets on its way."""

import pickle
import signal
import subprocess
import sys

import pytest

from acquire.interrupts import WorkerEnded
from tests.support.ended import hearing_ctrl_c

BEGIN = """
import os, signal, sys, time, weakref
from acquire.interrupts import SIGNALS, accept, raise_on_signals, uninterrupted
def hit(*_):
    os.kill(os.getpid(), NUMBER)
    for _ in range(1000): pass
class Thing: pass
raise_on_signals(*SIGNALS)
try:
    CODE
    time.sleep(5)
    print("went on")
except BaseException as error:
    print("ended", accept(error).exit_code)
"""
SWALLOWED = {
    "nothing": "hit()",
    "a bare except": "try: hit()\n    except BaseException: pass",
    "an import that is said to fail":
        "try:\n        try: hit()\n        except BaseException: raise ImportError from None\n"
        "    except ImportError: pass",
    "an object's last reference": "thing = Thing(); ref = weakref.ref(thing, hit); del thing",
    "an error of another kind": "try: hit()\n    finally: raise OSError('full')",
}


def run(code, number=signal.SIGINT):
    text = BEGIN.replace("CODE", code).replace("NUMBER", str(int(number)))
    with hearing_ctrl_c():
        return subprocess.run(
            [sys.executable, "-c", text], capture_output=True, text=True, timeout=60, check=False
        )


@pytest.mark.parametrize("code", SWALLOWED.values(), ids=SWALLOWED)
def test_a_signal_ends_the_work_whatever_swallows_it(code):
    done = run(code)
    assert (done.stdout, done.stderr) == ("ended 130\n", "")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_each_signal_has_the_exit_code_that_shells_expect(number, code):
    assert run("hit()", number).stdout == f"ended {code}\n"


def test_files_change_places_before_a_signal_is_heard():
    done = run("with uninterrupted():\n        hit(); print('renamed')\n    print('not this')")
    assert done.stdout == "renamed\nended 130\n"


def test_a_second_signal_does_not_end_the_clearing_up():
    done = run("try: hit()\n    finally: hit(); print('cleared')")
    assert done.stdout == "cleared\nended 130\n"


def test_a_signal_that_is_ignored_stays_so():
    text = "raise_on_signals(*SIGNALS)"
    assert text in BEGIN
    done = subprocess.run(
        [sys.executable, "-c",
         "import os, signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
         "from acquire.interrupts import SIGNALS, raise_on_signals\n"
         f"{text}; os.kill(os.getpid(), signal.SIGHUP); print('went on')"],
        capture_output=True, text=True, timeout=60, check=False,
    )
    assert done.stdout == "went on\n"


def test_one_that_came_from_another_process_does_not_come_back():
    error = WorkerEnded(signal.SIGTERM)
    there = pickle.loads(pickle.dumps(error))
    error.accepted = True                                  # nor does this one
    assert (type(there), there.number, there.accepted) == (WorkerEnded, signal.SIGTERM, True)
