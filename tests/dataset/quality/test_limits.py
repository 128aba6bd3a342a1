"""The limits: as docs/quality.md lists them, and those of a curator's own."""

import re

import pytest

from acquire.errors import CurationError
from dataset.quality.limits import read_limits

LIMITS = read_limits()


def test_the_document_says_every_limit_as_it_is(repo):
    rows = re.findall(
        r"^\| `(\w+)` \| (.+?) \| (\w+) \| (.+) \|$", (repo / "docs" / "quality.md").read_text(),
        flags=re.M,
    )
    assert rows == [
        (name, f"{limit.value:g} {limit.unit}", limit.severity, limit.meaning)
        for name, limit in LIMITS.by_name.items()
    ]
    assert all(limit.why for limit in LIMITS.by_name.values())


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("lag_step: {value: 50, severity: note}", None), ("lag_stop: {value: 5}", "lag_stop"),
        ("lag_step: {value: high}", "text instead of .* at .*lag_step.value"),
        ("lag_step: {value: .nan}", "a finite value of lag_step"),
        ("lag_step: {severity: awful}", "'awful', .*lag_step.severity"),
        ("lag_step: {unit: s}", "the unit 'ms' of lag_step, found 's'"),
        ("lag_step: {colour: 1}", "unknown field colour at .*lag_step"),
        ("lag_step: 5", "lag_step"), ("[1, 2]", "by name"), ("a: b: c", "YAML"), ("", "by name"),
    ],
)
def test_other_limits_are_read_and_checked(tmp_path, text, found):
    path = tmp_path / "limits.yaml"
    path.write_text(text)
    if found:
        with pytest.raises(CurationError, match=found) as caught:
            read_limits(path)
        assert str(path) in str(caught.value)
        return
    assert read_limits(path)["lag_step"] == 50
    assert read_limits(path).hash != LIMITS.hash
