"""What is wrong with a dataset, looked for before a single step of training."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from acquire.errors import CurationError, Fix, SplitError, TrainingError, apart
from dataset.common.wording import counted
from dataset.layouts.manifest import SIDES, Entry
from dataset.layouts.ubfc import LABELS
from dataset.signals.filters import HIGH_HZ, LOW_HZ, WINDOW_S
from dataset.signals.windows import even_grid, trusted_windows

from .videos import CuratedVideo

SHORTEST_S = 5.0        # a shorter video holds too few heartbeats to learn from
_IN_MANIFEST = "in the manifest"


def check_manifest_split(entries: Sequence[Entry], *, allow_mixed: bool = False) -> None:
    """Refuse manifest entries that would leak a subject, or cannot be trained on.

    `read_manifest` refuses a leak too; it is looked for again here, because no other mistake makes
    figures look so good.

    Raises
    ------
    SplitError : a subject is on both sides, or a side is empty
    TrainingError : there is only one subject, or virtual and real recordings stand together
    """
    sides = {side: {entry.subject for entry in entries if entry.side == side} for side in SIDES}
    shared = sorted(sides["train"] & sides["test"])
    if shared:
        raise SplitError(
            expected="every subject on one side",
            found=f"{', '.join(shared)} in train and in test", where=_IN_MANIFEST,
            fix=Fix.SPLIT_AND_CONVERT_AGAIN,
        )
    subjects = sides["train"] | sides["test"]
    if len(subjects) < 2:
        raise TrainingError(
            expected="at least two subjects, one of them held out",
            found=", ".join(subjects) or "none", where=_IN_MANIFEST, fix="record another subject",
        )
    for side, names in sides.items():
        if not names:
            raise SplitError(
                expected=f"a subject in {side}", found="none", where=_IN_MANIFEST, fix=Fix.HOLD_OUT
            )
    if len({entry.source.simulated for entry in entries}) > 1 and not allow_mixed:
        virtual = sorted({entry.subject for entry in entries if entry.source.simulated})
        raise TrainingError(
            expected="virtual or real recordings",
            found=f"both (virtual ones of {', '.join(virtual)})", where=_IN_MANIFEST,
            fix=Fix.ALLOW_MIXED,
        )


def check_no_copies(entries: Sequence[Entry]) -> None:
    """Refuse the same pixels or labels under two subjects, which would be one person.

    Raises
    ------
    SplitError : they are there
    """
    first_with: dict[tuple[str, str], Entry] = {}
    for entry in entries:
        for what, content in (("video", entry.video.pixels_hash), ("labels", entry.labels.sha256)):
            first = first_with.setdefault((what, content), entry)
            if first.subject != entry.subject:
                raise SplitError(
                    expected="what was recorded of a person under one subject",
                    found=f"{first.folder} of {first.subject} and {entry.folder} of "
                          f"{entry.subject} with the same {what}",
                    where=_IN_MANIFEST, fix=Fix.EXCLUDE, of=entry.session,
                )


def check_labels(folder: Path, ppg: np.ndarray, *, time_s: np.ndarray, session: str = "") -> None:
    """Refuse labels that nothing can be learnt from.

    Parameters
    ----------
    session : the id of the curated session; "" where the folder is of a published dataset

    Raises
    ------
    CurationError : the times fall
    TrainingError : the PPG does not vary, or is too short
    """
    if not len(ppg) or np.ptp(ppg) == 0:
        raise TrainingError(
            expected="a PPG that varies, of a sensor on the finger",
            found=f"the same value {len(ppg)} times", where=folder / LABELS, **_leave_out(session),
        )
    if (np.diff(time_s) < 0).any():
        raise CurationError(
            expected="rising seconds in the third row", found="seconds that fall",
            where=folder / LABELS, fix=Fix.CONVERT_AGAIN if session else "get the file again",
        )
    if time_s[-1] - time_s[0] < SHORTEST_S:
        raise TrainingError(
            expected=f"at least {SHORTEST_S:g} s",
            found=f"{apart(time_s[-1] - time_s[0], SHORTEST_S)} s",
            where=folder, **_leave_out(session),
        )


def check_measurable(folder: Path, time_s: np.ndarray, *, session: str = "") -> None:
    """Refuse a video to test on in which no heart rate could be compared, by its frame times.

    Parameters
    ----------
    session : as in `check_labels`

    Raises
    ------
    TrainingError : it is too slow for the heart-rate band, or has no window without a gap
    """
    _, fs_hz = even_grid(time_s)
    if fs_hz <= 2 * HIGH_HZ:
        raise TrainingError(
            expected=f"more than {2 * HIGH_HZ:g} frames/s, for a heart-rate band of "
                     f"{LOW_HZ:g}-{HIGH_HZ:g} Hz",
            found=apart(fs_hz, 2 * HIGH_HZ, digits=2), where=folder, **_leave_out(session),
        )
    if not trusted_windows(time_s).any():
        raise TrainingError(
            expected=f"{WINDOW_S:g} s without a gap, to compare heart rates in",
            found=f"none in {time_s[-1] - time_s[0]:.1f} s", where=folder, **_leave_out(session),
        )


def check_has_finger(video: CuratedVideo, folder: Path, *, is_published: bool = False) -> None:
    """Refuse a video to test on without a window in which the finger's rate can be told.

    Parameters
    ----------
    is_published : the folder is of a published dataset, not of a curated session

    Raises
    ------
    TrainingError : it has none
    """
    reference = video.reference
    if not reference.is_used.any():
        count = reference.without_finger
        raise TrainingError(
            expected="a finger whose heart rate can be told, to compare with",
            found=f"none in {count} windows of {WINDOW_S:g} s", where=folder,
            **_leave_out("" if is_published else video.session),
        )


def check_any_finger(videos: Sequence[CuratedVideo]) -> None:
    """Refuse videos to train on of which none has a window in which the finger's rate can be told.

    The mean of these rates is what every method is held against.

    Raises
    ------
    TrainingError : none has
    """
    if not any(video.reference.is_used.any() for video in videos):
        raise TrainingError(
            expected=f"a window of {WINDOW_S:g} s in which the finger's heart rate can be told",
            found=f"none in {counted(len(videos), 'video')} to train on",
            fix="record longer sessions, with the finger still",
        )


def _leave_out(session: str) -> dict:
    """Return the advice to leave a video out: an excluded session, or a folder moved away."""
    return {"fix": Fix.EXCLUDE, "of": session} if session else {"fix": "move the folder away"}
