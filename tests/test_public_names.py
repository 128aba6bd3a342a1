"""What can be imported from a room: this list, documented in docs/python.md, and no more."""

import importlib
import json
import re

import pytest

PUBLIC = {
    "acquire": ["AcqError", "Recorder", "SessionWriter", "open_camera", "open_sensor"],
    "dataset": [
        "convert_sessions", "grade_sessions", "open_session", "read_catalogue", "read_manifest",
        "read_split",
    ],
    "models": [
        "CuratedDataset", "Student", "Teacher", "open_live_pulse", "predict", "read_whole",
        "train_kd",
    ],
}


@pytest.mark.parametrize("room", PUBLIC)
def test_a_room_offers_these_names(room):
    module = importlib.import_module(room)
    assert module.__all__ == PUBLIC[room]
    assert dir(module) == PUBLIC[room]
    for name in PUBLIC[room]:
        assert getattr(module, name).__doc__, f"{room}.{name} says what it is"
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        _ = module.nonsense


def test_the_document_names_them_all_and_no_other(repo):
    rows = re.findall(r"^\|[^|]*\|([^|]*)\|[^|]*\|$", (repo / "docs/python.md").read_text(), re.M)
    named = re.findall(r"`(\w+)", " ".join(rows))
    assert sorted(named) == sorted(name for names in PUBLIC.values() for name in names)


def test_the_document_s_examples_run_one_after_another(
    repo, acq_here, tmp_path, monkeypatch, capsys
):
    text = (repo / "docs/python.md").read_text()
    (commands,) = re.findall(r"^```sh\n(.*?)^```", text, flags=re.M | re.S)
    for line in commands.splitlines():
        here = ["--jobs", "1"] if "simulate" in line else []      # no processes for that little
        done = acq_here(*line.split()[1:], *here)
        assert done.returncode == 0, done.stderr
    monkeypatch.chdir(tmp_path)
    names = {}
    blocks = re.findall(r"^```python\n(.*?)^```", text, flags=re.M | re.S)
    assert len(blocks) >= 4
    for block in blocks:
        exec(block, names)
    printed = capsys.readouterr().out
    assert "train ('S01', 'S02') test ('S03',)" in printed
    assert re.search(r"S01 .* 1[12]\.\d s of PPG", printed)
    assert re.search(r"loss \d\.\d\d", printed)
    assert abs(names["reading"].hr_bpm - names["reading"].finger_bpm) < 5
    cells = json.loads((repo / "docs/train.ipynb").read_text())["cells"]
    codes = [cell for cell in cells if cell["cell_type"] == "code"]
    assert not any(cell["outputs"] or cell["execution_count"] for cell in codes)
    learnt = {}
    for cell in codes:
        exec("".join(cell["source"]), learnt)
    assert learnt["losses"][-1] < learnt["losses"][0]
    assert "of people whom the network never sees" in capsys.readouterr().out
