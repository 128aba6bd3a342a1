"""The figures of a run's report: rates over time, good and bad windows, agreement, what the networks see, how they learnt."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
import torch
from matplotlib.figure import Figure

from dataset.page import AXIS, BLUE, INK, ORANGE, TEAL, VIOLET, number, picture, text
from dataset.signals import HIGH_HZ, LOW_HZ
from dataset.video import read_bgr

from .data import Curated, Recording, as_input
from .evaluate import VideoResult, spectrum
from .methods import TITLES
from .metrics import bland_altman
from .nets import Teacher

if TYPE_CHECKING:
    from .train import Trained

COLOURS = {"ppg": INK, "teacher": VIOLET, "student": ORANGE, "student_kd": TEAL, "physnet": BLUE}
SHOWN_VIDEOS = 6
WINDOWS_EACH = 3      # good ones, and bad ones


def rates(trained: "dict[str, Trained]") -> str:
    """Draw heart rate over time, predicted and from the finger, for each test recording (at most six)."""
    videos = trained["teacher"].videos[:SHOWN_VIDEOS]
    figure = Figure(figsize=(9.4, 0.5 + 2.1 * len(videos)))
    axes = np.atleast_1d(figure.subplots(len(videos), 1, squeeze=False)[:, 0])
    for row, (video, axis) in enumerate(zip(videos, axes, strict=True)):
        centre = video.start_s + video.window_s / 2
        axis.plot(centre, video.reference_bpm, color=COLOURS["ppg"], lw=2.4, label="contact PPG")
        for name, one in trained.items():
            axis.plot(centre, one.videos[row].predicted_bpm, color=COLOURS[name], lw=1.2, marker="o", ms=2.5,
                      label=TITLES[name])
        axis.set(title=f"{video.subject}, {video.folder}", ylabel="bpm")
    axes[0].legend(ncols=5, loc="lower right", bbox_to_anchor=(1, 1.0))
    axes[-1].set_xlabel("middle of the window [s]")
    figure.tight_layout()
    return picture(figure, "Each point is one window of 10 s. Neighbouring windows share nine seconds, so errors come in runs."
                   + (f" The first {SHOWN_VIDEOS} of {len(trained['teacher'].videos)} test recordings."
                      if len(trained["teacher"].videos) > SHOWN_VIDEOS else ""), alt="heart rate over time, networks and contact PPG")


def windows(trained: "dict[str, Trained]") -> tuple[str, str]:
    """Draw pulse and power spectrum of the windows where student + KD does best, and where it does worst."""
    videos = trained["student_kd"].videos
    errors = [(abs(float(np.nan_to_num(p)) - float(r)), v, w) for v, video in enumerate(videos)
              for w, (p, r) in enumerate(zip(video.predicted_bpm, video.reference_bpm, strict=True))]
    errors.sort(key=lambda e: (e[0], -videos[e[1]].snr_db[e[2]]))
    return tuple("".join(_window_picture(trained, v, w) for v, w in _apart(chosen)) for chosen in (errors, errors[::-1]))


def _apart(errors: list[tuple[float, int, int]]) -> list[tuple[int, int]]:
    """Take the first few windows that do not overlap, of different recordings as far as there are some."""
    chosen: list[tuple[int, int]] = []
    for again in (False, True):
        for _, v, w in errors:
            if len(chosen) < WINDOWS_EACH and all(v != other or (again and abs(w - at) >= 10) for other, at in chosen):
                chosen.append((v, w))
    return chosen


def _window_picture(trained: "dict[str, Trained]", v: int, w: int) -> str:
    seen = trained["student_kd"].videos[v]
    caption = (f"{text(seen.subject)}, {text(seen.folder)}, from {seen.start_s[w]:.0f} s: student + KD says "
               f"{number(seen.predicted_bpm[w], 1)} bpm, the PPG {number(seen.reference_bpm[w], 1)}. "
               f"SNR {number(seen.snr_db[w], 1)} dB, MACC {number(seen.macc[w])}.")
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


def agreement(results: dict[str, list[VideoResult]]) -> str:
    """Draw Bland-Altman plots: difference against mean of the two rates, each window a point."""
    columns = 3
    rows = -(-len(results) // columns)
    figure = Figure(figsize=(9.4, 0.4 + 2.5 * rows))
    axes = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).ravel()
    for axis, (name, videos) in zip(axes, results.items(), strict=False):
        said, meant = _pooled(videos)
        limits = bland_altman(said, meant)
        axis.scatter((said + meant) / 2, said - meant, s=7, lw=0, alpha=0.6, color=COLOURS.get(name, AXIS))
        axis.axhline(limits["bias_bpm"], color=INK, lw=1)
        for edge in ("low_bpm", "high_bpm"):
            axis.axhline(limits[edge], color=INK, lw=0.8, ls="--")
        axis.set_title(f"{TITLES[name]}: {number(limits['bias_bpm'])} [{number(limits['low_bpm'], 1)}, "
                       f"{number(limits['high_bpm'], 1)}]")
    for axis in axes[len(results):]:
        axis.set_visible(False)
    for at in range(len(results)):
        if at % columns == 0:
            axes[at].set_ylabel("predicted − PPG [bpm]")
        if at + columns >= len(results):
            axes[at].set_xlabel("mean of both [bpm]")
            axes[at].tick_params(labelbottom=True)
    figure.tight_layout()
    return picture(figure, "Bland and Altman: line, the mean difference; dashed, its limits of agreement (1.96 SD). Each point is a "
                           "window of 10 s; a window in which a method has no peak counts as 0 bpm.",
                   alt="Bland-Altman plots of all methods")


def scatter(results: dict[str, list[VideoResult]]) -> str:
    """Draw predicted against reference heart rate, and the spread of SNR and MACC over windows."""
    figure = Figure(figsize=(9.4, 3.1))
    left, middle, right = figure.subplots(1, 3, width_ratios=(1.2, 1, 1))
    ends = [np.inf, -np.inf]
    for name in [n for n in COLOURS if n in results]:
        said, meant = _pooled(results[name])
        left.scatter(meant, said, s=7, lw=0, alpha=0.6, color=COLOURS[name], label=TITLES[name])
        ends = [min(ends[0], *meant), max(ends[1], *meant)]
    left.plot(ends, ends, color=INK, lw=0.8)
    left.set(xlabel="PPG [bpm]", ylabel="predicted [bpm]", title="heart rate, each window a point")
    left.legend(fontsize=7.5, markerscale=1.8)
    for axis, what, title in ((middle, "snr_db", "SNR [dB]"), (right, "macc", "MACC")):
        values = [np.concatenate([getattr(v, what) for v in videos]) for videos in results.values()]
        parts = axis.boxplot([v[np.isfinite(v)] for v in values], orientation="horizontal", showfliers=False, widths=0.6,
                             patch_artist=True)
        for patch, name in zip(parts["boxes"], results, strict=True):
            patch.set(facecolor=COLOURS.get(name, AXIS), alpha=0.6, lw=0.6)
        for line in parts["medians"]:
            line.set_color(INK)
        axis.set(title=f"{title} over windows", yticks=range(1, len(results) + 1),
                 yticklabels=[TITLES[name] for name in results] if axis is middle else [])
        axis.invert_yaxis()
    figure.tight_layout()
    return picture(figure, "Boxes: quartiles over all windows; whiskers reach the last value within 1.5 times their distance.",
                   alt="predicted against reference heart rate; SNR and MACC of each method")


def _pooled(videos: list[VideoResult]) -> tuple[np.ndarray, np.ndarray]:
    return np.nan_to_num(np.concatenate([v.predicted_bpm for v in videos])), np.concatenate([v.reference_bpm for v in videos])


def subjects(results: dict[str, list[VideoResult]]) -> str:
    """Draw the mean absolute error of each subject, networks and the best method without training."""
    names = sorted({v.subject for videos in results.values() for v in videos})
    figure = Figure(figsize=(9.4, 0.9 + 0.24 * len(names)))
    axis = figure.subplots()
    for name in [n for n in COLOURS if n in results]:
        by_subject = [np.concatenate([np.abs(np.nan_to_num(v.predicted_bpm) - v.reference_bpm) for v in results[name]
                                      if v.subject == subject]) for subject in names]
        axis.scatter([e.mean() for e in by_subject], np.arange(len(names)), s=22, lw=0, color=COLOURS[name], label=TITLES[name],
                     zorder=3)
    axis.set(yticks=range(len(names)), yticklabels=names, xlabel="mean absolute error [bpm]", ylim=(len(names) - 0.5, -0.5))
    axis.set_xscale("symlog", linthresh=1.0)
    axis.legend(ncols=4, loc="lower right", bbox_to_anchor=(1, 1.0), fontsize=8)
    figure.tight_layout()
    return picture(figure, "Over all windows of each subject; linear up to 1 bpm, logarithmic above. An interval in the tables draws whole "
                           "subjects: its width is the spread of these rows.", alt="mean absolute error of each subject")


def inputs(curated: Curated, teacher: torch.nn.Module) -> str:
    """Show the face, the preprocessed frames and the attention masks; nothing of it for real people."""
    assert isinstance(teacher, Teacher)
    virtual = [r for r in curated.test if r.simulated]
    if not virtual:
        return ("<p>Real faces are not shown, not even as 36×36 pixels. The box is that of MTCNN in the first frame, "
                "enlarged 1.6 times and held; the preprocessed frames are in the cache beside the data.</p>"
                + _masks_alone(curated.test[0], teacher))
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
        ("mask 36×36", lambda a, i: _overlay(a, appearance[i], first[i, 0])),
        ("mask 18×18", lambda a, i: _overlay(a, appearance[i], second[i, 0])),
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
                            "motion (grey is no change), and the teacher's two attention masks over the face (bright: looks there).",
                    alt="the face box, preprocessed frames and attention masks", raster=True)


def _overlay(axis: Any, face: np.ndarray, mask: np.ndarray) -> None:
    """Lay a mask over the grey face it was made from."""
    axis.imshow(face.mean(axis=2), cmap="gray", vmin=0, vmax=255)
    axis.imshow(mask, cmap="magma", alpha=0.6, extent=(-0.5, face.shape[1] - 0.5, face.shape[0] - 0.5, -0.5), interpolation="nearest")


def _masks_alone(recording: Recording, teacher: Teacher) -> str:
    """Draw a teacher's masks, mean over a recording: where it looks, without the face it looks at."""
    with torch.no_grad():
        every = max(1, len(recording.appearance) // 32)
        masks = [m.mean(dim=0)[0].numpy() for m in teacher.eval().masks(as_input(recording.appearance[::every], 255))]
    figure = Figure(figsize=(4.6, 2.4))
    for axis, mask in zip(figure.subplots(1, 2), masks, strict=True):
        axis.pcolormesh(mask[::-1], cmap="magma")
        axis.set(xticks=[], yticks=[], aspect="equal", title=f"{len(mask)}×{len(mask)}")
    return picture(figure, "The teacher's two attention masks, mean over one test recording (bright: looks there).",
                   alt="attention masks without the face")


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


def curves(trained: "dict[str, Trained]", metrics: dict) -> str:
    figure = Figure(figsize=(9.4, 2.7))
    left, right = figure.subplots(1, 2)
    for name, one in trained.items():
        epochs = np.arange(1, len(one.curve) + 1)
        left.plot(epochs, [e["label"] for e in one.curve], color=COLOURS[name], marker="o", ms=3, label=TITLES[name])
    taught = trained["student_kd"].curve
    for part, style in (("middle", "-"), ("last", "--"), ("pulse", ":")):
        if part in taught[-1]:
            right.plot([n + 1 for n, e in enumerate(taught) if part in e], [e[part] for e in taught if part in e], style,
                       color=COLOURS["student_kd"], label="the teacher's answer" if part == "pulse" else f"features, {part} map")
    left.set(title="error on the PPG's change (1: nothing learnt)", xlabel="epoch", ylabel="mean squared error")
    right.set(title="distance to the teacher's features (1: its variance)", xlabel="epoch")
    left.legend()
    if right.lines:
        right.legend()
    figure.tight_layout()
    recipe, methods = metrics["recipe"], metrics["methods"]
    times = ", ".join(f"{TITLES[name]} {len(one.curve)} epochs in {methods[name]['seconds']:.0f} s" for name, one in trained.items())
    return picture(figure, f"On the training side, while training (dropout on), seed {recipe['seed']}"
                           f"{', first fold' if len(metrics['folds']) > 1 else ''}. {times}. Both students have the same data, batches, "
                           "first weights, dropout, optimiser and schedule; no epoch and no weight was chosen by the test side.",
                   alt="training curves")
