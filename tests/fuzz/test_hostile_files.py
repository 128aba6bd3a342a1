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

# torch, and a process for each trial; half a second a trial
PROCESSES = {"network tried": 2, "checkpoint": 2}
SLOW = {"session": 6, "session bytes": 4}
# of a public set a whole one is made for each, and read
OF_SETS = dict.fromkeys(("BVP", "MMPD", "COHFACE", "LGI samples"), 3)
OTHERS = {
    name: 10 for name in TARGETS
    if name not in (*SLOW, *PROCESSES, *(target.name for target in SETS))
}


def test_documents_labels_tables_and_arrays_of_any_bytes():
    """And sets and sessions: in one child, which takes seconds to start."""
    assert not run_in_child({**OTHERS, **OF_SETS, **SLOW}, seed=0)


def test_checkpoints_and_networks_of_any_bytes():
    pytest.importorskip("torch")
    assert not run_in_child(PROCESSES, seed=0)


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
