"""Names that may become paths, and the paths they become."""

from pathlib import Path

import pytest

from acquire.data_folder import (
    check_subject,
    is_session_id,
    new_session_id,
    session_file,
    session_files,
)
from acquire.errors import SessionError


@pytest.mark.parametrize("subject", ["", "../etc", "a b", "-x", "x" * 33, "ä", "S01\n"])
def test_what_is_no_pseudonym_is_refused(subject):
    with pytest.raises(SessionError, match="expected a subject id") as error:
        check_subject(subject)
    assert error.value.found == repr(subject)


def test_a_session_is_named_after_its_subject_and_its_second():
    session_id = new_session_id("S01", 1_795_000_000.9)
    assert session_id == "S01-20261118T110640Z"
    assert is_session_id(session_id)
    path = session_file(Path("data"), "S01", session_id)
    assert path == Path("data/sessions/S01/S01-20261118T110640Z.h5")


def test_session_files_are_those_of_subjects_in_order(tmp_path):
    names = ["S02/b.h5", "S01/z.h5", "S01/a.h5"]
    for name in [*names, "S01/a.part", "S01/deep/c.h5", "S01/a.qc.json"]:
        path = tmp_path / "sessions" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    assert session_files(tmp_path) == [tmp_path / "sessions" / name for name in sorted(names)]
