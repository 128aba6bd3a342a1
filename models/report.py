"""The report of a run: one HTML file that opens offline, with every figure drawn inside it.

It follows the order in which a reviewer asks: on what data, how good, against whom, where does it fail, what does the
network see, how was it trained, and everything needed to repeat it. A virtual subject's face is shown; a real one's never
is, not even as 36x36 pixels.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
import torch
from matplotlib.figure import Figure

from dataset.page import INK, ORANGE, TEAL, VIOLET, drawing, number, page, picture, section, text
from dataset.signals import HIGH_HZ, LOW_HZ
from dataset.video import read_bgr

from .data import Curated, Recording, as_input
from .evaluate import SNR_HALF_WIDTH_HZ, spectrum
from .nets import Teacher

if TYPE_CHECKING:
    from .train import Trained

TITLES = {"teacher": "teacher", "student": "student", "student_kd": "student + KD"}
COLOURS = {"ppg": INK, "teacher": VIOLET, "student": ORANGE, "student_kd": TEAL}
PUBLISHED = {    # MAE, RMSE [bpm]; the project's reference paper, tables 1 and 3
    "UBFC-rPPG, five subject-disjoint folds": {"teacher": (0.956, 1.580), "student": (4.559, 9.686),
                                               "student_kd": (3.444, 7.298)},
    "the paper’s own recordings, 3 subjects train, 1 tests": {"teacher": (2.180, 5.951), "student": (2.800, 6.706),
                                                              "student_kd": (2.518, 6.208)},
}
BANNERS = {
    "virtual": '<div class="banner"><b>Simulated data.</b> Every subject here is virtual. These figures show that the '
               "experiment works; they say nothing about real faces.</div>",
    "virtual and real": '<div class="banner"><b>Partly simulated data.</b> Virtual and real recordings are mixed here. These '
                        "figures are no measure of how well real faces are read.</div>",
    "real": "",
}
STYLE = """
.tile{flex-basis:190px}
tr.best td{background:var(--pale)}
td.published{color:var(--soft)}
details{margin:12px 0}pre{background:var(--tint);padding:12px;overflow:auto;font-size:12px;border-radius:6px}
"""


def write_report(path: Path, curated: Curated, trained: "dict[str, Trained]", metrics: dict) -> None:
    """Write the report of a run to `path`.

    Parameters
    ----------
    curated : the data, for faces and spectra
    trained : the networks by name, with their results on each test recording
    metrics : what metrics.json holds
    """
    with drawing():
        parts = [
            _head(metrics), _results(metrics),
            section("Heart rate over time", _rates(trained)),
            section("Best and worst windows", _windows(trained)),
            section("What the networks see", _inputs(curated, trained["teacher"].net)),
            section("Training", _curves(trained, metrics)),
            _recordings(metrics), _method(metrics),
        ]
    path.write_text(page("acq train-kd", "\n".join(parts), style=STYLE), encoding="utf-8")


def _head(metrics: dict) -> str:
    subjects = metrics["subjects"]
    student, taught = metrics["student"], metrics["student_kd"]
    gain = student["mae_bpm"] - taught["mae_bpm"]
    smaller = metrics["teacher"]["parameters"] / taught["parameters"]
    verdict = "no difference" if round(gain, 2) == 0 else f"{number(abs(gain))} bpm {'better' if gain > 0 else 'worse'}"
    banner = BANNERS[metrics["people"]]
    windows = taught["windows"]
    return f"""<h1>A small network that reads the pulse from a face</h1>
<p class="soft">acq train-kd · {text(metrics["begun"].replace("T", " ").replace("+00:00", " UTC"))} ·
trained on {text(", ".join(subjects["train"]))} ·
tested on {text(", ".join(subjects["test"]))}, never seen in training</p>
{banner}
<div class="tiles">
<div class="tile"><b>{number(taught["mae_bpm"])} bpm</b><span>mean absolute error of student + KD, {windows} windows of
{metrics["heart_rate"]["window_s"]:g} s</span></div>
<div class="tile"><b>{verdict}</b><span>with the teacher's help than the same student alone;
one window with a wrong peak can decide this</span></div>
<div class="tile"><b>{smaller:.0f}× smaller</b><span>{taught["parameters"]:,} parameters, the teacher has
{metrics["teacher"]["parameters"]:,}</span></div>
<div class="tile"><b>{number(taught["ms_per_frame"])} ms a frame</b><span>one thread, network alone; the teacher takes
{number(metrics["teacher"]["ms_per_frame"])} ms</span></div>
</div>"""


def _results(metrics: dict) -> str:
    columns = (
        ("MAE<br>[bpm]", lambda m: number(m["mae_bpm"])), ("RMSE<br>[bpm]", lambda m: number(m["rmse_bpm"])),
        ("MAPE<br>[%]", lambda m: number(m["mape_percent"], 1)), ("Pearson<br>r", lambda m: number(m["pearson_r"])),
        ("SNR<br>[dB]", lambda m: number(m["snr_db"], 1)),
        ("corr. with<br>PPG", lambda m: number(m["pulse_correlation"])),
        ("per video,<br>MAE / RMSE", lambda m: f'{number(m["per_video_mean"]["mae_bpm"])} / '
                                              f'{number(m["per_video_mean"]["rmse_bpm"])}'),
        ("parameters", lambda m: f'{m["parameters"]:,}'), ("ms / frame", lambda m: number(m["ms_per_frame"])),
    )
    best = min(("student", "student_kd"), key=lambda name: metrics[name]["mae_bpm"])
    head = "".join(f"<th>{title}</th>" for title, _ in columns)
    rows = "".join(
        f'<tr{" class=best" if name == best else ""}><td>{TITLES[name]}</td>'
        + "".join(f"<td>{show(metrics[name])}</td>" for _, show in columns) + "</tr>" for name in TITLES
    )
    rate = metrics["heart_rate"]
    videos = metrics["teacher"]["per_video_mean"]["count"]
    left_out = metrics["teacher"]["windows_left_out"]
    measured = f"""<table><thead><tr><th></th>{head}</tr></thead><tbody>{rows}</tbody><caption>
Over all {metrics["teacher"]["windows"]} windows of {rate["window_s"]:g} s, one each {rate["step_s"]:g} s
({left_out or "no"} window{"" if left_out == 1 else "s"} across a gap left out). Per video: one heart rate a recording ({videos}
here), the mean over its windows. SNR: the pulse's power within {SNR_HALF_WIDTH_HZ:g} Hz of the PPG's heart rate and of its
double, over the rest of {rate["low_hz"]:g}–{rate["high_hz"]:g} Hz. Corr.: Pearson's r of pulse and PPG at the best lag within
half a second. Spectrum on a grid of {rate["fft_grid_bpm"]:g} bpm, its peak
refined by a parabola; that places one pulse finely, but its peak is {rate["main_lobe_bpm"]:g} bpm wide, and two rates closer
than about half of that look like one.
ms / frame: {text(metrics["ms_per_frame_is"])}.
The better of the two students is tinted.</caption></table>"""
    published = "".join(
        f"<tr><td>{text(data)}</td>" + "".join(
            f'<td class="published">{mae:.3f} / {rmse:.3f}</td>' for mae, rmse in (figures[n] for n in TITLES)
        ) + "</tr>" for data, figures in PUBLISHED.items()
    )
    ours = "".join(f'<td>{metrics[n]["mae_bpm"]:.3f} / {metrics[n]["rmse_bpm"]:.3f}</td>' for n in TITLES)
    beside = f"""<table><thead><tr><th>MAE / RMSE [bpm]</th><th>teacher</th><th>student</th><th>student + KD</th></tr></thead>
<tbody>{published}<tr><td>this run, {metrics["people"]} subjects</td>{ours}</tr></tbody>
<caption>Grey: as published in the paper whose experiment this repeats (its tables 1 and 3). Other people, other light,
other cameras: what may be compared is the order of the three columns, not a number with a number.</caption></table>"""
    return section("Results", measured + beside)


def _rates(trained: "dict[str, Trained]") -> str:
    """Draw heart rate over time, predicted and from the finger, for each test recording (at most six)."""
    videos = trained["teacher"].videos[:6]
    figure = Figure(figsize=(9.4, 0.5 + 2.1 * len(videos)))
    axes = np.atleast_1d(figure.subplots(len(videos), 1, squeeze=False)[:, 0])
    for row, (video, axis) in enumerate(zip(videos, axes, strict=True)):
        centre = video.start_s + video.window_s / 2
        axis.plot(centre, video.reference_bpm, color=COLOURS["ppg"], lw=2.4, label="contact PPG")
        for name, one in trained.items():
            axis.plot(centre, one.videos[row].predicted_bpm, color=COLOURS[name], lw=1.2, marker="o", ms=2.5,
                      label=TITLES[name])
        axis.set(title=f"{video.subject}, {video.folder}", ylabel="bpm")
    axes[0].legend(ncols=4, loc="lower right", bbox_to_anchor=(1, 1.0))
    axes[-1].set_xlabel("middle of the window [s]")
    figure.tight_layout()
    return picture(figure, "Each point is one window of 10 s. Neighbouring windows share nine seconds, so errors come in "
                            "runs.", alt="heart rate over time, three networks and contact PPG")


def _windows(trained: "dict[str, Trained]") -> str:
    """Draw pulse and power spectrum of the windows where student + KD does best and worst."""
    videos = trained["student_kd"].videos
    errors = [(abs(float(np.nan_to_num(p)) - float(r)), v, w) for v, video in enumerate(videos)
              for w, (p, r) in enumerate(zip(video.predicted_bpm, video.reference_bpm, strict=True))]
    errors.sort(key=lambda e: (e[0], -videos[e[1]].snr_db[e[2]]))
    return "".join(
        _window_picture(trained, v, w, f"<b>{kind}</b>: {text(videos[v].subject)}, from {videos[v].start_s[w]:.0f} s: student "
                        f"+ KD says {number(videos[v].predicted_bpm[w], 1)} bpm, the PPG "
                        f"{number(videos[v].reference_bpm[w], 1)}. "
                        f"SNR {number(videos[v].snr_db[w], 1)} dB.")
        for kind, (_, v, w) in (("Best window", errors[0]), ("Worst window", errors[-1]))
    )


def _window_picture(trained: "dict[str, Trained]", v: int, w: int, caption: str) -> str:
    shown = {"ppg": trained["student_kd"].videos[v], **{n: one.videos[v] for n, one in trained.items()}}
    figure = Figure(figsize=(9.4, 2.9))
    left, right = figure.subplots(1, 2, width_ratios=(1.5, 1))
    for name, video in shown.items():
        begin = round(video.start_s[w] * video.fs_hz)
        cut = slice(begin, begin + round(video.window_s * video.fs_hz))
        trace = (video.ppg if name == "ppg" else video.pulse)[cut]
        look: dict[str, Any] = {"color": COLOURS[name], "lw": {"ppg": 2.2, "student_kd": 1.5}.get(name, 0.9),
                                "label": "contact PPG" if name == "ppg" else TITLES[name]}
        if name in ("ppg", "student_kd"):
            left.plot(video.time_s[cut], trace / (trace.std() or 1), **look)
        frequency, power = spectrum(trace, video.fs_hz)
        band = (frequency >= LOW_HZ) & (frequency <= HIGH_HZ)
        right.plot(60 * frequency[band], power[band] / (power[band].max() or 1), **look)
    left.set(title="pulse", xlabel="seconds", ylabel="standard deviations")
    right.set(title="power spectrum, each by its highest peak", xlabel="bpm", yticks=[0, 0.5, 1])
    right.legend(fontsize=8)
    figure.tight_layout()
    return picture(figure, caption, alt="pulse and power spectrum of one window")


def _inputs(curated: Curated, teacher: torch.nn.Module) -> str:
    """Show the face, the preprocessed frames and the attention masks; nothing of it for real people."""
    assert isinstance(teacher, Teacher)
    virtual = [r for r in curated.test if r.simulated]
    if not virtual:
        return ("<p>Real faces are not shown, not even as 36×36 pixels. The box is that of MTCNN in the first frame, "
                "enlarged 1.6 times and held; the preprocessed frames are in the cache beside the data.</p>")
    recording = virtual[0]
    chosen = _lively(recording)
    appearance = recording.appearance[chosen].numpy()
    change = recording.motion[chosen].float().numpy()
    with torch.no_grad():
        first, second = (m.numpy() for m in teacher.eval().masks(as_input(recording.appearance[chosen], 255)))
    figure = Figure(figsize=(9.4, 4.9))
    halves = figure.add_gridspec(1, 2, width_ratios=(2.7, 5), wspace=0.09)
    face = figure.add_subplot(halves[0])
    grid = halves[1].subgridspec(4, len(chosen), wspace=0.04, hspace=0.06)
    _show_face(face, recording)
    rows: tuple[tuple[str, Callable[[Any, int], object]], ...] = (
        ("appearance", lambda a, i: a.imshow(appearance[i])),
        ("motion", lambda a, i: a.imshow(np.clip(0.5 + change[i] / 4, 0, 1))),
        ("mask 36×36", lambda a, i: a.imshow(first[i, 0], cmap="magma")),
        ("mask 18×18", lambda a, i: a.imshow(second[i, 0], cmap="magma")),
    )
    for row, (title, draw) in enumerate(rows):
        for i in range(len(chosen)):
            axis = figure.add_subplot(grid[row, i])
            draw(axis, i)
            axis.set(xticks=[], yticks=[])
            axis.grid(visible=False)
            if i == 0:
                axis.set_ylabel(title, fontsize=8)
            if row == 0:
                axis.set_title(f"{recording.time_s[chosen[i]] - recording.time_s[0]:.2f} s", fontsize=8, loc="center")
    return picture(figure, f"Virtual subject {text(recording.subject)}. Left, the first frame with the box of MTCNN, "
                            "enlarged 1.6 times and held. Right, five adjacent frames as the networks get them: appearance "
                            "(teacher only), "
                            "motion (grey is no change), and where the teacher's two masks look (bright).",
                    alt="the face box, preprocessed frames and attention masks", raster=True)


def _lively(recording: Recording, count: int = 5) -> np.ndarray:
    """Choose `count` adjacent pairs where the pulse moves most: a beat's upstroke, not a rest."""
    change = np.abs(np.nan_to_num(recording.change.numpy()))
    begin = int(np.argmax(np.convolve(change, np.ones(count), "valid")))
    return np.arange(begin, begin + count)


def _show_face(axis: Any, recording: Recording) -> None:
    image = next(iter(read_bgr(recording.video)))[:, :, ::-1]
    box = recording.box
    axis.imshow(image)
    axis.add_patch(matplotlib.patches.Rectangle(    # type: ignore[attr-defined]
        (box.left, box.top), box.right - box.left, box.bottom - box.top, fill=False, lw=1.6, ec=COLOURS["student_kd"]))
    margin = 30
    axis.set(xticks=[], yticks=[], xlim=(max(box.left - margin, 0), min(box.right + margin, image.shape[1])),
             ylim=(min(box.bottom + margin, image.shape[0]), max(box.top - margin, 0)))
    axis.grid(visible=False)


def _curves(trained: "dict[str, Trained]", metrics: dict) -> str:
    figure = Figure(figsize=(9.4, 2.7))
    left, right = figure.subplots(1, 2)
    for name, one in trained.items():
        epochs = np.arange(1, len(one.curve) + 1)
        left.plot(epochs, [e["label"] for e in one.curve], color=COLOURS[name], marker="o", ms=3, label=TITLES[name])
    for part, style in (("middle", "-"), ("last", "--")):
        curve = [e[part] for e in trained["student_kd"].curve]
        right.plot(np.arange(1, len(curve) + 1), curve, style, color=COLOURS["student_kd"], label=f"TaT, {part} map")
    left.set(title="error on the PPG's change (1: nothing learnt)", xlabel="epoch", ylabel="mean squared error")
    right.set(title="distance to the teacher's features (1: its variance)", xlabel="epoch")
    left.legend()
    right.legend()
    figure.tight_layout()
    recipe, took = metrics["recipe"], metrics["seconds"]
    return picture(figure, f"On the training side, while training (dropout on). Teacher {recipe['teacher_epochs']} epochs in "
                            f"{took['teacher']:.0f} s, student {recipe['epochs']} in {took['student']:.0f} s, student + KD "
                            f"{recipe['epochs']} in {took['student_kd']:.0f} s. Both students have the same data, batches, "
                            "first weights, dropout, optimiser and schedule; no epoch and no weight was chosen by the test side.",
                    alt="training curves")


def _recordings(metrics: dict) -> str:
    rows = []
    for i, video in enumerate(metrics["teacher"]["videos"]):
        cells = "".join(f'<td>{number(metrics[n]["videos"][i]["mae_bpm"])}</td>' for n in TITLES)
        rows.append(f'<tr><td>{text(video["subject"])}</td><td>{text(video["folder"])}</td><td>{video["windows"]}</td>'
                    f'<td>{number(video["reference_bpm"], 1)}</td>{cells}'
                    f'<td>{number(metrics["student_kd"]["videos"][i]["lag_s"])}</td></tr>')
    return section("Test recordings", '<table><thead><tr><th>subject</th><th>folder</th><th>windows</th><th>PPG<br>[bpm]</th>'
                    "<th>teacher<br>MAE</th><th>student<br>MAE</th><th>student + KD<br>MAE</th><th>lag<br>[s]</th></tr></thead>"
                    f'<tbody>{"".join(rows)}</tbody><caption>MAE in bpm. Lag: how late the pulse of student + KD is '
                    "against the PPG, where they correlate most.</caption></table>")


def _method(metrics: dict) -> str:
    recipe, pairs, count = metrics["recipe"], metrics["pairs"], metrics["recordings"]
    pre, rate = metrics["preprocessing"], metrics["heart_rate"]
    facts = {
        "data hash": f'<code>{text(metrics["data_hash"])}</code>', "split hash": f'<code>{text(metrics["split_hash"])}</code>',
        "data": f'{count["train"]} recordings to train ({pairs["train"]:,} pairs of frames), {count["test"]} to test '
                f'({pairs["test"]:,}), {metrics["people"]} subjects',
        "frames": f'{text(pre["detector"])} in the first frame, box enlarged {pre["enlarge"]:g} times and held, '
                  f'{pre["size"]}×{pre["size"]} area-averaged; '
                  f'motion is (c₂ − c₁) / (c₂ + c₁), cut at {pre["cut_sd"]:g} SD, unit variance',
        "heart rate": f'cumulative sum, even grid by the frames’ own times, {rate["low_hz"]:g}–{rate["high_hz"]:g} Hz, '
                      f'highest peak of the spectrum in {rate["window_s"]:g} s windows, times 60',
        "loss": f'mean squared error on the PPG’s change + {recipe["distill"]["weight_middle"]:g} TaT middle + '
                f'{recipe["distill"]["weight_last"]:g} TaT last, softmax as in the {text(recipe["distill"]["softmax"])}, '
                f'temperature {recipe["distill"]["temperature"]:g}',
        "training": f'AdamW, one cycle to {recipe["learning_rate"]:g}, weight decay {recipe["weight_decay"]:g}, '
                    f'{recipe["batch_clips"]} clips of {recipe["clip"]} a step, seed {recipe["seed"]}, '
                    f'{"bfloat16 products" if metrics["bfloat16"] else "float32"}',
        "machine": f'{text(metrics["device"])}, {metrics["threads"]} threads, {text(metrics["machine"])}',
        "versions": text(", ".join(f"{k} {v}" for k, v in metrics["versions"].items())),
    }
    listed = "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in facts.items())
    bare = {k: v for k, v in metrics.items() if k not in TITLES}
    return section("How it was made", f"<dl>{listed}</dl><details><summary>all parameters</summary><pre>"
                    f"{text(json.dumps(bare, indent=1))}</pre></details>")
