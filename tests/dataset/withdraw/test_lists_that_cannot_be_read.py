"""What could not be written at the end of a withdrawal is refused before anything is removed."""

import pytest

from acquire import data_folder
from acquire.errors import CurationError
from dataset.withdraw.withdraw import withdraw
from tests.support.made_withdrawals import GONE, files_in, left_of

pytestmark = pytest.mark.xdist_group("one folder to withdraw from")


@pytest.mark.parametrize(
    ("file_of", "content", "said"),
    [
        (data_folder.withdrawals_file, None, "expected a record of withdrawals, found a folder"),
        (data_folder.withdrawals_file, "{", "expected a record of withdrawals, found JSON that is"),
        (data_folder.split_file, None, "expected a split, found a folder at .*; move it away"),
    ],
)
def test_nothing_is_removed_while_a_list_cannot_be_read(data, file_of, content, said):
    path = file_of(data)
    path.unlink(missing_ok=True)
    path.mkdir() if content is None else path.write_text(content)
    before = files_in(data)
    with pytest.raises(CurationError, match=said):
        withdraw(data, GONE)
    assert files_in(data) == before
    path.rmdir() if content is None else path.unlink()
    withdraw(data, GONE)
    assert left_of(data) == []
