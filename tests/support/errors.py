"""What a test expects of an error."""

import re

import pytest

from acquire.errors import CurationError


def refused(says, where, function, *args):
    """Assert that a call is refused in one line that says what is wrong, and where."""
    with pytest.raises(CurationError, match=re.escape(says)) as caught:
        function(*args)
    assert "\n" not in str(caught.value)
    assert str(where) in str(caught.value)
