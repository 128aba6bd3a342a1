"""The tables of a run's report: every method's figures with their intervals, other ways to count
them, each recording.
"""

from dataset.common.html import number, table, text
from models.evaluation.evaluate import SNR_HALF_WIDTH_HZ
from models.evaluation.methods import NETWORKS, TITLES

from .style import basis


def results(metrics: dict) -> str:
    """Give every method's figures over all windows, with intervals."""
    methods, rate = metrics["methods"], metrics["heart_rate"]
    best = min(("student", "student_kd"), key=lambda name: methods[name]["mae_bpm"])
    head = (
        "", "MAE<br>[bpm]", "RMSE<br>[bpm]", "MAPE<br>[%]", "Pearson<br>r", "SNR<br>[dB]", "MACC",
        "r with<br>PPG", "parameters", "ms /<br>frame",
    )
    rows = [
        (
            "best" if name == best else "",
            (
                TITLES[name], between(m, "mae_bpm"), between(m, "rmse_bpm"),
                between(m, "mape_percent", 1), between(m, "pearson_r"), number(m["snr_db"], 1),
                number(m["macc"]), number(m["pulse_correlation"]),
                f"{m['parameters']:,}" if "parameters" in m else "none",
                number(m.get("ms_per_frame")),
            ),
        )
        for name, m in _listed(metrics)
    ]
    one = methods["teacher"]
    left_out = one["windows_left_out"]
    return table(
        head,
        rows,
        (
            f"{basis(metrics)} A window begins every {rate['step_s']:g} s; {left_out or 'none'} "
            "that would span a gap "
            f"{'is' if left_out == 1 else 'are'} left out. {_interval(one)} MAPE: of the PPG’s "
            "rate. SNR: the pulse’s power within "
            f"{SNR_HALF_WIDTH_HZ:g} Hz of the PPG’s rate and of its double, over the rest of "
            f"{rate['low_hz']:g}–{rate['high_hz']:g} "
            "Hz. MACC: largest correlation of pulse and PPG over all shifts, mean over windows; r "
            "with PPG: over whole recordings, "
            "at the best lag within half a second. ms / frame: "
            f"{text(metrics['ms_per_frame_is'])}. The better of the two students "
            "is tinted."
        ),
    )


def otherwise(metrics: dict) -> str:
    """Give the same counted otherwise: one rate per recording, limits of agreement, rPPG-Toolbox's
    FFT metric.
    """
    head = (
        "", "per recording<br>MAE [bpm]", "RMSE<br>[bpm]", "r", "bias<br>[bpm]",
        "limits of<br>agreement", "toolbox<br>MAE [bpm]", "RMSE<br>[bpm]", "MAPE<br>[%]", "r",
    )
    rows = []
    for name, m in _listed(metrics):
        video, agreed, toolbox = m["per_video_mean"], m["bland_altman"], m["toolbox"]
        rows.append(
            (
                "",
                (
                    TITLES[name], between(video, "mae_bpm"), between(video, "rmse_bpm"),
                    number(video["pearson_r"]), number(agreed["bias_bpm"]),
                    f"{number(agreed['low_bpm'], 1)} to {number(agreed['high_bpm'], 1)}",
                    number(toolbox["mae_bpm"]), number(toolbox["rmse_bpm"]),
                    number(toolbox["mape_percent"], 1), number(toolbox["pearson_r"]),
                ),
            )
        )
    one = metrics["methods"]["teacher"]
    low, high = one["toolbox"]["bin_bpm"]
    points = " to ".join(str(n) for n in dict.fromkeys(one["toolbox"]["fft_points"]))
    return table(
        head,
        rows,
        (
            f"{basis(metrics)} Per recording: one rate each ({one['per_video_mean']['count']} "
            "here), the mean over its windows. "
            f"{_interval(one['per_video_mean'])} Bias and limits of agreement: Bland and Altman, "
            "over windows. Toolbox: the plain "
            f"FFT metric of rPPG-Toolbox instead, over the same windows: {points} points, not "
            "interpolated, so that each answer is a "
            f"multiple of {low:.2f}{f' to {high:.2f}' if high - low > 0.005 else ''} bpm; that "
            "alone costs a tone a quarter of it on "
            "average."
        ),
    )


def recordings(metrics: dict) -> str:
    """Give each test recording's errors."""
    methods = metrics["methods"]
    names = [name for name in NETWORKS if name in methods]
    of_networks = (f"{TITLES[n]}<br>MAE" for n in names)
    head = (
        "subject", "folder", "windows", "PPG<br>[bpm]", *of_networks, "SNR<br>[dB]", "MACC",
        "lag<br>[s]",
    )
    rows = []
    for i, video in enumerate(methods["student_kd"]["videos"]):
        rows.append(
            (
                "",
                (
                    text(video["subject"]), text(video["folder"]), str(video["windows"]),
                    number(video["reference_bpm"], 1),
                    *(number(methods[n]["videos"][i]["mae_bpm"]) for n in names),
                    number(video["snr_db"], 1), number(video["macc"]), number(video["lag_s"]),
                ),
            )
        )
    return table(
        head,
        rows,
        "MAE in bpm. SNR, MACC and lag are of student + KD; lag: how late its pulse is against the "
        "PPG, "
        f"where they correlate most. {basis(metrics)}",
    )


def between(found: dict, name: str, digits: int = 2) -> str:
    """Give a figure, and its interval below it where there is one."""
    ends = found["interval"][name]
    return number(found[name], digits) + (
        f'<br><span class="soft">[{number(ends[0], digits)}, {number(ends[1], digits)}]</span>'
        if ends
        else ""
    )


def _interval(found: dict) -> str:
    return (
        "In brackets 95 % intervals by bootstrap over subjects."
        if found["interval"]["mae_bpm"]
        else "No interval is given: one subject says nothing about others."
    )


def _listed(metrics: dict) -> list[tuple[str, dict]]:
    return [(name, metrics["methods"][name]) for name in TITLES if name in metrics["methods"]]
