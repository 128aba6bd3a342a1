"""How long a video is, and is said to be: where it ends early, and where frames lack within it."""

import re
from collections.abc import Sequence
from pathlib import Path

import av
import numpy as np

WITHOUT_PTS = ("avi",)   # FFmpeg guesses when frames of these are shown; their order is right
_EBML_HEAD = 512         # bytes in which a Matroska's segment begins
_SHORT_FRAMES = 2        # by which frames end before the time that a file's header states
_GAP_STEPS = 3.5         # a longer step is a gap; a slower camera doubles its steps
_FEW_GAPS, _GAP_SHARE = 3, 0.01     # where there are more, the rate varies


def describe_gaps(times_s: np.ndarray | None) -> str:
    """Return in words how many frames lack within a video by its times; "" where none does.

    Parameters
    ----------
    times_s : (N,) rising [s]; None where there are none
    """
    if times_s is None or len(times_s) < 3:
        return ""
    steps_s = np.diff(times_s)
    step_s = float(np.median(steps_s))
    gaps = np.flatnonzero(steps_s > _GAP_STEPS * step_s)
    if not len(gaps) or len(gaps) > max(_FEW_GAPS, _GAP_SHARE * len(steps_s)):
        return ""
    lacking = np.rint(steps_s[gaps] / step_s).astype(int) - 1
    most = int(np.argmax(lacking))
    first_s, last_s = times_s[gaps[most]:gaps[most] + 2] - times_s[0]
    more = f" (and {lacking.sum() - lacking[most]} more in {len(gaps) - 1} places)"
    return (
        f"{lacking[most]} frames lack between {first_s:.2f} and {last_s:.2f} s"
        f"{more if len(gaps) > 1 else ''}: it is damaged there, or they were never written"
    )


def why_short(stream: av.VideoStream, packets: Sequence[av.Packet]) -> str:
    """Return by how much a file is shorter than its header states, in words; "" where it is not."""
    stated_s, base_s = _stated_s(stream), float(stream.time_base or 1)
    ends = [packet.pts + (packet.duration or 0) for packet in packets if packet.pts is not None]
    # an AVI counts frames that were skipped, too, which come as no packet
    is_counted = stream.container.format.name not in WITHOUT_PTS
    if is_counted and len(packets) < stream.frames:
        share = len(packets) / stream.frames
        return f"{len(packets)} of the {stream.frames} frames that its header states, {share:.0%}"
    if stated_s is None or not ends:
        return _why_few_bytes(Path(stream.container.name))
    ends_s = (max(ends) - (stream.start_time or 0)) * base_s
    if stated_s - ends_s < _SHORT_FRAMES * ends_s / len(ends):
        return ""
    return f"its frames end after {ends_s:.1f} s of the {stated_s:.1f} s that its header states"


def _why_few_bytes(video: Path) -> str:
    """Return by how much a Matroska or WebM is shorter than it states, in words; else "".

    An element is an id, a size that begins with a 1 behind as many 0 as bytes follow, and what it
    holds; all of a file but its first element is one, the segment.

    Source: RFC 8794 (EBML), section 4; RFC 9559 (Matroska), section 5.1.
    """
    with video.open("rb") as file:
        head, found = file.read(_EBML_HEAD), file.seek(0, 2)
    size = at = 0
    for kind in (b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"):
        at += size
        if head[at : at + 4] != kind or len(head) < at + 12:
            return ""
        width = 9 - head[at + 4].bit_length()
        most = (1 << 7 * width) - 1
        size = int.from_bytes(head[at + 4 : at + 4 + width], "big") & most
        at += 4 + width
    # all ones: not known, as of one that was streamed
    if size == most or at + size <= found:
        return ""
    return f"{found / 1e6:.1f} of the {(at + size) / 1e6:.1f} MB that its header states"


def _stated_s(stream: av.VideoStream) -> float | None:
    """Return how long a header says the pictures are [s]; None where it does not say.

    Matroska has the time of each stream as a tag, and else that of the whole file, which may be of
    a longer sound.
    """
    if stream.duration and stream.time_base:
        ticks = stream.duration
        if stream.container.format.name in WITHOUT_PTS:
            ticks = max(ticks, stream.frames)    # FFmpeg shortens the other where an AVI is cut
        return float(ticks * stream.time_base)
    if tag := re.fullmatch(r"(\d+):(\d\d):(\d\d\.\d+)", stream.metadata.get("DURATION", "")):
        return 3600 * int(tag[1]) + 60 * int(tag[2]) + float(tag[3])
    length_us = getattr(stream.container, "duration", None)
    return length_us / 1e6 if length_us and len(stream.container.streams) == 1 else None
