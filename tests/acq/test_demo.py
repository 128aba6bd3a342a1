"""The demo goes the road that a lab goes; its teacher starts from acq's where there is one."""

import pytest

from acq.commands.demo import verbs_after_recording


@pytest.mark.parametrize(("has_teacher", "more"), [(True, ("--init", "shipped")), (False, ())])
def test_the_teacher_starts_from_the_one_that_comes_with_acq_where_there_is_one(has_teacher, more):
    *before, train = verbs_after_recording(has_teacher=has_teacher)
    assert [words[0] for words in before] == ["qc", "split", "convert"]
    assert train == ("train-kd", *more)
