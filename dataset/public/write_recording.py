"""A published recording into a session file, one frame at a time in memory.

What is wrong with it becomes an event of the session, and so do the hashes of its files.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from acquire.camera.source import CameraInfo, VideoFrame
from acquire.errors import CurationError
from acquire.sensor.finger import FINGER_OFF
from acquire.sensor.protocol import SAMPLE_CLIPPED, Hello
from acquire.sensor.saturation import find_saturated
from acquire.session.structure import ImportOrigin
from acquire.session.writer import SessionWriter

from .published import GET_FOLDER, PublishedRecording, PublishedVideo

DEFECT, SOURCE, LABEL = "import_defect", "import_source", "import_label"     # kinds of events
_LOWEST, _HIGHEST = 8192, 57344          # of full scale 65535: nothing published looks clipped
_FRAMES_PER_FLUSH = 50


def write_recording(
    recording: PublishedRecording, path: Path, *, title: str, subject: str, session_id: str,
    sources: Sequence[str], simulated: bool = False, sensor: str = "",
) -> None:
    """Write a published recording as a session file.

    Parameters
    ----------
    title : what it is imported from
    sources : name and hash of each file that it was read from, a line each
    simulated : whether it is of a virtual subject
    sensor : that measured the PPG; the set's where not given

    Raises
    ------
    CurationError : it has no usable pictures or no usable PPG
    SessionError : the session cannot be written
    """
    video = recording.video
    camera = CameraInfo(
        f"import:{title}", video.width, video.height, video.fps, "RGB", video.time_meaning,
        simulated=simulated,
    )
    hello = Hello(0, 0, 0, 0, 0, 10**9, round(1e9 / recording.samples.times.step_ns), 0, 0)
    with SessionWriter(
        path, session_id=session_id, subject=subject, camera=camera, hello=hello, port="",
        simulated=simulated, started_unix_ns=recording.started_unix_ns,
        started_monotonic_ns=recording.started_ns,
        origin=ImportOrigin(title, sensor or recording.sensor),
    ) as writer:
        lost_samples = _add_samples(writer, recording)
        lost_frames = _add_frames(writer, recording, camera)
        for text in sources:
            writer.add_event(recording.started_ns, SOURCE, text)
        for text in recording.defects:
            writer.add_event(recording.started_ns, DEFECT, text)
        for from_ns, to_ns in recording.no_finger_ns:
            writer.add_event(from_ns, FINGER_OFF, "begins")
            writer.add_event(to_ns, FINGER_OFF, "ends")
        for label in recording.labels:
            at_ns = recording.started_ns if label.time_ns is None else label.time_ns
            writer.add_event(at_ns, LABEL, label.text)
        writer.add_event(recording.started_ns, "stopped", "end of what was published")
        writer.close(
            complete=not lost_frames and not lost_samples, lost_frames=lost_frames,
            lost_samples=lost_samples,
        )


def _add_frames(writer: SessionWriter, recording: PublishedRecording, camera: CameraInfo) -> int:
    """Write the frames, name their defects, and return how many are lost."""
    video, defects = recording.video, recording.defects
    next_index, other_size, repeated = 0, [], []
    before: np.ndarray | None = None
    for picture in video.pictures:
        if picture.rgb.shape != camera.image_shape:
            other_size.append(picture.index)
            continue
        time_ns, stamp_ns = video.frame_at(picture.index)
        writer.add_frame(VideoFrame(picture.rgb, time_ns, stamp_ns, picture.index))
        if before is not None and np.array_equal(before, picture.rgb):
            repeated.append(picture.index)
        next_index, before = picture.index + 1, picture.rgb
        if writer.frames % _FRAMES_PER_FLUSH == 0:
            writer.flush()
    if other_size:
        defects.append(
            f"{len(other_size)} frames are of another size than the video, the first is "
            f"{other_size[0]}; left out"
        )
    if repeated:
        defects.append(
            f"{len(repeated)} frames repeat the one before to the last pixel, the first is "
            f"{repeated[0]}"
        )
    if writer.frames < 2:
        raise CurationError(
            expected="pictures", found=writer.frames, where=recording.folder, fix=GET_FOLDER
        )
    defects += _describe_length(video, next_index)
    return max(video.expected_frames or 0, next_index) - writer.frames + video.left_out


def _describe_length(video: PublishedVideo, frames: int) -> list[str]:
    """Return what is wrong with how many frames a video has, at most one line."""
    expected = video.expected_frames or 0
    if expected > frames:
        if video.announced_frames and video.announced_frames <= frames:
            return [
                f"{expected - frames} labels have no frame: the video holds {frames}, as its "
                "header says"
            ]
        return [f"the video ends after {frames} of {expected} frames"]
    if 0 < expected < frames and video.times is not None:
        return [f"{frames - expected} frames have no published time; they go on at the median step"]
    return []


def _add_samples(writer: SessionWriter, recording: PublishedRecording) -> int:
    """Write the samples, scaled to the sensor's range, and return how many are lost."""
    samples = recording.samples
    known = np.flatnonzero(np.isfinite(samples.ppg))
    if len(known) < 2:
        raise CurationError(
            expected="PPG", found=f"{len(known)} values", where=recording.folder, fix=GET_FOLDER
        )
    low, high = float(samples.ppg[known].min()), float(samples.ppg[known].max())
    scale = (_HIGHEST - _LOWEST) / (high - low) if high > low else 0.0
    if not np.isfinite(scale):
        raise CurationError(
            expected="PPG of a usable range", found=f"{low:g} to {high:g}", where=recording.folder,
            fix=GET_FOLDER,
        )
    saturated = find_saturated(samples.ppg)
    for index in known.tolist():
        time_ns, stamp_ns = samples.times.at(index)
        ppg = float(samples.ppg[index])
        writer.add_sample(
            sequence=index, ticks=time_ns, value=round(_LOWEST + (ppg - low) * scale),
            flags=SAMPLE_CLIPPED if saturated[index] else 0,
            arrival_ns=stamp_ns, time_ns=time_ns, bound_ns=-1,
            published=(ppg, float(samples.hr_bpm[index]), float(samples.spo2[index])),
        )
    return max(len(samples.ppg), len(samples.times.time_ns)) - len(known)
