"""A published recording held against itself, whatever set it is from, after it was read.

Rates that hold a pulse, streams that share their time, a device whose heart rate is that of its own
PPG, a trace that is not cut off at its ends. What makes the times doubtful beyond repair is
refused; the rest is named.
"""

from pathlib import Path

import numpy as np

from acquire.errors import CurationError
from acquire.sensor.saturation import find_saturated
from acquire.stamps.far_values import take_out_far
from acquire.stamps.plausible import PPG_HZ, describe_overlap, rates_differ

from .published import PublishedRecording, PublishedSamples
from .read_video import VideoHeader

_MOST_APART_NS = 24 * 3600 * 10**9
_NEAR_BPM, _NEAR_SHARE = 8.0, 0.12      # a device averages over seconds, a spectrum over ten
_OWN_RATE_SHARE = 0.03                  # a header rounds a rate by up to 2 % (29.4 to 30)
_MOST_FOLD, _FOLD = 8, 0.01             # a rate is another by such a factor, so closely
_DOUBTFUL_SHARE = 0.4                   # rates that differ by more need a witness
_WINDOW_S, _WINDOWS = 10.0, 60          # of a long recording so many windows are looked at


def examine(recording: PublishedRecording) -> PublishedRecording:
    """Name what is wrong with a recording as a whole among its defects; return it.

    Values of the PPG that are far off all others become NaN.

    Raises
    ------
    CurationError : the PPG has no rate at which a pulse can be seen, or PPG and pictures are not of
        one day
    """
    samples, defects = recording.samples, recording.defects
    times = samples.times
    for far in take_out_far(samples.ppg):
        after_ns = times.at(int(far.places[0]))[0] - int(times.time_ns[0])
        defects.append(far.describe("PPG", after_ns / 1e9))
    rate_hz = 1e9 / times.step_ns
    if not PPG_HZ[0] <= rate_hz <= PPG_HZ[1]:
        raise CurationError(
            expected=f"PPG of {PPG_HZ[0]:g} to {PPG_HZ[1]:g} samples/s", found=f"{rate_hz:.4g}/s",
            where=recording.folder, fix="correct the times of the PPG",
        )
    frame_ns = _span_of_frames(recording)
    if frame_ns is not None and times is not recording.video.times:
        if abs(int(times.time_ns[0]) - int(frame_ns[0])) > _MOST_APART_NS:
            raise CurationError(
                expected="PPG and pictures of one day",
                found=f"{abs(int(times.time_ns[0]) - int(frame_ns[0])) / 8.64e13:.1f} days between",
                where=recording.folder, fix="bring together what belongs together",
            )
        if text := describe_overlap(frame_ns, times.time_ns):
            defects.append(text)
    if looks := _describe_heart_rates(samples):
        defects.append(f"the PPG looks like heart rates: {looks}")
    device_bpm, own_bpm = _median_rate(samples.hr_bpm), _spectral_rate(samples)
    if not _is_near(device_bpm, own_bpm):
        defects.append(
            f"the device's heart rate is {device_bpm:.1f} bpm, and that of its PPG by these times "
            f"{own_bpm:.1f} bpm (medians)"
        )
    if len(known := samples.ppg[np.isfinite(samples.ppg)]) and np.ptp(known) == 0:
        defects.append(f"the PPG stands still: all its values are {known[0]:g}")
    saturated = find_saturated(samples.ppg)
    if saturated.any():
        defects.append(
            f"the PPG is saturated: {100 * saturated.mean():.0f} % of its values lie at an end of "
            "its range, cut off"
        )
    return recording


def _describe_heart_rates(samples: PublishedSamples) -> str:
    from dataset.signals.finger_rates import describe_heart_rates

    known = np.flatnonzero(np.isfinite(samples.ppg))
    known = known[known < len(samples.times.time_ns)]
    if not len(known):
        return ""
    time_ns = samples.times.time_ns[known]
    return describe_heart_rates(samples.ppg[known], (time_ns - time_ns[0]) / 1e9)


def refuse_other_rate(count: int, rate_hz: float, video_s: float, where: Path) -> None:
    """Refuse samples without times that fit the video at twice their rate, a third of it, or such.

    Where one of the two was cut short, the other is longer by any share.

    Parameters
    ----------
    rate_hz : at which they are said to be
    video_s : length of the video

    Raises
    ------
    CurationError : they do
    """
    if count == 0 or video_s <= 0:
        return
    ratio = count / rate_hz / video_s
    whole = max(round(ratio), round(1 / ratio))
    if 2 <= whole <= _MOST_FOLD and not rates_differ(max(ratio, 1 / ratio), whole, share=_FOLD):
        raise CurationError(
            expected=f"samples at {rate_hz:g}/s, beside a video of {video_s:.2f} s",
            found=f"{count}, as many as {count / video_s:.4g}/s would have", where=where,
            fix="correct the rate, or bring together what belongs together",
        )


def examine_label_rate(
    samples: PublishedSamples, header: VideoHeader, path: Path, defects: list[str]
) -> None:
    """Hold labels that go with frames against the video's own rate.

    Raises
    ------
    CurationError : they have a rate of their own, or the device's heart rate speaks for the video's
        rate, or nothing speaks for either
    """
    rate_hz, count = 1e9 / samples.times.step_ns, len(samples.ppg)
    own_rate = _have_own_rate(rate_hz / header.fps, count, header.frames)
    if not own_rate and not rates_differ(rate_hz, header.fps):
        return
    words = (
        f"{count} labels at {rate_hz:.1f}/s, and a video "
        f"{f'of {header.frames} frames ' if header.frames else ''}at {header.fps:.1f}/s"
    )
    device_bpm, by_stamps = _median_rate(samples.hr_bpm), _spectral_rate(samples)
    by_header = _spectral_rate(samples, fs_hz=header.fps)
    speaks = device_bpm is not None and by_stamps is not None and _is_near(device_bpm, by_stamps)
    contradicts = not speaks and device_bpm is not None and by_header is not None and _is_near(
        device_bpm, by_header
    )
    is_far = rates_differ(rate_hz, header.fps, share=_DOUBTFUL_SHARE)
    if own_rate or contradicts or (not speaks and is_far):
        heart = (
            f"; the device's heart rate of {device_bpm:.0f} bpm is that of the PPG at the video's "
            "rate" if contradicts and not own_rate else ""
        )
        raise CurationError(
            expected="labels at the video's rate, one a frame", found=words + heart, where=path,
            fix="correct the times, or make a label for each frame",
        )
    known = "; the device's heart rate agrees with the times" if speaks else ""
    defects.append(f"{words}: the times of the labels are used{known}")


def _have_own_rate(of_rates: float, labels: int, frames: int | None) -> bool:
    """Return whether labels are more or fewer than frames, and faster or slower by as much.

    They then cover the same time as the video does, at another rate. Where labels were cut off, or
    the video was, the rates are alike but for the rounding of the header.

    Parameters
    ----------
    of_rates : the rate of the labels by their times, over that of the video by its header
    """
    if frames is None or not rates_differ(labels, frames, share=_OWN_RATE_SHARE):
        return False
    by_count = abs(np.log(labels / frames))
    return abs(np.log(labels / frames) - np.log(of_rates)) < by_count / 2


def _span_of_frames(recording: PublishedRecording) -> np.ndarray | None:
    """Return times of the first and the last frame [ns]; None where the end is not known."""
    video = recording.video
    if video.times is not None:
        return video.times.time_ns[[0, -1]]
    if not video.expected_frames:
        return None
    return np.array([video.frame_at(0)[0], video.frame_at(video.expected_frames - 1)[0]])


def _is_near(device_bpm: float | None, own_bpm: float | None) -> bool:
    """Return whether two heart rates agree, or one of them is not known."""
    if device_bpm is None or own_bpm is None:
        return True
    return abs(device_bpm - own_bpm) <= max(_NEAR_BPM, _NEAR_SHARE * device_bpm)


def _median_rate(hr_bpm: np.ndarray) -> float | None:
    """Return the median of a device's heart rates [bpm]; None where it has none."""
    known = hr_bpm[np.isfinite(hr_bpm) & (hr_bpm > 0)]
    return float(np.median(known)) if 2 * len(known) > len(hr_bpm) else None


def _spectral_rate(samples: PublishedSamples, *, fs_hz: float | None = None) -> float | None:
    """Return the median heart rate of a PPG by its spectrum [bpm]; None where it cannot be told.

    Parameters
    ----------
    fs_hz : take the samples for even ones at this rate, instead of by their times
    """
    from dataset.signals.pulse_rate import finger_rate

    known = np.flatnonzero(np.isfinite(samples.ppg))
    known = known[known < len(samples.times.time_ns)]
    if len(known) < 2 or np.ptp(samples.ppg[known]) == 0:
        return None
    time_s = (samples.times.time_ns[known] - samples.times.time_ns[known[0]]) / 1e9
    if fs_hz is None:
        fs_hz = 1e9 / samples.times.step_ns
    else:
        time_s = (known - known[0]) / fs_hz
    length_s = min(_WINDOW_S, float(time_s[-1]))
    starts = np.linspace(
        0, time_s[-1] - length_s, min(_WINDOWS, 1 + int((time_s[-1] - length_s) // 5))
    )
    even = np.arange(int(length_s * fs_hz)) / fs_hz
    ppg = samples.ppg[known] / np.abs(samples.ppg[known]).max()     # squares of any unit are finite
    rates = [finger_rate(np.interp(start + even, time_s, ppg), fs_hz).bpm for start in starts]
    rates = [rate for rate in rates if np.isfinite(rate)]
    return float(np.median(rates)) if 2 * len(rates) >= len(starts) else None
