"""Training runs as pages: side by side, and one that is watched while it trains."""

import re

from tests.support.growing_runs import NAME as RUN
from tests.support.growing_runs import GrowingRun
from tests.support.studio import visitor


def test_runs_stand_side_by_side_and_one_is_watched_while_it_trains(tmp_path):
    browser = visitor(tmp_path)
    with GrowingRun(tmp_path) as run:
        run.write_losses("teacher", [0.9])
        before = browser.get(f"/runs/{RUN}/curves").json()
        assert before["state"] == "running"
        assert before["curves"] == [{
            "network": "teacher", "title": "teacher", "where": "seed 0, fold 1",
            "parts": {"loss": [0.9], "label": [0.9]},
        }]
        run.write_losses("teacher", [0.9, 0.4])
        run.write_losses("student", [0.8])
        curves = browser.get(f"/runs/{RUN}/curves").json()["curves"]
        assert {one["network"]: one["parts"]["loss"] for one in curves} == {
            "teacher": [0.9, 0.4], "student": [0.8],
        }
        assert browser.get(f"/runs/{RUN}/report").status_code == 404
        assert browser.get("/runs/list").json()["runs"] == [[RUN, "running", 3]]
        run.end(teacher=3.0, student=4.0)
    text = browser.get("/runs").text
    assert re.search(r"<b>3\.00</b><br><span class=\"soft\">2\.00 to 4\.00", text)
    assert "student" in text
    ended = browser.get(f"/runs/{RUN}/curves").json()
    assert (ended["state"], ended["curves"][0]["parts"]["loss"]) == ("done", [1.0, 0.5])
    assert browser.get(f"/runs/{RUN}/report").status_code == 200
    for name in ("..", "%2e%2e%2f", "nothing", "%2fetc"):
        assert browser.get(f"/runs/{name}/report").status_code == 404
