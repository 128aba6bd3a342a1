"""The tables of a run's report, and the paper's beside them."""

from dataset.page import number, text

from .evaluate import SNR_HALF_WIDTH_HZ
from .methods import NETWORKS, TITLES
from .verdict import PUBLISHED, PUBLISHED_BOARD, gap_closed

NAMES = ("teacher", "student", "student_kd")


def results(metrics: dict) -> str:
    """Give every method's figures, with intervals."""
    methods, rate = metrics["methods"], metrics["heart_rate"]
    columns = (
        ("MAE<br>[bpm]", lambda m: _between(m, "mae_bpm")), ("RMSE<br>[bpm]", lambda m: _between(m, "rmse_bpm")),
        ("MAPE<br>[%]", lambda m: number(m["mape_percent"], 1)), ("Pearson<br>r", lambda m: number(m["pearson_r"])),
        ("SNR<br>[dB]", lambda m: number(m["snr_db"], 1)), ("MACC", lambda m: number(m["macc"])),
        ("per video,<br>MAE / RMSE", lambda m: f'{number(m["per_video_mean"]["mae_bpm"])} / '
                                               f'{number(m["per_video_mean"]["rmse_bpm"])}'),
        ("toolbox<br>MAE", lambda m: number(m["toolbox"]["mae_bpm"])),
        ("parameters", lambda m: f'{m["parameters"]:,}' if "parameters" in m else "none"),
        ("ms / frame", lambda m: number(m.get("ms_per_frame"))),
    )
    best = min(("student", "student_kd"), key=lambda name: methods[name]["mae_bpm"])
    head = "".join(f"<th>{title}</th>" for title, _ in columns)
    rows = "".join(
        f'<tr{" class=best" if name == best else ""}><td>{TITLES[name]}</td>'
        + "".join(f"<td>{show(methods[name])}</td>" for _, show in columns) + "</tr>" for name in TITLES if name in methods
    )
    one = methods["teacher"]
    left_out = one["windows_left_out"]
    low, high = one["toolbox"]["bin_bpm"]
    return f"""<div class="wide"><table><thead><tr><th></th>{head}</tr></thead><tbody>{rows}</tbody><caption>
Over all {one["windows"]} windows of {rate["window_s"]:g} s, one each {rate["step_s"]:g} s
({left_out or "no"} window{"" if left_out == 1 else "s"} across a gap left out). In brackets 95 % by bootstrap over subjects
{"" if one["interval"]["mae_bpm"] else "(none here: one subject says nothing about others)"}. Per video: one heart rate a recording
({one["per_video_mean"]["count"]} here), the mean over its windows. SNR: the pulse's power within {SNR_HALF_WIDTH_HZ:g} Hz of the PPG's heart
rate and of its double, over the rest of {rate["low_hz"]:g}–{rate["high_hz"]:g} Hz. MACC: the largest correlation of pulse and PPG over all
shifts. Resolution: spectrum on a grid of {rate["fft_grid_bpm"]:g} bpm, its peak refined by a parabola; that places one pulse finely, but
its peak is {rate["main_lobe_bpm"]:g} bpm wide, and two rates closer than about half of that look like one. toolbox: the plain FFT metric of
rPPG-Toolbox, whose answers are bins of {low:.2f}{f" to {high:.2f}" if high - low > 0.005 else ""} bpm.
ms / frame: {text(metrics["ms_per_frame_is"])}. The better of the two students is tinted.</caption></table></div>"""


def _between(found: dict, name: str) -> str:
    between = found["interval"][name]
    return number(found[name]) + (f'<br><span class="soft">[{number(between[0])}, {number(between[1])}]</span>' if between else "")


def published(metrics: dict) -> str:
    """Give the paper's tables 1 to 3 with this run's rows: networks, and how much of the gap distillation closes."""
    folds = len(metrics["folds"])
    rows = "".join(
        f"<tr><td>{text(data)}</td>" + "".join(f'<td class="published">{mae:.3f} / {rmse:.3f}</td>' for mae, rmse in figures.values())
        + f'<td class="published">{number(gap_closed({n: f[0] for n, f in figures.items()}), 0)} %</td></tr>'
        for data, figures in PUBLISHED.items()
    )
    methods = metrics["methods"]
    ours = "".join(f'<td>{methods[n]["mae_bpm"]:.3f} / {methods[n]["rmse_bpm"]:.3f}</td>' for n in NAMES)
    closed = gap_closed({n: methods[n]["mae_bpm"] for n in NAMES})
    how = f"{folds} subject-disjoint folds" if folds > 1 else "held-out side"
    return f"""<div class="wide"><table><thead><tr><th>MAE / RMSE [bpm]</th><th>teacher</th><th>student</th><th>student + KD</th>
<th>gap closed</th></tr></thead><tbody>{rows}<tr><td>this run, {metrics["people"]} subjects, {how}</td>{ours}
<td>{number(closed, 0)}{" %" if closed is not None else ""}</td></tr></tbody>
<caption>Grey: as published in the paper whose experiment this repeats (its tables 1, 2 and 3). Other people, other light,
other cameras: what may be compared is the order of the columns and the gap, not a number with a number. Gap closed: how much of the
way from the student's MAE to the teacher's the taught student goes; a dash where the teacher is not ahead. The paper's resolution is not
stated; ours is below the table above.</caption></table></div>"""


def folds_and_seeds(metrics: dict) -> str:
    """Give the figures of each fold and of each seed, where there are several."""
    parts = ""
    networks = [name for name in NETWORKS if name in metrics["methods"]]
    head = "".join(f"<th>{TITLES[name]}</th>" for name in networks)
    for key, first in (("folds", "tested"), ("seeds", "seed")):
        if len(metrics[key]) < 2:
            continue
        rows = "".join(
            f'<tr><td>{text(", ".join(one["test"]) if key == "folds" else one["seed"])}</td>' + "".join(
                f'<td>{number(one["methods"][n]["mae_bpm"])} / {number(one["methods"][n]["rmse_bpm"])}, '
                f'{number(one["methods"][n]["snr_db"], 1)}</td>' for n in networks) + "</tr>" for one in metrics[key])
        parts += (f'<div class="wide"><table><thead><tr><th>{first}</th>{head}</tr></thead><tbody>{rows}</tbody><caption>'
                  f"MAE / RMSE [bpm], SNR [dB], {'of each fold' if key == 'folds' else 'of each seed, all folds pooled'}."
                  f"{_over_seeds(metrics) if key == 'seeds' else ''}</caption></table></div>")
    return parts


def _over_seeds(metrics: dict) -> str:
    from .verdict import over_seeds

    found = over_seeds(metrics["seeds"])
    return (f" Student + KD is ahead of the student alone in {found['ahead']} of {found['seeds']} seeds, by "
            f"{number(found['gain_bpm'])} bpm [{number(found['low_bpm'])}, {number(found['high_bpm'])}] (95 %, t over seeds).")


def board(measured: dict | None) -> str:
    """Give the paper's table 4, and a row of ours where `acq bench-board` was run."""
    ours = ""
    if measured:
        ours = (f'<tr><td>{text(measured["board"])}</td><td>{measured["teacher_ms"] / 1000:.5f}</td>'
                f'<td>{measured["student_ms"] / 1000:.5f}</td><td>{measured["teacher_ms"] / measured["student_ms"]:.1f}</td></tr>')
    teacher_s, student_s = PUBLISHED_BOARD
    said = "" if measured else " This run has no row: acq export and acq bench-board on the board make one."
    return f"""<table><thead><tr><th>whole pipeline, s / frame</th><th>teacher</th><th>student + KD</th><th>times faster</th></tr></thead>
<tbody><tr><td>Jetson Nano</td><td class="published">{teacher_s:.2f}</td><td class="published">{student_s:.2f}</td>
<td class="published">{teacher_s / student_s:.0f}</td></tr>{ours}</tbody><caption>Grey: the paper's table 4.{said}</caption></table>"""


def recordings(metrics: dict) -> str:
    """Give each test recording's errors."""
    methods, rows = metrics["methods"], []
    names = [name for name in NETWORKS if name in methods]
    for i, video in enumerate(methods["teacher"]["videos"]):
        cells = "".join(f'<td>{number(methods[n]["videos"][i]["mae_bpm"])}</td>' for n in names)
        rows.append(f'<tr><td>{text(video["subject"])}</td><td>{text(video["folder"])}</td><td>{video["windows"]}</td>'
                    f'<td>{number(video["reference_bpm"], 1)}</td>{cells}'
                    f'<td>{number(methods["student_kd"]["videos"][i]["lag_s"])}</td></tr>')
    heads = "".join(f"<th>{TITLES[n]}<br>MAE</th>" for n in names)
    return (f'<div class="wide"><table><thead><tr><th>subject</th><th>folder</th><th>windows</th><th>PPG<br>[bpm]</th>{heads}'
            f'<th>lag<br>[s]</th></tr></thead><tbody>{"".join(rows)}</tbody><caption>MAE in bpm. Lag: how late the pulse of student + KD '
            "is against the PPG, where they correlate most.</caption></table></div>")
