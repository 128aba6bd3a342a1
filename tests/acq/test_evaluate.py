"""What `acq evaluate` prints."""

from acq.commands.evaluate import _echo
from models.evaluation.methods import COLOUR_TITLES

RUN = "20261129T115106Z"
FIGURES = {
    "mae_bpm": 17.6, "rmse_bpm": 20.71, "coverage_percent": 100.0, "mape_percent": 21.7,
    "pearson_r": -0.06, "snr_db": -12.04, "snr_de_haan_db": -11.82, "macc": 0.28, "windows": 48,
    "windows_left_out": 0, "windows_without_finger": 2,
    "interval": {
        "mae_bpm": (12.34, 20.11), "rmse_bpm": (15.0, 30.26), "mape_percent": (18.1, 30.25),
        "pearson_r": (-0.21, 0.14), "snr_db": (-14.04, -10.11), "macc": (0.25, 0.31),
        "snr_de_haan_db": (-13.92, -10.02),
    },
    "resolution": {"window_s": 10, "grid_bpm": 0.1, "main_lobe_bpm": 24},
    "bland_altman": {"low_bpm": -40.91, "high_bpm": 16.09},
    "per_video_mean": {"mae_bpm": 17.41, "interval": {"mae_bpm": (12.01, 19.98)}},
    "toolbox": {
        "mae_bpm": 26.36, "coverage_percent": 100.0, "snr_db": -17.48, "macc": 0.29,
        "interval": {"mae_bpm": (20.1, 31.57), "snr_db": (-20.1, -14.2), "macc": (0.25, 0.33)},
        "peak": {"mae_bpm": 42.51, "interval": {"mae_bpm": (30.14, 50.22)}},
        "bin_bpm": (2.93, 2.93),
    },
}


def test_an_empty_word_is_not_taken_for_the_folder_that_one_is_in(acq_here, tmp_path):
    (tmp_path / "data").mkdir()
    done = acq_here("evaluate", "", "--quiet")
    assert done.returncode == 2
    assert done.stderr == "acq: expected a method or a network, found an empty word\n"


def printed_lines(capsys, *names, **others):
    _echo({
        "verdict": None, "side": "test", "subjects": ["S04", "S05"], "people": "virtual",
        "warnings": [], "folds": None, "seeds": None,
        "methods": dict.fromkeys(names, FIGURES), **others,
    })
    return capsys.readouterr().out.splitlines()


def test_rows_of_a_run_fit_80_columns_where_no_terminal_is(capsys):
    lines = printed_lines(capsys, f"{RUN}/teacher", f"{RUN}/student_kd", "ica", "mean_rate")
    assert lines[0] == f"Heart rate on test: S04, S05; networks of {RUN}"
    rows = [
        line for line in lines
        if line.startswith(("  ", "teacher", "student + KD", "ICA", "training’s mean rate"))
    ]
    assert len(rows) == 25                          # five tables of a heading and four rows
    assert max(map(len, rows)) <= 80
    assert sum("20.71 [15.00, 30.26]" in row for row in rows) == 4
    assert sum("−40.9 to 16.1" in row for row in rows) == 4
    for interval in (
        "17.41 [12.01, 19.98]", "26.36 [20.10, 31.57]", "42.5 [30.1, 50.2]", "−17.5 [−20.1, −14.2]",
        "21.7 [18.1, 30.2]", "−0.06 [−0.21, 0.14]", "−12.0 [−14.0, −10.1]", "−11.8 [−13.9, −10.0]",
        "0.28 [0.25, 0.31]", "0.29 [0.25, 0.33]",
    ):
        assert sum(interval in row for row in rows) == 4, interval


def test_rows_have_the_names_that_the_verdict_and_the_report_have(capsys):
    verdict = {"words": ["The verdict."], "gap_closed": None}
    names = (f"{RUN}/seed0/student_kd", f"{RUN}/seed1/student_kd", "chrom_skin", "mean_rate")
    lines = printed_lines(capsys, *names, verdict=verdict)
    assert sum(line.startswith("seed1/student + KD  ") for line in lines) == 5      # tables
    assert sum(line.startswith("CHROM on skin  ") for line in lines) == 5
    without_row = (
        "The verdict is against the best of all 12 methods without training; those that are not "
        "asked for have no row here."
    )
    assert without_row in lines
    assert without_row not in printed_lines(capsys, *names, *COLOUR_TITLES, verdict=verdict)
    assert without_row not in printed_lines(capsys, "chrom_skin")


def test_each_snr_is_told_under_the_name_of_its_definition(capsys):
    lines = printed_lines(capsys, f"{RUN}/student")
    (line,) = (line for line in lines if line.startswith("SNR acq: "))
    assert line.startswith(
        "SNR acq: acq's own definition, the power within 0.1 Hz of the finger's rate and 0.1 Hz of "
        "its double over the rest of 0.7 to 4 Hz. SNR de Haan: after de Haan and Jeanne (2013), as "
        "iPhys computes it, the power within 0.1 Hz of the finger's rate and 0.2 Hz of its double "
        "over the rest of 0.5 to 4 Hz."
    )


def test_networks_of_two_runs_keep_the_names_of_their_runs(capsys):
    text = "\n".join(printed_lines(capsys, f"{RUN}/teacher", "other/teacher"))
    assert f"\n{RUN}/teacher " in text
    assert "\nother/teacher " in text


def test_the_gap_closed_is_told_where_there_is_one(capsys):
    verdict = {"words": ["The verdict."], "gap_closed": None}
    assert printed_lines(capsys, f"{RUN}/teacher", verdict=verdict)[:2] == ["The verdict.", ""]
    verdict["gap_closed"] = {"percent": 72.4, "interval_percent": (-3.0, 91.2)}
    assert printed_lines(capsys, f"{RUN}/teacher", verdict=verdict)[:3] == [
        "The verdict.", "Gap closed: 72 % [−3, 91] of the teacher's lead over the student.", "",
    ]
