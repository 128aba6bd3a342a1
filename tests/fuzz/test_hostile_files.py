"""Every file that acq reads, changed at random: read, or refused in a line, in little memory.

A few trials here, hours of them in `make soak`. What was found is kept in `corpus/`, and tried
again.
"""

import gzip
import random

import pytest

from tests.support.hostile_files import CORPUS, change_json, read_one, run_in_child
from tests.support.hostile_sets import SETS
from tests.support.hostile_targets import TARGETS

SLOW = ("session", "session bytes")              # half a second a trial
PROCESSES = ("network tried", "checkpoint")      # torch, and a process for each trial
OF_SETS = tuple(target.name for target in SETS)  # a whole set is made for each, and read


def test_documents_labels_tables_and_arrays_of_any_bytes():
    names = [name for name in TARGETS if name not in (*SLOW, *PROCESSES, *OF_SETS)]
    assert not run_in_child(names, seed=0, trials=10)


def test_files_of_public_sets_of_any_bytes():
    assert not run_in_child(["BVP", "MMPD", "COHFACE", "LGI samples"], seed=0, trials=3)


def test_sessions_of_any_declared_sizes_and_values():
    assert not run_in_child(["session"], seed=0, trials=6)


def test_sessions_of_any_bytes():
    assert not run_in_child(["session bytes"], seed=0, trials=4)


def test_checkpoints_and_networks_of_any_bytes():
    pytest.importorskip("torch")
    assert not run_in_child(PROCESSES, seed=0, trials=2)


def test_a_document_that_is_changed_never_holds_itself():
    assert len(change_json(random.Random(15192), TARGETS["grade"].make())) > 10**6


@pytest.mark.parametrize(
    "kept", sorted(CORPUS.glob("*/*.gz")), ids=lambda path: f"{path.parent.name} {path.stem}"
)
def test_what_was_found_once(tmp_path, kept):
    target = TARGETS[kept.parent.name]
    path = tmp_path / target.file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.decompress(kept.read_bytes()))
    assert not read_one(target, path)
