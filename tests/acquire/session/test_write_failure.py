"""What a failed write means: its reason in one line, and no further write."""

import errno
import os
from pathlib import Path

import pytest

from acquire.errors import SessionError
from acquire.session.write_failure import failure_reason, guard_write


class BrokenWriter:
    path, broken = Path("a.h5"), True

    @guard_write
    def write(self):
        raise AssertionError("a broken file must not be touched")


def test_a_broken_file_is_not_touched_again():
    with pytest.raises(SessionError, match=r"an earlier write failed in a\.h5") as error:
        BrokenWriter().write()
    assert "flushed before is whole" in str(error.value)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        pytest.param(OSError(errno.ENOSPC, "long"), os.strerror(errno.ENOSPC), id="number"),
        pytest.param(
            RuntimeError("Can't write (write failed: errno = 28,\n error message = 'No space')"),
            "No space", id="message within a long report",
        ),
        pytest.param(RuntimeError("two\n  lines"), "two lines", id="neither"),
    ],
)
def test_the_reason_is_one_line(error, reason):
    assert failure_reason(error) == reason
