"""A file in the place of a folder, in which nothing would be looked for, is found."""

import pytest

from dataset.verify.lists import verify_lists
from dataset.verify.result import References, Verification


@pytest.mark.parametrize("name", ["ubfc", "runs", "qc", "pure", "bids", "for"])
def test_a_file_in_the_place_of_a_folder_is_broken(tmp_path, name):
    def broken():
        verification = Verification()
        verify_lists(tmp_path, verification, References())
        return [one.text for one in verification.findings if one.kind == "broken"]

    (tmp_path / name).mkdir()
    assert broken() == []
    (tmp_path / name).rmdir()
    (tmp_path / name).write_text("x")
    assert broken() == [f"expected a folder, found a file at {tmp_path / name}; move it away"]
