import re
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from acq.commands.train import _methods
from models.evaluation.methods import MEAN_RATE, TITLES
from models.report import published, tables
from tests.support.made_reports import DATA_HASH, OFF, RATES, metrics_of, results
from tests.support.pages import Tables, in_one_line

TWO = results("S01", "S02")


@pytest.fixture(scope="module")
def metrics():
    return metrics_of(TWO)


def test_every_method_has_its_row_and_its_interval(metrics):
    found = dict(metrics["methods"])
    found["pos"] = {
        **found["pos"], "mae_bpm": 1.234, "pearson_r": float("nan"),
        "interval": {**found["pos"]["interval"], "mae_bpm": (0.5, 12.345), "pearson_r": None},
    }
    seen = Tables(tables.results({**metrics, "methods": found}))
    assert [row[0] for row in seen.all[0]][1:] == [TITLES[name] for name in (*OFF, MEAN_RATE)]
    # off by 6 in 10 of 21 windows, in both subjects
    assert seen.cell("student", "MAE [bpm]") == "2.86 [2.86, 2.86]"
    assert seen.cell("student", "SNR acq [dB]") == "−6.0 [−6.0, −6.0]"
    assert seen.cell("student", "SNR (dH) [dB]") == "−7.0 [−7.0, −7.0]"
    assert seen.cell("student", "r with PPG") == "0.80 [0.80, 0.80]"
    assert seen.cell("student", "coverage") == "100 %"
    assert seen.cell("PhysNet", "parameters") == "768,577"
    assert seen.cell("POS", "MAE [bpm]") == "1.23 [0.50, 12.35]"
    assert seen.cell("POS", "Pearson r") == "–"
    assert seen.cell("POS", "parameters") == "none"


def test_a_time_too_short_for_its_digits_is_not_told_as_none(metrics):
    quick = {**metrics["methods"]["physnet"], "ms_per_frame": 0.0043}
    of_quick = {**metrics, "methods": {**metrics["methods"], "physnet": quick}}
    table, terminal = Tables(tables.results(of_quick)), _methods(of_quick)
    assert table.cell("PhysNet", "ms / frame") == "<0.01"
    assert table.cell("teacher", "ms / frame") == "0.50"
    assert [*terminal.columns[-1].cells][:4] == ["0.50", "0.50", "0.50", "<0.01"]


def test_windows_across_a_gap_are_told_to_be_left_out_or_that_there_are_none(metrics):
    assert "2 would span a gap and are left out." in in_one_line(tables.results(metrics))
    whole = results("S01", "S02")
    for videos in whole.values():
        videos[:] = [replace(video, left_out=0) for video in videos]
    caption = in_one_line(tables.results(metrics_of(whole)))
    assert "A window begins every 1 s; none would span a gap. " in caption


def test_limits_of_agreement_stand_beside(metrics):
    seen = Tables(in_one_line(tables.otherwise(metrics)))
    assert seen.cell("student + KD", "bias [bpm]").startswith("0.95")
    # two subjects alike: 2 in ten of 21 windows, 0 in the others, SD 1.02 within either
    assert seen.cell("student + KD", "limits of agreement") == (
        "−1.1 to 3.0 [−1.1, −1.1] to [3.0, 3.0]"
    )
    assert seen.cell("student + KD", "SD within subjects") == "1.0"
    assert seen.cell("student + KD", "SD between subjects") == "0.0"


def test_the_toolbox_s_chain_has_a_table_of_its_own(metrics):
    page = in_one_line(tables.toolbox(metrics))
    seen = Tables(page)
    assert seen.cell("teacher", "FFT MAE [bpm]").startswith("1.50")        # made 1 bpm higher
    assert seen.cell("teacher", "peaks MAE [bpm]") == "3.00 [3.00, 3.00]"
    assert seen.cell("teacher", "its paper’s band FFT MAE") == "2.50 [2.50, 2.50]"
    assert seen.cell("teacher", "coverage") == "100 %"
    assert seen.cell("teacher", "SNR toolbox [dB]") == "4.5 [4.5, 4.5]"
    assert "1024 points" in page
    assert "a multiple of 1.17 bpm" in page                                 # 60 * 20 Hz / 1024
    assert "from 0.6–3.3 Hz" in page
    assert "0.75–2.5 Hz" in page
    # of whole recordings: the windows and the grid of the other tables are not its own
    hashes = f"data <code>{DATA_HASH[:12]}</code>, split <code>5e5e5e5e5e5e</code>."
    assert f"Computed from 2 whole test recordings; {hashes}" in page
    assert "windows of 10 s" not in page
    assert "on a grid of 0.1 bpm" not in page


def test_of_several_seeds_every_table_says_whose_figures_it_has(metrics):
    words = "networks of seed 0, one of 3;"
    several = metrics_of(TWO, seeds=3)
    for table in (
        tables.results, tables.otherwise, tables.toolbox, published.systems, published.hold_out,
    ):
        assert words in in_one_line(table(several))
        assert "networks of seed" not in in_one_line(table(metrics))
    assert "networks of seed" not in in_one_line(published.seeds(several))     # it has each


def test_coverage_stands_beside_every_error():
    found = results("S01", "S02")
    one = found["student"][0]
    predicted = one.predicted_bpm.copy()
    predicted[:7] = np.nan                                  # of 21, and of 42 in both recordings
    found["student"][0] = replace(one, predicted_bpm=predicted, mean_rate_bpm=70.0)
    metrics = metrics_of(found, folds=2, seeds=2)
    percents = "100, 83.3, 100, 100, 100 %"     # teacher, student, + KD, PhysNet, the mean rate
    for table in (tables.results(metrics), tables.otherwise(metrics)):
        assert Tables(table).cell("student", "coverage") == "83.3 %"
        assert Tables(table).cell("POS", "coverage") == "100 %"
        assert "count as the mean rate of the training windows" in in_one_line(table)
    assert Tables(published.systems(metrics)).cell("proposed: student + KD", "coverage") == "100 %"
    assert Tables(published.folds(metrics)).cell("fold 2: S02", "coverage") == percents
    assert Tables(published.folds(metrics)).cell(
        "fold 1, per signal", "coverage"
    ) == "100, 66.7, 100, 100, 100 %"
    hold_out = Tables(published.hold_out(metrics_of(found)))
    ours = "this run, virtual subjects, trained on 2, tested on 2"
    assert hold_out.cell(ours, "coverage") == percents
    assert Tables(published.seeds(metrics)).cell("1", "coverage") == percents
    rows = Tables(tables.recordings(metrics)).all[0]
    at = rows[0].index("coverage")
    assert [row[at] for row in rows[1:]] == ["100, 66.7, 100, 100, 100 %", "100 %"]


@pytest.mark.parametrize(
    "table",
    [tables.results, tables.otherwise, tables.recordings, published.hold_out],
)
def test_a_table_says_its_data_windows_and_resolution(metrics, table):
    caption = in_one_line(table(metrics))
    for said in (
        DATA_HASH[:12], "5e5e5e5e5e5e", "42 windows of 10 s of 2 test recordings",
        "grid of 0.1 bpm", "24 bpm wide",
    ):
        assert said in caption


def test_one_subject_has_no_interval():
    one = metrics_of(results("S01"))
    assert "No interval is given: one subject shows nothing about others." in tables.results(one)
    assert "[" not in Tables(tables.results(one)).cell("student", "MAE [bpm]")


def test_the_better_student_is_tinted_where_there_are_subjects_enough(metrics):
    tinted = re.compile(r'<tr class="best"><td>([^<]*)')
    assert tinted.findall(tables.results(metrics_of(results(*RATES)))) == ["student + KD"]
    assert tinted.findall(tables.results(metrics)) == []
