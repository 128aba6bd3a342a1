"""What the networks see, and where the teacher looks: frames as they enter, attention masks over
the face.

A virtual subject's face is shown. Of real people no pixel is: their masks stand alone.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from dataset.common.html import TEAL, element, panels, text
from dataset.layouts.avi import read_bgr
from models.data.clips import as_input
from models.data.videos import CuratedVideo, TrainingData
from models.nets.can import Teacher

from .style import hashes

FACES = 3                # subjects over whose faces masks are laid
ADJACENT = 4             # preprocessed frames shown
SAMPLED = 32             # frames of a recording over which a mask is averaged


def frames(curated: TrainingData, metrics: dict) -> str:
    """Show the first frame with its box, and adjacent frames as the networks get them; for real
    people say why not.
    """
    virtual = _unseen(curated, metrics)
    made = _made(metrics)
    if not virtual:
        return (
            f"<p>Real faces are not shown, not even as 36×36 pixels. {made} The preprocessed "
            "frames are in the cache beside "
            "the data.</p>"
        )
    recording = virtual[0]
    image = next(iter(read_bgr(recording.video)))[:, :, ::-1]
    box = recording.box
    height, width = image.shape[:2]
    whole = Figure(figsize=(5.2, 0.3 + 5.2 * height / width))
    axis = whole.add_axes((0, 0, 1, 5.2 * height / width / (0.3 + 5.2 * height / width)))
    axis.imshow(image)
    axis.add_patch(
        Rectangle(
            (box.left, box.top), box.right - box.left, box.bottom - box.top, fill=False, lw=1.8,
            ec=TEAL,
        )
    )
    _bare(axis, "first frame, and the box that is held")
    chosen = _lively(recording)
    appearance, change = (
        recording.appearance[chosen].numpy(), recording.motion[chosen].float().numpy(),
    )
    rows: tuple[tuple[str, Callable[[Any, int], object]], ...] = (
        ("appearance", lambda a, i: a.imshow(appearance[i])),
        ("motion", lambda a, i: a.imshow(np.clip(0.5 + change[i] / 4, 0, 1))),
    )
    small = Figure(figsize=(5.2, 2.75))
    grid = small.add_gridspec(
        len(rows), ADJACENT, left=0.07, right=0.99, bottom=0.02, top=0.9, wspace=0.05, hspace=0.08
    )
    for row, (title, draw) in enumerate(rows):
        for i in range(ADJACENT):
            axis = small.add_subplot(grid[row, i])
            draw(axis, i)
            _bare(
                axis,
                f"{recording.time_s[chosen[i]] - recording.time_s[0]:.2f} s" if row == 0 else "",
            )
            if i == 0:
                axis.set_ylabel(title, fontsize=10)
    caption = (
        f"Virtual subject {text(recording.subject)}, {text(recording.folder)}. {made} Below or "
        "beside, adjacent "
        "frames where the PPG moves most: appearance, which only the teacher reads, and motion, in "
        "which grey is no "
        f"change and four standard deviations span black to white. Computed from {hashes(metrics)}."
    )
    return panels(
        [
            element(
                whole, alt=f"first frame of virtual subject {recording.subject} with the face box",
                raster=True,
            ),
            element(small, alt="adjacent preprocessed frames: appearance and motion", raster=True),
        ],
        caption,
        width_px=400,
    )


def _unseen(curated: TrainingData, metrics: dict) -> list[CuratedVideo]:
    """Give the virtual recordings that the networks of these pictures, the first fold's, never saw.
    """
    return [r for r in curated.test if r.simulated and r.subject in metrics["folds"][0]["test"]]


def _made(metrics: dict) -> str:
    pre = metrics["preprocessing"]
    return (
        f"The box is that of {text(pre['detector'])} in the first frame, enlarged "
        f"{pre['enlarge']:g} times and held; what "
        f"is in it is averaged to {pre['size']}×{pre['size']}."
    )


def attention(curated: TrainingData, teacher: Teacher, metrics: dict) -> str:
    """Lay the teacher's two masks over virtual subjects' faces; of real people give the masks
    alone.
    """
    firsts = {r.subject: r for r in reversed(_unseen(curated, metrics))}
    virtual = [firsts[subject] for subject in sorted(firsts)][:FACES]
    shown = virtual or curated.test[:1]
    drawings = []
    for recording in shown:
        masks = _masks(teacher, recording)
        figure = Figure(figsize=(5.2, 2.75))
        axes = figure.subplots(
            1, 2,
            gridspec_kw={"left": 0.01, "right": 0.86, "bottom": 0.02, "top": 0.9, "wspace": 0.04},
        )
        for axis, mask in zip(axes, masks, strict=True):
            size = len(mask)
            if virtual:
                face = recording.appearance[0].numpy().mean(axis=2)
                axis.imshow(face, cmap="gray", vmin=0, vmax=255, extent=(0, size, size, 0))
            # else vectors leave seams
            look: dict[str, Any] = {"alpha": 0.6} if virtual else {"edgecolors": "face", "lw": 0.4}
            laid = axis.pcolormesh(mask, cmap="magma", vmin=0, vmax=1, **look)
            axis.set(xlim=(0, size), ylim=(size, 0), aspect="equal")
            _bare(axis, f"{recording.subject if virtual else 'mask'}, {size}×{size}")
        bar = figure.colorbar(laid, cax=figure.add_axes((0.88, 0.06, 0.025, 0.8)))
        bar.outline.set_visible(False)
        assert bar.solids is not None
        # no pixels in a report on real people, not even of a scale
        bar.solids.set(rasterized=False, edgecolor="face")
        bar.ax.tick_params(labelsize=8)
        where = (
            f" over the face of virtual subject {recording.subject}"
            if virtual
            else ", without a face"
        )
        alt = f"the teacher's attention masks{where}"
        drawings.append(element(figure, alt=alt, raster=bool(virtual)))
    over = "over the grey first frame" if virtual else "alone, for real faces are not shown"
    which = f"seed {metrics['recipe']['seed']}" + (
        ", first fold" if len(metrics["folds"]) > 1 else ""
    )
    said = (
        ", ".join(f"{text(r.subject)} ({text(r.folder)})" for r in shown)
        if virtual
        else "one test recording"
    )
    return panels(
        drawings,
        f"The masks by which the teacher weighs its motion features at 36×36 and 18×18, {over}: "
        "mean over "
        f"{SAMPLED} frames spread over {said}; 0.5 is the mean of every mask, and what is brighter "
        "counts "
        f"more; 1 and above are one colour. Teacher of {which}; {hashes(metrics)}.",
        width_px=400,
    )


def _masks(teacher: Teacher, recording: CuratedVideo) -> list[np.ndarray]:
    """Give the two masks, (36, 36) and (18, 18), mean over frames spread over the recording."""
    every = max(1, len(recording.appearance) // SAMPLED)
    with torch.no_grad():
        return [
            m.mean(dim=0)[0].numpy()
            for m in teacher.eval().masks(as_input(recording.appearance[::every][:SAMPLED], 255))
        ]


def _lively(recording: CuratedVideo) -> np.ndarray:
    """Choose adjacent pairs where the pulse moves most: a beat's upstroke, not a rest."""
    change = np.abs(np.nan_to_num(recording.ppg_change.numpy()))
    begin = int(np.argmax(np.convolve(change, np.ones(ADJACENT), "valid")))
    return np.arange(begin, begin + ADJACENT)


def _bare(axis: Any, title: str) -> None:
    axis.set(xticks=[], yticks=[])
    axis.set_title(title, fontsize=9.5)
    axis.grid(visible=False)
