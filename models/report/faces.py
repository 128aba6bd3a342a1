"""What the networks see, and where the teacher looks: their input, attention masks over the face.

A virtual subject's face is shown. Of real people no pixel is: their masks stand alone.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from dataset.common.drawings import TEAL, Drawing, as_png, as_svg
from models.data.clips import as_input
from models.data.videos import CuratedVideo, TrainingData
from models.nets.can import Teacher

from .method import title_of_other_teacher
from .sections import section

if TYPE_CHECKING:
    from markupsafe import Markup

FACES = 3                # subjects over whose faces masks are laid
ADJACENT = 4             # preprocessed frames shown
SAMPLED = 32             # frames of a recording over which a mask is averaged
WIDTH = 5.2              # of a drawing [inches]


def frames(curated: TrainingData, metrics: dict) -> "Markup":
    """Show the first frame with its box, and adjacent frames as the networks see them.

    Of real people nothing is shown; the section says why.
    """
    virtual = _unseen(curated, metrics)
    drawings = []
    if virtual:
        drawings = [_draw_first_frame(virtual[0]), _draw_adjacent_frames(virtual[0])]
    return section(
        "faces", "frames", metrics=metrics, drawings=drawings, video=next(iter(virtual), None),
        other_teacher=title_of_other_teacher(metrics),
    )


def _draw_first_frame(video: CuratedVideo) -> Drawing:
    image = next(video.pictures())[:, :, ::-1]
    height, width = image.shape[:2]
    scaled, title = WIDTH * height / width, 0.3
    figure = Figure(figsize=(WIDTH, title + scaled))
    axis = figure.add_axes((0, 0, 1, scaled / (title + scaled)))
    axis.imshow(image)
    box = video.box
    axis.add_patch(
        Rectangle(
            (box.left, box.top), box.right - box.left, box.bottom - box.top, fill=False, lw=1.8,
            ec=TEAL,
        )
    )
    _bare(axis, "first frame, and the box that is held")
    return as_png(figure, alt=f"first frame of virtual subject {video.subject} with the face box")


def _draw_adjacent_frames(video: CuratedVideo) -> Drawing:
    chosen = _steepest_pairs(video)
    motion = video.motion[chosen].float().numpy()
    rows = {
        "appearance": video.appearance[chosen].numpy(), "motion": np.clip(0.5 + motion / 4, 0, 1),
    }
    figure = Figure(figsize=(WIDTH, 2.75))
    grid = figure.add_gridspec(
        len(rows), ADJACENT, left=0.07, right=0.99, bottom=0.02, top=0.9, wspace=0.05, hspace=0.08
    )
    for row, (title, pictures) in enumerate(rows.items()):
        for column, picture in enumerate(pictures):
            axis = figure.add_subplot(grid[row, column])
            axis.imshow(picture)
            time_s = video.time_s[chosen[column]] - video.time_s[0]
            _bare(axis, f"{time_s:.2f} s" if row == 0 else "")
            if column == 0:
                axis.set_ylabel(title, fontsize=10)
    return as_png(figure, alt="adjacent preprocessed frames: appearance and motion")


def attention(curated: TrainingData, teacher: Teacher, metrics: dict) -> "Markup":
    """Lay the teacher's two masks over virtual subjects' faces; of real people show masks alone."""
    firsts = {video.subject: video for video in reversed(_unseen(curated, metrics))}
    virtual = [firsts[subject] for subject in sorted(firsts)][:FACES]
    shown = virtual or curated.test[:1]
    return section(
        "faces", "attention", metrics=metrics, is_virtual=bool(virtual), videos=shown,
        sampled=SAMPLED,
        drawings=[
            _draw_masks(_masks(teacher, video), video if virtual else None) for video in shown
        ],
    )


def _draw_masks(masks: list[np.ndarray], video: CuratedVideo | None) -> Drawing:
    """Draw masks over the first frame of a video; alone, and without a single pixel, for None."""
    figure = Figure(figsize=(WIDTH, 2.75))
    axes = figure.subplots(
        1, 2, gridspec_kw={"left": 0.01, "right": 0.86, "bottom": 0.02, "top": 0.9, "wspace": 0.04}
    )
    # opaque cells of vectors leave seams unless their edges have the same colour
    look: dict[str, Any] = {"alpha": 0.6} if video else {"edgecolors": "face", "lw": 0.4}
    meshes = []
    for axis, mask in zip(axes, masks, strict=True):
        size = len(mask)
        if video:
            face = video.appearance[0].numpy().mean(axis=2)
            axis.imshow(face, cmap="gray", vmin=0, vmax=255, extent=(0, size, size, 0))
        meshes.append(axis.pcolormesh(mask, cmap="magma", vmin=0, vmax=1, **look))
        axis.set(xlim=(0, size), ylim=(size, 0), aspect="equal")
        _bare(axis, f"{video.subject if video else 'mask'}, {size}×{size}")
    scale = figure.colorbar(meshes[-1], cax=figure.add_axes((0.88, 0.06, 0.025, 0.8)))
    scale.outline.set_visible(False)
    assert scale.solids is not None
    scale.solids.set(rasterized=False, edgecolor="face")
    scale.ax.tick_params(labelsize=8)
    if video is None:
        return as_svg(figure, alt="the teacher's attention masks, without a face")
    alt = f"the teacher's attention masks over the face of virtual subject {video.subject}"
    return as_png(figure, alt=alt)


def _unseen(curated: TrainingData, metrics: dict) -> list[CuratedVideo]:
    """Return the virtual videos that the first fold's networks, which are shown, never saw."""
    tested = metrics["folds"][0]["test"]
    return [video for video in curated.test if video.simulated and video.subject in tested]


def _masks(teacher: Teacher, video: CuratedVideo) -> list[np.ndarray]:
    """Return the two masks, (36, 36) and (18, 18), mean over frames spread over the video."""
    step = max(1, len(video.appearance) // SAMPLED)
    frames = as_input(video.appearance[::step][:SAMPLED], 255)
    with torch.no_grad():
        return [mask.mean(dim=0)[0].numpy() for mask in teacher.eval().masks(frames)]


def _steepest_pairs(video: CuratedVideo) -> np.ndarray:
    """Choose adjacent pairs where the pulse moves most: a beat's upstroke, not a rest."""
    change = np.abs(np.nan_to_num(video.ppg_change.numpy()))
    first = int(np.argmax(np.convolve(change, np.ones(ADJACENT), "valid")))
    return np.arange(first, first + ADJACENT)


def _bare(axis: Axes, title: str) -> None:
    axis.set(xticks=[], yticks=[])
    axis.set_title(title, fontsize=9.5)
    axis.grid(visible=False)
