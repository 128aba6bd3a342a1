"""Public data sets into ordinary sessions: UBFC-rPPG DATASET_1 and DATASET_2, and PURE.

One folder of a set becomes one session file, pixels bit for bit, one frame at a time in memory. It
is made under `data/.import-partial` and renamed when whole. What is wrong with a folder is an event
of its session; a folder that becomes none is named with the reason. A session that came from the
very same files is kept.
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from acquire import data_folder
from acquire.camera.source import CameraInfo, VideoFrame
from acquire.errors import CurationError, SessionError
from acquire.sensor.protocol import Hello
from acquire.session.structure import ImportOrigin
from acquire.session.writer import SessionWriter
from dataset.common.files import sha256_of
from dataset.common.workers import Outcome, Workers, work_through
from dataset.layouts.ubfc import LABELS, VIDEO
from dataset.session.reader import Session

from . import pure
from .published import Recording
from .ubfc import DUMP, read_dataset_1, read_dataset_2

DEFECT, SOURCE = "import_defect", "import_source"
PARTIAL = ".import-partial"
_LOWEST, _HIGHEST = 8192, 57344          # of full scale 65535: nothing published looks clipped
_FRAMES_PER_FLUSH = 50


@dataclass(frozen=True)
class PublicSet:
    """How a public set is laid out."""

    title: str
    folder: re.Pattern[str]
    pattern: str                                       # the same for people
    prefix: str                                        # of subjects
    read: Callable[[Path], Recording]
    sources: Callable[[Path], list[tuple[str, str]]]   # name and SHA-256


@dataclass(frozen=True)
class Task:
    """One folder to import; what a worker gets."""

    set: str
    folder: Path
    data: Path
    prefix: str
    force: bool


@dataclass(frozen=True)
class Import:
    """What became of one folder."""

    folder: str
    session: str
    subject: str
    frames: int
    samples: int
    lost_frames: int
    lost_samples: int
    defects: tuple[str, ...]
    kept: bool               # it was there already, from the same files


def _files(*names: str) -> Callable[[Path], list[tuple[str, str]]]:
    return lambda folder: [
        (name, sha256_of(folder / name)) for name in names if (folder / name).is_file()
    ]


def _pure_files(folder: Path) -> list[tuple[str, str]]:
    label = pure.label_file(folder)
    pictures = pure.picture_files(folder)
    digest = hashlib.sha256(
        "".join(f"{sha256_of(path)} {path.name}\n" for path in pictures).encode()
    ).hexdigest()
    return [(label.name, sha256_of(label))] * label.is_file() + [
        (f"{len(pictures)} pictures", digest)
    ]


SETS = {
    "ubfc1": PublicSet(
        "UBFC-rPPG DATASET_1", re.compile(r"\d{1,4}-gt"), "<int>-gt", "UBFC1-", read_dataset_1,
        _files(VIDEO, DUMP),
    ),
    "ubfc2": PublicSet(
        "UBFC-rPPG DATASET_2", re.compile(r"subject\d{1,4}"), "subject<int>", "UBFC2-",
        read_dataset_2, _files(VIDEO, LABELS),
    ),
    "pure": PublicSet("PURE", pure.FOLDER, "NN-NN", "PURE-", pure.read_pure, _pure_files),
}


def find_set(root: Path) -> str:
    """Tell which set lies under `root`, by the names of its folders.

    Raises
    ------
    CurationError : it is no folder, or its folders are of no set or of several
    """
    if not root.is_dir():
        raise CurationError(f"expected a folder that holds a public data set, found none at {root}")
    names = [path.name for path in root.iterdir() if path.is_dir()]
    found = [key for key, one in SETS.items() if any(one.folder.fullmatch(name) for name in names)]
    if len(found) != 1:
        patterns = ", ".join(f"{one.pattern} ({key})" for key, one in SETS.items())
        held = ", ".join(sorted(names)[:5]) or "no folder"
        raise CurationError(
            f"expected folders of one set, {patterns}, found {held} in {root}; name the folder "
            "right above them, or --set"
        )
    return found[0]


def import_set(
    root: Path, data: Path, *, which: str | None = None, prefix: str | None = None,
    force: bool = False, workers: Workers | None = None,
) -> Iterator[tuple[Path, Outcome[Import]]]:
    """Import every folder of a public set under `root`; yield each with what became of it, in the
    order they end.

    Parameters
    ----------
    which : a key of `SETS`; None finds out
    prefix : of the subjects' names, instead of the set's own; their number in the set follows
    force : replace sessions that were made from other files

    Raises
    ------
    CurationError : there is no such set under `root`, or the prefix makes no subject's name
    """
    which = which or find_set(root)
    one = SETS[which]
    prefix = one.prefix if prefix is None else prefix
    if not data_folder.is_subject_id(f"{prefix}0000"):
        raise CurationError(
            f"expected a prefix of letters, digits, - and _, found {prefix!r}; name another "
            "--subject-prefix"
        )
    folders = sorted(path for path in root.iterdir() if path.is_dir())
    tasks = [
        Task(which, path, data, prefix, force)
        for path in folders
        if one.folder.fullmatch(path.name)
    ]
    for path in folders:
        if not one.folder.fullmatch(path.name):
            yield (
                path,
                Outcome(
                    None,
                    f"expected a folder {one.pattern} of {one.title}, found another name; rename "
                    "it if it is",
                ),
            )
    if not tasks:
        yield (
            root,
            Outcome(
                None,
                f"expected folders {one.pattern} of {one.title}, found none; name the folder right "
                "above them",
            ),
        )
    for at, outcome in work_through(import_folder, tasks, workers=workers or Workers()):
        yield tasks[at].folder, outcome
    with suppress(OSError):
        (data / PARTIAL).rmdir()


def import_folder(task: Task) -> Import:
    """Import one folder.

    Raises
    ------
    CurationError : the folder holds no recording, or another session has its name
    SessionError : the session cannot be written
    """
    one = SETS[task.set]
    recording = one.read(task.folder)
    subject, session_id = f"{task.prefix}{recording.subject}", f"{task.prefix}{recording.session}"
    target = (
        data_folder.sessions_dir(task.data) / subject / f"{session_id}{data_folder.SESSION_SUFFIX}"
    )
    sources = [f"{name} sha256 {digest}" for name, digest in one.sources(task.folder)]
    if target.exists() and (kept := _kept(target, one.title, sources, task)):
        return kept
    partial = task.data / PARTIAL / target.name
    partial.parent.mkdir(parents=True, exist_ok=True)
    partial.unlink(missing_ok=True)
    try:
        _write(recording, partial, one.title, subject, session_id, sources)
        with Session(partial) as session:
            made = _of(session, task.folder, kept=False)
        target.parent.mkdir(parents=True, exist_ok=True)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return made


def _kept(target: Path, title: str, sources: Sequence[str], task: Task) -> Import | None:
    """Give what is there where it was made from the same files; None where it is to be replaced."""
    try:
        with Session(target) as session:
            same = session.imported_from == title and [
                e.text for e in session.events if e.kind == SOURCE
            ] == list(sources)
            if same:
                return _of(session, task.folder, kept=True)
            found = f"one of {session.imported_from or 'acq itself'}"
    except SessionError as error:
        found = f"one that cannot be read ({error})"
    if not task.force:
        raise CurationError(
            f"expected no session or one of the same files, found {found} at {target}; say --force "
            "to replace it"
        )
    return None


def _of(session: Session, folder: Path, *, kept: bool) -> Import:
    defects = tuple(event.text for event in session.events if event.kind == DEFECT)
    return Import(
        folder.name, session.session_id, session.subject, len(session.frames), len(session.ppg),
        session.lost_frames, session.lost_samples, defects, kept,
    )


def _write(
    recording: Recording, path: Path, title: str, subject: str, session_id: str,
    sources: Sequence[str],
) -> None:
    camera = CameraInfo(
        f"import:{title}", recording.width, recording.height, recording.fps, "RGB",
        recording.time_meaning,
    )
    hello = Hello(0, 0, 0, 0, 0, 10**9, round(1e9 / recording.sample_times.step_ns), 0, 0)
    with SessionWriter(
        path, session_id=session_id, subject=subject, camera=camera, hello=hello, port="",
        simulated=False, started_unix_ns=recording.started_unix_ns,
        started_monotonic_ns=recording.started_ns, imported=ImportOrigin(title, recording.sensor),
    ) as writer:
        lost_samples = _add_samples(writer, recording)
        next_frame = 0
        odd = []
        for picture in recording.pictures:
            if picture.rgb.shape != camera.image_shape:
                odd.append(picture.index)
                continue
            time_ns, stamp_ns = recording.frame_at(picture.index)
            writer.add_frame(VideoFrame(picture.rgb, time_ns, stamp_ns, picture.index))
            next_frame = picture.index + 1
            if writer.frames % _FRAMES_PER_FLUSH == 0:
                writer.flush()
        if odd:
            recording.defects.append(
                f"{len(odd)} frames are of another size than the video, the first is {odd[0]}; "
                "left out"
            )
        if writer.frames < 2:
            raise CurationError(
                f"expected pictures, found {writer.frames} in {recording.folder}; get the folder "
                "again"
            )
        expected = max(recording.frames or 0, next_frame)
        if recording.frames and next_frame < recording.frames:
            recording.defects.append(
                f"the video ends after {next_frame} of {recording.frames} frames"
            )
        elif (
            recording.frames and next_frame > recording.frames and recording.frame_times is not None
        ):
            recording.defects.append(
                f"{next_frame - recording.frames} frames have no published time; they go on at the "
                "median step"
            )
        lost_frames = expected - writer.frames
        for text in sources:
            writer.add_event(recording.started_ns, SOURCE, text)
        for text in recording.defects:
            writer.add_event(recording.started_ns, DEFECT, text)
        writer.add_event(recording.started_ns, "stopped", "end of what was published")
        writer.close(
            complete=not lost_frames and not lost_samples, lost_frames=lost_frames,
            lost_samples=lost_samples,
        )


def _add_samples(writer: SessionWriter, recording: Recording) -> int:
    """Write the samples; give how many lack."""
    numbers = recording.samples
    kept = np.flatnonzero(np.isfinite(numbers.ppg))
    if len(kept) < 2:
        raise CurationError(
            f"expected PPG, found {len(kept)} values in {recording.folder}; get the folder again"
        )
    low, high = float(numbers.ppg[kept].min()), float(numbers.ppg[kept].max())
    scale = (_HIGHEST - _LOWEST) / (high - low) if high > low else 0.0
    if not np.isfinite(scale):
        raise CurationError(
            f"expected PPG of a usable range, found {low:g} to {high:g} in {recording.folder}"
        )
    for index in kept.tolist():
        time_ns, stamp_ns = recording.sample_times.at(index)
        ppg = float(numbers.ppg[index])
        writer.add_sample(
            sequence=index, ticks=time_ns, value=round(_LOWEST + (ppg - low) * scale), flags=0,
            arrival_ns=stamp_ns, time_ns=time_ns, bound_ns=-1,
            published=(ppg, float(numbers.hr_bpm[index]), float(numbers.spo2[index])),
        )
    return max(len(numbers.ppg), len(recording.sample_times.time_ns)) - len(kept)
