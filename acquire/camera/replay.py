"""A video file played in real time as if it were a camera, each frame at its own time.

Frame i is delivered at `start_ns + (t_i - t_0)`, where t comes from a text beside the video, from a
frame rate that is asked for, or from the container. A raw stream (`.h264`, `.hevc`, `.mjpeg`) and a
row of pictures hold no times. FFmpeg would guess 25 frames/s; here they are refused, unless times
or a rate are named. Nothing is dropped: if decoding is too slow, a frame arrives late, and its
arrival time shows it; `count_until` says what a recording that ends meanwhile has not got.

A decoded frame is known by the stamp of its packet, not by its place: packets that do not decode,
as where a stream was cut within a group of pictures or damaged in its middle, move no other frame
in time. Without such stamps each of them counts as a frame.
"""

import queue
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path

import av
import av.container
import av.error
import numpy as np
from av.stream import Disposition

from acquire import host_time
from acquire.errors import DeviceError, Fix
from acquire.stamps.packet_times import container_times, shown_ticks, why_no_times
from acquire.stamps.plausible import FRAME_HZ

from .frame_times import read_frame_times
from .source import CameraInfo, EndOfStream, VideoFrame
from .video_length import WITHOUT_PTS, describe_gaps, why_short
from .video_mark import is_marked_video
from .video_pictures import (
    PICTURES,
    PictureForm,
    UprightPictures,
    check_pictures,
    describe_failure,
    form_of,
    raw_kind,
)

_DECODED_AHEAD = 16   # frames
_LOOKED_AT = 32       # frames whose stamps are looked at where they are doubtful
_SAME_RATE = 0.01     # share by which two rates may differ


class CutShort(DeviceError):
    """Frames at the end of a video that do not decode."""


@dataclass(frozen=True)
class _Contents:
    """What a video file holds."""

    form: PictureForm               # of the first frame
    frames: int
    ticks: np.ndarray | None        # (frames,) int64, the stamps by which a frame is known; or None
    times_s: np.ndarray | None      # (frames,) as they are shown; None where it holds no times
    kind: str                       # why it holds no times, in words; else ""
    fps: float | None               # that the header states; None where FFmpeg guesses
    remarks: tuple[str, ...]        # what is doubtful of its frames, a line each
    is_predicted: bool              # whether pictures are coded, with loss, as what changed


class ReplayCamera:
    """A video file behind `FrameSource`: upright, as I420 where it is stored so, else as RGB.

    Started in the past, it is late with every frame, and delivers them as fast as they decode.

    Parameters
    ----------
    times : a text of frame times; see `read_frame_times`
    fps : instead, the rate of evenly spaced frames, 1 to 1000 [Hz]

    Raises
    ------
    DeviceError : not a video, no times in it and none named, or times that are not of its frames
    """

    def __init__(
        self, video: Path, *, times: Path | None = None, fps: float | None = None
    ) -> None:
        if times is not None and fps is not None:
            raise ValueError("expected times or a frame rate, not both")
        self._video = video
        contents = _read_contents(video)
        if contents.frames < 2:
            found = "a single picture" if contents.kind == PICTURES else contents.frames
            raise DeviceError(expected="at least 2 frames", found=found, where=video)
        remarks = list(contents.remarks)
        times_s, origin = _choose_times(contents, video, times, fps, remarks)
        if len(times_s) != contents.frames:
            gaps = describe_gaps(contents.times_s)
            raise DeviceError(
                expected=f"a time for each of the {contents.frames} frames of {video}",
                found=f"{len(times_s)}{f'; of the video {gaps}' if gaps else ''}",
                where=times or video,
                fix="name a file of times that has one for each frame of this video",
            )
        if gaps := describe_gaps(times_s):
            remarks.append(f"{video.name}: {gaps}")
        self.frames = len(times_s)
        self.is_predicted = contents.is_predicted
        self._ticks = contents.ticks
        self._offset_ns = np.rint((times_s - times_s[0]) * 1e9).astype(np.int64)
        order = "yuv420p" if contents.form.is_i420 else "rgb24"
        self._pictures = UprightPictures(order, video)
        pixel_format = "I420" if contents.form.is_i420 else "RGB"
        self.info = CameraInfo(
            name=f"replay:{video.name}", width=contents.form.width, height=contents.form.height,
            fps=float((len(times_s) - 1) / (times_s[-1] - times_s[0])),
            pixel_format=pixel_format, time_meaning="file",
            pipeline=f"{contents.form}; as {pixel_format}; times from {origin}",
            remarks=tuple(remarks), simulated=is_marked_video(video),
        )
        self.damaged: list[int] = []    # frames so far that decode in part, with what was guessed
        self.missing: list[int] = []    # frames before the last one read that do not decode
        self._decoded: queue.Queue[tuple[int, np.ndarray] | Exception] = queue.Queue(
            maxsize=_DECODED_AHEAD
        )
        self._closed = threading.Event()
        self._start_ns = 0
        self._next = 0          # number that the next frame has at least
        self._waiting: tuple[int, np.ndarray] | None = None
        self._thread = threading.Thread(target=self._decode, name="replay", daemon=True)
        self._thread.start()   # decodes ahead, so that frame 0 is there at the start

    @property
    def seconds(self) -> float:
        """Time from the first frame to the last [s]."""
        return float(self._offset_ns[-1]) / 1e9

    @property
    def read_frames(self) -> int:
        """How many frames were read, with those in between that did not decode."""
        return self._next

    def seconds_at(self, frame: int) -> float:
        """Return the time of a frame after the first [s]."""
        return float(self._offset_ns[frame]) / 1e9

    def _decode(self) -> None:
        try:
            for numbered in self._images():
                if not self._put(numbered):
                    return
            self._put(EndOfStream())
        except Exception as error:   # handed to the reader, who raises it
            self._put(error)

    def _images(self) -> Iterator[tuple[int, np.ndarray]]:
        following = 0
        with av.open(str(self._video)) as container:
            container.streams.video[0].thread_type = "AUTO"
            for frame in _decode_on(container):
                if frame is None:
                    following += self._ticks is None
                    continue
                at = _number_of(frame.pts, self._ticks, following)
                if at is None:
                    continue
                if frame.is_corrupt:
                    self.damaged.append(at)
                following, image = at + 1, self._pictures.convert(frame)
                if image.shape != self.info.image_shape:
                    raise DeviceError(
                        expected=f"frames of one size, {self.info.width}x{self.info.height}",
                        found=f"frame {at} of {frame.width}x{frame.height}", where=self._video,
                    )
                yield at, image

    def _put(self, item: tuple[int, np.ndarray] | Exception) -> bool:
        while not self._closed.is_set():
            try:
                self._decoded.put(item, timeout=0.1)
            except queue.Full:
                continue
            return True
        return False

    def start(self, start_ns: int) -> None:
        """Play frame 0 at `start_ns`."""
        self._start_ns = start_ns

    def read(self, timeout_s: float) -> VideoFrame | None:
        """Return the next frame once its time has come; None when that is not in time."""
        give_up_ns = host_time.now_ns() + round(timeout_s * 1e9)
        if self._waiting is None:
            try:
                item = self._decoded.get(timeout=timeout_s)
            except queue.Empty:
                return None
            if isinstance(item, EndOfStream) and self._next == self.frames:
                raise item
            if isinstance(item, Exception):
                cause = "the file ends" if isinstance(item, EndOfStream) else item
                is_cut = isinstance(item, EndOfStream | av.error.FFmpegError)
                raise (CutShort if is_cut else DeviceError)(
                    expected=f"{self.frames} frames",
                    found=f"none that decodes after the first {self._next}: {cause}",
                    where=self._video,
                )
            if item[0] >= self.frames:
                raise DeviceError(
                    expected=f"{self.frames} frames", found="more", where=self._video
                )
            self._waiting = item
        number, image = self._waiting
        due_ns = self._start_ns + int(self._offset_ns[number])
        now_ns = host_time.now_ns()
        if due_ns > now_ns:
            time.sleep((min(due_ns, give_up_ns) - now_ns) / 1e9 if give_up_ns > now_ns else 0)
            if due_ns > give_up_ns:
                return None
        self.missing += range(self._next, number)
        self._waiting, self._next = None, number + 1
        return VideoFrame(image, due_ns, max(host_time.now_ns(), due_ns), number)

    def count_until(self, time_ns: int) -> int:
        """Return how many frames are due up to `time_ns`."""
        return int(np.searchsorted(self._offset_ns, time_ns - self._start_ns, side="right"))

    def close(self) -> None:
        """Stop decoding."""
        self._closed.set()
        self._thread.join(timeout=2.0)


def count_frames(video: Path) -> tuple[int, float | None]:
    """Return how many frames a video file holds, and the rate [Hz] that its header says, if any.

    Raises
    ------
    DeviceError : it is not a video
    """
    contents = _read_contents(video)
    return contents.frames, contents.fps


def _read_contents(video: Path) -> _Contents:
    """Read which frames a video file holds, decoding only the first.

    Raises
    ------
    DeviceError : it is not a video, or its pictures cannot be made upright or RGB
    """
    try:
        with av.open(str(video)) as container:
            stream, count = container.streams.video[0], _count_streams(container)
            check_pictures(stream)
            kind, is_stamped = raw_kind(container), container.format.name not in WITHOUT_PTS
            fps = float(stream.average_rate) if stream.average_rate and not kind else None
            base_s = float(stream.time_base or 1)
            packets = [packet for packet in container.demux(stream) if packet.size]
            is_predicted = stream.codec_context.codec.lossy and any(
                not packet.is_keyframe for packet in packets
            )
            stamps = [(packet.pts, packet.dts) for packet in packets if not packet.is_discard]
            short = "" if kind else why_short(stream, packets)
            # of a raw stream with B-frames that was put into a container as it was
            is_doubtful = all(pts == dts for pts, dts in stamps) and (
                stream.codec_context.has_b_frames
            )
        with av.open(str(video)) as container:
            frames = filter(None, _decode_on(container))
            first = next(frames, None)
            is_stamped = is_stamped and not (is_doubtful and _has_falling_stamps(frames))
    except (OSError, IndexError, ValueError, av.error.FFmpegError) as error:
        no_stream = isinstance(error, IndexError)
        found = describe_failure(video, "no video" if no_stream else error)
        raise DeviceError(expected="a video to replay", found=found, where=video) from error
    if first is None or not count:
        found = "no frame that decodes" if count else "a cover, and no video"
        raise DeviceError(expected="a video to replay", found=found, where=video)
    form, remarks = form_of(first, video), [f"{video.name} ends early: {short}"] if short else []
    if count > 1:
        remarks.append(f"{video.name} holds {count} streams of pictures; the first is read")
    kind = kind or why_no_times(stamps, base_s)
    ticks = None if kind else shown_ticks(stamps)
    if ticks is None:
        return _Contents(
            form, len(stamps), None, None, kind, fps, tuple(remarks), is_predicted
        )
    if is_stamped and first.pts is not None and (before := int(np.searchsorted(ticks, first.pts))):
        remarks.append(
            f"{before} frames of {video.name} before the first that decodes are left out"
        )
        ticks = ticks[before:]
    times_s = container_times(ticks, base_s, video, remarks)
    known = ticks if is_stamped else None
    return _Contents(
        form, len(ticks), known, times_s, kind, fps, tuple(remarks), is_predicted
    )


def _decode_on(container: av.container.InputContainer) -> Iterator[av.VideoFrame | None]:
    """Yield each frame of the first pictures; None where a packet does not decode.

    What follows it is read on, as FFmpeg's own programs do.
    """
    for packet in container.demux(video=0):
        try:
            frames = packet.decode()
        except av.error.FFmpegError:
            frames = [None]
        yield from frames


def _has_falling_stamps(frames: Iterator[av.VideoFrame]) -> bool:
    """Return whether the stamps of some decoded frames fall: their order alone can be right."""
    stamps = []
    with suppress(av.error.FFmpegError):
        stamps += [frame.pts for frame in islice(frames, _LOOKED_AT) if frame.pts is not None]
    return any(after < before for before, after in pairwise(stamps))


def _choose_times(
    contents: _Contents, video: Path, times: Path | None, fps: float | None, remarks: list[str]
) -> tuple[np.ndarray, str]:
    """Return the times of the frames [s], and where they are from, in words.

    Raises
    ------
    DeviceError : neither the file nor the caller has any, or what the caller has cannot be used
    """
    if times is not None:
        return read_frame_times(times, fps=contents.fps, remarks=remarks), times.name
    if fps is not None:
        lowest, highest = FRAME_HZ
        if not lowest <= fps <= highest:
            raise DeviceError(
                expected=f"a frame rate from {lowest:g} to {highest:g}", found=f"{fps:g}"
            )
        stated = contents.fps
        if stated and abs(stated - fps) > _SAME_RATE * stated:
            remarks.append(
                f"{fps:g} frames/s are taken as asked for; {video.name} itself says {stated:.2f}"
            )
        return np.arange(contents.frames) / fps, f"a rate of {fps:g} frames/s, as asked for"
    if contents.times_s is None:
        raise DeviceError(
            expected="times of the frames", found=f"none ({contents.kind or 'in its container'})",
            where=video, fix=Fix.NAME_FRAME_RATE,
        )
    return contents.times_s, "the container"


def _count_streams(container: av.container.InputContainer) -> int:
    """Return how many streams of pictures a file holds; a cover is none."""
    return sum(
        not stream.disposition & Disposition.attached_pic for stream in container.streams.video
    )


def _number_of(pts: int | None, ticks: np.ndarray | None, following: int) -> int | None:
    """Return the number of a decoded frame, not below `following`; None: it is not to be shown."""
    if pts is None or ticks is None:
        return following
    at = int(np.searchsorted(ticks, pts))
    if at == 0 and pts < ticks[0]:
        return None                    # before the first that decodes, such as one of an open group
    return max(at, following) if at < len(ticks) and ticks[at] == pts else following
