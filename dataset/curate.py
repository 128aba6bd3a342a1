"""Sessions into curated UBFC folders, after the split.

A folder is built under `data/.ubfc-partial`, decoded again, compared, and only then renamed into place. The manifest is written
first: with the new entry, or with the folders that are about to be removed, and with `complete` false. So at any moment each
folder of ours is listed, an interrupted conversion goes on where it was, and what is not listed is somebody else's and never
removed. Folder numbers are remembered apart from the entries: a session keeps its number, whatever becomes of its folder.
"""

import shutil
from collections.abc import Iterable
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

import numpy as np

from acquire import layout
from acquire.errors import CurationError

from .align import COVERED, HOLE, WHY_NOT, AlignedPpg, check_rising, ppg_on_frames
from .manifest import MANIFEST, SIDES, Entry, Manifest, read_manifest, write_manifest
from .session import Session, rate_hz
from .signals import FILTER_ORDER, HIGH_HZ, LOW_HZ, WINDOW_S
from .split import OnProgress, SessionIdentity, Split, check_sessions, identify_sessions, read_split
from .ubfc import VIDEO, check_folder, check_video_bytes, write_labels
from .video import CODECS, VideoWriter, check_video, sha256_of

FILTER = {
    "kind": "Butterworth band-pass, forwards and backwards", "order": FILTER_ORDER, "low_hz": LOW_HZ, "high_hz": HIGH_HZ,
    "over": "each run of samples without a hole, before cutting",
    "heart_rate": f"spectral peak in sliding {WINDOW_S:g} s windows",
}
PARTIAL = ".ubfc-partial"
_SPARE_BYTES = 64 * 2**20


@dataclass(frozen=True)
class Conversion:
    """What `convert_sessions` did."""

    manifest: Manifest
    written: tuple[str, ...]     # folders made now
    kept: tuple[str, ...]        # folders that were there already


@dataclass(frozen=True)
class _Job:
    """One session and the folder it goes to."""

    session: SessionIdentity
    side: str
    folder: str
    place: str | None            # the folder where an earlier conversion put it
    old: Entry | None            # the entry that the folder was made with, where it can stay

    @property
    def stays(self) -> bool:
        """The folder is there, whole, on the right side."""
        return self.old is not None and self.place == self.folder


def convert_sessions(
    data: Path,
    *,
    fold: int | None = None,
    codec: str | None = None,
    force: bool = False,
    on_progress: OnProgress | None = None,
) -> Conversion:
    """Write every session of the split into `data/ubfc` and check what was written.

    Parameters
    ----------
    fold : which fold of the split, from 1; may be left out where there is one
    codec : one of `dataset.video.CODECS`; None keeps the codec of the conversion that is there, or is rawvideo
    force : replace folders that another split, codec or version of a session made

    Raises
    ------
    SplitError : no split, one that leaks, or one made from other sessions
    SessionError : a session cannot be read
    CurationError : something would be overwritten, does not fit on the disk, has no usable PPG, or decodes to other pixels
    """
    if codec is not None and codec not in CODECS:
        raise ValueError(f"expected one of {CODECS}, got {codec!r}")
    split = read_split(layout.split_file(data))
    check_sessions(split, identify_sessions(data, on_progress=on_progress), layout.split_file(data))
    fold = _choose_fold(split, fold)
    root = layout.ubfc_dir(data)
    old = read_manifest(root / MANIFEST) if (root / MANIFEST).exists() else None
    codec = codec or (old.codec if old else CODECS[0])
    if codec not in CODECS:
        raise CurationError(
            f"expected {' or '.join(CODECS)} as the codec in {root / MANIFEST}, found {codec!r}; name one with --codec"
        )
    numbers = dict(old.numbers) if old else {}
    for session in split.sessions:
        numbers.setdefault(session.session, max(numbers.values(), default=0) + 1)
    jobs = _plan(split, fold, codec=codec, numbers=numbers, old=old, root=root, force=force, on_progress=on_progress)
    stay = {job.folder for job in jobs if job.stays}
    manifest = Manifest(
        version("acq"), split.hash, fold, len(split.folds), FILTER, codec, complete=False, numbers=numbers,
        stale=tuple(name for name in _present(root) if name not in stay), entries=(),
    ).with_entries([job.old for job in jobs if job.old], complete=False)
    todo = [job for job in jobs if job.old is None]
    if not todo and old and old.complete and manifest.with_entries(manifest.entries, complete=True) == old:
        return Conversion(old, (), tuple(job.folder for job in jobs))

    progress = _Progress(on_progress, total=_check_space(data, todo, codec))
    root.mkdir(parents=True, exist_ok=True)
    write_manifest(manifest, root / MANIFEST)
    if manifest.stale:
        _clear(root, manifest.stale, jobs)
        manifest = replace(manifest, stale=())
        write_manifest(manifest, root / MANIFEST)
    partial = data / PARTIAL
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    try:
        for job in todo:
            folder = partial / job.folder.replace("/", "-")
            with Session(data / job.session.file) as session:
                entry = write_recording(session, folder, job.folder, identity=job.session, codec=codec, progress=progress)
            manifest = manifest.with_entries([*manifest.entries, entry], complete=False)
            write_manifest(manifest, root / MANIFEST)
            (root / job.side).mkdir(exist_ok=True)
            folder.rename(root / job.folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    manifest = manifest.with_entries(manifest.entries, complete=True)
    write_manifest(manifest, root / MANIFEST)
    return Conversion(manifest, tuple(job.folder for job in todo), tuple(job.folder for job in jobs if job.old))


class _Progress:
    """Frames written and checked, over all sessions."""

    def __init__(self, on_progress: OnProgress | None, *, total: int) -> None:
        self._call, self._total = on_progress, total
        self._done = {"writing frames": 0, "checking frames": 0}

    def step(self, stage: str, count: int = 1) -> None:
        self._done[stage] += count
        if self._call and (self._done[stage] % 25 == 0 or self._done[stage] >= self._total):
            self._call(stage, self._done[stage], self._total)


def write_recording(
    session: Session, folder: Path, name: str, *, identity: SessionIdentity, codec: str, progress: _Progress
) -> Entry:
    """Write one session as a UBFC folder, decode it again and compare; give its manifest entry, to be called `name`."""
    aligned = _align(session)
    kept = np.flatnonzero(aligned.covered)
    time_ns = session.frame_light_ns[kept]
    time_s = (time_ns - time_ns[0]) / 1e9
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    frames, path = session.frames, folder / VIDEO
    bgr = np.empty((frames.height, frames.width, 3), np.uint8)
    with VideoWriter(path, codec=codec, width=frames.width, height=frames.height, fps=rate_hz(time_ns)) as video:
        for index in kept:
            video.add(frames.read_into(int(index), bgr, bgr=True))
            progress.step("writing frames")
        progress.step("writing frames", len(frames) - len(kept))
    check_video(path, video.pixels, on_frame=lambda _: progress.step("checking frames"))
    progress.step("checking frames", len(frames) - len(kept))
    labels_hash = write_labels(folder, aligned.ppg[kept], hr_bpm=aligned.hr_bpm[kept], time_s=time_s)
    return Entry(
        folder=name, side=name.partition("/")[0], subject=session.subject, session=session.session_id,
        session_hash=identity.hash, simulated=session.simulated, session_complete=session.complete,
        frames=len(kept), width=frames.width, height=frames.height,
        fps=rate_hz(time_ns), duration_s=float(time_s[-1]), hr_bpm=round(float(aligned.hr_bpm[kept].mean()), 3),
        ppg_rate_hz=aligned.fs_hz, sync_bound_ms=float(session.ppg_bound_ns.max()) / 1e6,
        lost_frames=session.lost_frames, lost_samples=session.lost_samples,
        light_offset_ms=None if session.light_offset_ns is None else session.light_offset_ns / 1e6,
        trimmed=_trimmed(session, aligned.cover), codec=codec, filter=FILTER,
        video_hash=video.pixels.hexdigest, video_bytes=path.stat().st_size, video_sha256=sha256_of(path), labels_hash=labels_hash,
    )


def _align(session: Session) -> AlignedPpg:
    where = f"in session {session.session_id}, {session.path}"
    try:
        check_rising(session.frame_light_ns, "frame")
        sure = session.ppg_bound_ns >= 0          # a sample whose time nobody vouches for is a hole
        aligned = ppg_on_frames(
            session.ppg[sure], session.ppg_time_ns[sure], session.ppg_sequence[sure], session.frame_light_ns
        )
    except CurationError as error:
        raise CurationError(f"{error} ({where}); or move the file away and split again") from error
    count = int(aligned.covered.sum())
    if count < 2:
        raise CurationError(f"expected frames and PPG at the same time, found {count} such frames {where}; record it again")
    if not np.isfinite(aligned.hr_bpm[aligned.covered]).all():
        raise CurationError(f"expected a pulse, found PPG that is flat {where}; record it again")
    return aligned


def _trimmed(session: Session, cover: np.ndarray) -> list[dict]:
    """List the stretches of frames that have no PPG, and why."""
    sure = np.flatnonzero(session.ppg_bound_ns >= 0)
    sure_ns, frame_ns = session.ppg_time_ns[sure], session.frame_light_ns
    found = []
    for part in np.split(np.arange(len(cover)), np.flatnonzero(np.diff(cover)) + 1):
        first, last = int(part[0]), int(part[-1])
        if cover[first] == COVERED:
            continue
        reason = WHY_NOT[int(cover[first])]
        if cover[first] == HOLE:
            before = sure[np.searchsorted(sure_ns, frame_ns[first], side="right") - 1]
            after = sure[np.searchsorted(sure_ns, frame_ns[last])]
            if (session.ppg_bound_ns[before:after] < 0).any():
                reason = "samples had no bound on their time"
        found.append({"first": first, "frames": len(part), "reason": reason})
    return found


def _choose_fold(split: Split, fold: int | None) -> int:
    count = len(split.folds)
    if fold is None and count > 1:
        raise CurationError(f"expected --fold 1 to {count}, got none; the split has {count} folds and data/ubfc holds one")
    if fold is not None and not 1 <= fold <= count:
        raise CurationError(f"expected --fold 1 to {count}, got {fold}; acq split --folds K makes K")
    return fold or 1


def _plan(
    split: Split, fold: int, *, codec: str, numbers: dict[str, int], old: Manifest | None, root: Path, force: bool,
    on_progress: OnProgress | None,
) -> list[_Job]:
    """Say which session goes to which folder and which folders can stay; refuse to overwrite without `force`."""
    before = {entry.session: entry for entry in old.entries} if old else {}
    listed = {entry.folder for entry in before.values()} | set(old.stale if old else ())
    if foreign := [name for name in _present(root) if name not in listed]:
        raise CurationError(f"expected only folders of {MANIFEST}, found {', '.join(foreign[:3])} in {root}; move it away")
    jobs = []
    for at, session in enumerate(split.sessions):
        entry = before.get(session.session)
        side = split.side_of(session.subject, fold)
        folder = f"{side}/subject{numbers[session.session]}"
        keep = None
        if entry and (entry.session_hash, entry.codec, entry.filter) == (session.hash, codec, FILTER) and _is_whole(root, entry):
            keep = replace(entry, folder=folder, side=side)
        jobs.append(_Job(session, side, folder, entry.folder if entry else None, keep))
        if before and on_progress:
            on_progress("checking folders", at + 1, len(split.sessions))
    stay = {job.folder for job in jobs if job.stays}
    changed = sorted(e.folder for e in before.values() if e.folder not in stay and (root / e.folder).exists())
    if changed and not force:
        raise CurationError(
            f"expected to add folders only, found {len(changed)} that would change ({', '.join(changed[:3])}) in {root}: another "
            "split, codec or recording made them, or they are damaged; say --force to replace them"
        )
    return jobs


def _is_whole(root: Path, entry: Entry) -> bool:
    try:
        check_folder(root, entry)
        check_video_bytes(root, entry, sha256_of(root / entry.folder / VIDEO))
    except CurationError:
        return False
    return True


def _present(root: Path) -> list[str]:
    """List what lies in train/ and test/."""
    return sorted(f"{side}/{p.name}" for side in SIDES if (root / side).is_dir() for p in (root / side).iterdir())


def _clear(root: Path, stale: Iterable[str], jobs: Iterable[_Job]) -> None:
    """Remove stale folders, and bring those that only change sides to their new place."""
    moves = {job.place: job.folder for job in jobs if job.old and not job.stays}
    for name in stale:
        if name not in moves:
            shutil.rmtree(root / name)
    for source, target in moves.items():
        (root / target).parent.mkdir(exist_ok=True)
        (root / str(source)).rename(root / target)


def _check_space(data: Path, jobs: Iterable[_Job], codec: str) -> int:
    """Refuse to start what will not fit: raw pixels, or for FFV1 three quarters of them. Give the number of frames."""
    count, needed = 0, 0
    for job in jobs:
        with Session(data / job.session.file) as session:
            count += len(session.frames)
            needed += len(session.frames) * session.frames.width * session.frames.height * 3
    needed = round(needed * (1.0 if codec == "rawvideo" else 0.75)) + _SPARE_BYTES
    free = shutil.disk_usage(data).free
    if needed > free:
        raise CurationError(
            f"expected {needed / 1e9:.1f} GB of free space, found {free / 1e9:.1f} GB in {data}; make room"
            + (", or use --codec ffv1" if codec == "rawvideo" else "")
        )
    return count
