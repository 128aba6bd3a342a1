"""A session while it is being recorded, read from its file as it grows.

The recorder writes in HDF5's SWMR mode and flushes four times a second; a reader in another process
sees what was flushed once it refreshes each dataset. Nothing is locked and nothing is asked of the
recorder: it cannot notice that anyone follows.
"""

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import h5py
import numpy as np

from acquire import data_folder, layout
from acquire.errors import Fix, SessionError

from .frames import Frames, is_frame_stored
from .hdf5 import find_inside, is_being_written, open_to_read, recorder_of
from .reader import Session

SHOWN_S = 10.0                  # of the finger's PPG
_SEARCHED_S = 5.0               # of the last frames, for one before a time


class Following:
    """The frames and the finger of one growing session; a context manager.

    Parameters
    ----------
    path : the session's file, or a folder: the newest session under it that is being written
    back_s : how much of what was recorded before is returned first [s]

    Raises
    ------
    SessionError : no session there, or one that is no longer recorded
    """

    def __init__(self, path: Path, *, back_s: float = 0.0) -> None:
        self.path = find_newest_growing(path) if path.is_dir() else path
        with Session(self.path) as session:
            if not _is_recorded(self.path):
                raise SessionError(
                    expected="a session that is being recorded", found="one that has ended",
                    where=self.path, fix=Fix.PREDICT,
                )
            self.camera = session.camera
            self.subject = session.subject
            self.simulated = session.simulated
            self.fps = session.camera.fps
            self.rate_hz = session.sensor.rate_hz
        self._file = open_to_read(self.path, wait_s=0)      # it opened a moment ago
        self._video = find_inside(self._file, layout.FRAMES, self.path)
        # the scale of the values may become wider meanwhile, that of the readings stays
        self._finger = layout.READING if layout.READING in self._file else layout.PPG_VALUE
        self._columns = {
            name: find_inside(self._file, name, self.path)
            for name in (layout.FRAME_TIME, layout.PPG_SEQUENCE, self._finger)
        }
        self._next = max(0, self._count(layout.FRAME_TIME) - round(back_s * self.fps))

    def frames(self) -> Iterator[tuple[np.ndarray, int]]:
        """Yield the frames flushed since the last call: (H, W, 3) uint8 RGB, and its time [ns]."""
        count = self._count(layout.FRAME_TIME)
        if count <= self._next:
            return
        self._video.refresh()
        count = min(count, len(self._video))
        frames = Frames(self._video, self.camera, count=count, where=self.path)
        first, times_ns = self._next, self._columns[layout.FRAME_TIME][self._next:count]
        for at, time_ns in zip(range(first, count), times_ns.tolist(), strict=True):
            if not is_frame_stored(self._video, at):      # would read as black
                return
            self._next = at + 1
            yield frames[at], time_ns

    def picture(self, before_ns: int) -> tuple[np.ndarray, int] | None:
        """Return the last frame before a time, as its camera delivers it, and its own time [ns].

        Returns
        -------
        None where no such frame has been flushed yet
        """
        count = self._count(layout.FRAME_TIME)
        self._video.refresh()
        count = min(count, len(self._video))
        first = max(0, count - round(_SEARCHED_S * self.fps))
        times_ns = self._columns[layout.FRAME_TIME][first:count]
        for at in range(first + int(np.searchsorted(times_ns, before_ns)) - 1, first - 1, -1):
            if is_frame_stored(self._video, at):
                frames = Frames(self._video, self.camera, count=count, where=self.path)
                return frames.raw(at), int(times_ns[at - first])
        return None

    def finger(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the PPG's last ten seconds: sequence numbers and values.

        Returns
        -------
        (S,) int64; (S,) float64, of full scale 65535, or as a sensor without a clock sent them
        """
        count = min(self._count(layout.PPG_SEQUENCE), self._count(self._finger))
        part = np.s_[max(0, count - round(SHOWN_S * self.rate_hz)):count]
        values = self._columns[self._finger][part].astype(np.float64)
        return self._columns[layout.PPG_SEQUENCE][part], values

    @property
    def has_ended(self) -> bool:
        """Whether the recorder has closed the file, or was killed, or the file is gone."""
        try:
            return not _is_recorded(self.path)
        except OSError:
            return True

    def _count(self, name: str) -> int:
        column = self._columns[name]
        try:
            column.refresh()  # not `id.refresh`, which leaves the shape that h5py keeps
        except (OSError, RuntimeError) as error:
            raise SessionError(
                expected=f"to follow {self.path}", found=error, fix="was it moved or cut short?"
            ) from error
        return len(column)

    def close(self) -> None:
        """Close the file; may be called twice."""
        self._file.close()

    def __enter__(self) -> "Following":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def find_newest_growing(folder: Path) -> Path:
    """Return the session under a folder that was written last, among those being written.

    Raises
    ------
    SessionError : there is none
    """
    growing = [
        path
        for path in folder.rglob(f"*{data_folder.SESSION_SUFFIX}")
        if h5py.is_hdf5(path) and _is_recorded(path)
    ]
    if not growing:
        raise SessionError(
            expected="a session that is being recorded", found="none", where=f"under {folder}",
            fix=Fix.RECORD,
        )
    return max(growing, key=lambda path: path.stat().st_mtime_ns)


def _is_recorded(path: Path) -> bool:
    """Return whether a recorder is at work, also one that has written nothing for a while."""
    return is_being_written(path) or recorder_of(path) != ""
