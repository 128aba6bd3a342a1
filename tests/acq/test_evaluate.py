"""What `acq evaluate` prints."""

from acq.commands.evaluate import _echo

RUN = "20261129T115106Z"
FIGURES = {
    "mae_bpm": 17.6, "rmse_bpm": 20.71, "coverage_percent": 100.0, "mape_percent": 21.7,
    "pearson_r": -0.06, "snr_db": -12.04, "snr_de_haan_db": -11.82, "macc": 0.28, "windows": 48,
    "windows_left_out": 0, "windows_without_finger": 2,
    "interval": {"mae_bpm": (12.34, 20.11), "rmse_bpm": (15.0, 30.26)},
    "resolution": {"window_s": 10, "grid_bpm": 0.1, "main_lobe_bpm": 24},
    "bland_altman": {"low_bpm": -40.91, "high_bpm": 16.09},
    "per_video_mean": {"mae_bpm": 17.41},
    "toolbox": {
        "mae_bpm": 26.36, "coverage_percent": 100.0, "peak": {"mae_bpm": 42.51}, "snr_db": -17.48,
        "macc": 0.29, "bin_bpm": (2.93, 2.93),
    },
}


def printed_lines(capsys, *names):
    _echo({
        "verdict": None, "side": "test", "subjects": ["S04", "S05"], "people": "virtual",
        "warnings": [], "methods": dict.fromkeys(names, FIGURES),
    })
    return capsys.readouterr().out.splitlines()


def test_rows_of_a_run_fit_80_columns_where_no_terminal_is(capsys):
    lines = printed_lines(capsys, f"{RUN}/teacher", f"{RUN}/student_kd", "ica", "mean_rate")
    assert lines[0] == f"Heart rate on test: S04, S05; networks of {RUN}"
    rows = [
        line for line in lines
        if line.startswith(("  ", "teacher", "student_kd", "ica", "training’s mean rate"))
    ]
    assert len(rows) == 15                          # three tables of a heading and four rows
    assert max(map(len, rows)) <= 80
    assert sum("20.71 [15.00, 30.26]" in row for row in rows) == 4
    assert sum("−40.9 to 16.1" in row for row in rows) == 4


def test_networks_of_two_runs_keep_the_names_of_their_runs(capsys):
    text = "\n".join(printed_lines(capsys, f"{RUN}/teacher", "other/teacher"))
    assert f"\n{RUN}/teacher " in text
    assert "\nother/teacher " in text
