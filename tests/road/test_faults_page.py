"""docs/faults.md: every test that it names is there."""

import re

import pytest

TEST = re.compile(r"((?:tests|benchmarks)/[\w/]+\.py)|::(\w+)")


@pytest.fixture(scope="module")
def rows(repo):
    lines = (repo / "docs/faults.md").read_text("utf-8").splitlines()
    return [line for line in lines if line.startswith("| ") and not line.startswith("| kind ")]


def test_every_kind_of_fault_names_a_test_that_is_there(repo, rows):
    missing = []
    for row in rows:
        kind, _, tests = (cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:4])
        text, named = "", 0
        for file, name in TEST.findall(tests):
            named += 1
            if file:
                path = repo / file
                text = path.read_text("utf-8") if path.exists() else ""
                if not text:
                    missing.append(f"{kind}: no {file}")
            elif f"def {name}(" not in text:
                missing.append(f"{kind}: no {name}")
        if not named:
            missing.append(f"{kind}: no test is named")
    assert not missing
    assert len(rows) > 60
