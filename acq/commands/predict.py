"""The verb `acq predict`."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from acq import complete
from acq.options import Data, Force, Json, NetPath, Quiet, TableFile
from acq.terminal.printing import print_json, warn
from acq.terminal.progress import show_progress
from acq.terminal.pulse_rows import COLUMNS, TEXTS, row_dict

if TYPE_CHECKING:
    from models.live.predict import Prediction
    from models.live.recorded import Reference

_ALL = "all"


Video = Annotated[
    str,
    typer.Argument(metavar="VIDEO", help="A video that FFmpeg decodes; or a session, or its id.",
                   autocompletion=complete.sessions),
]
Times = Annotated[
    Path | None,
    typer.Option("--times", metavar="FILE",
                 help="Times of the video's frames, in seconds; else those in the container. Of a "
                      "--ppg without times of its own, its times."),
]
VideoFps = Annotated[
    float | None,
    typer.Option("--fps", min=1, max=1000,
                 help="Rate of a video without times, such as raw .h264 or .mjpeg."),
]
AsLive = Annotated[
    bool, typer.Option("--as-live", help="Read frame after frame, as at a camera.")
]
Methods = Annotated[
    str | None,
    typer.Option("--methods", metavar="all|NAMES",
                 help=f"Also each method alone: all, or some of network, "
                      f"{', '.join(complete.METHODS)}, with commas."),
]
Hr = Annotated[
    float | None,
    typer.Option("--hr", metavar="BPM", min=30, max=240,
                 help="The true heart rate of a video, as the peak of its pulse's spectrum: of an "
                      "uneven heart, counted beats differ by some."),
]
Ppg = Annotated[
    Path | None,
    typer.Option("--ppg", metavar="FILE",
                 help="The finger's PPG beside a video, to tell the errors: times, on the clock "
                      "of --times, and values."),
]


def predict(
    video: Video,
    times: Times = None,
    fps: VideoFps = None,
    as_live: AsLive = False,
    methods: Methods = None,
    hr: Hr = None,
    ppg: Ppg = None,
    net: NetPath = None,
    table: TableFile = None,
    data: Data = Path("data"),
    force: Force = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Read the pulse of a face in a video or a session, whole; beside a finger where one is."""
    _leave_cores_alone()
    from dataset.common.table_file import check_table, write_table

    check_table(table, force=force)
    _check_options(times, fps, hr, ppg, methods, as_live=as_live)
    from acq.open_net import open_pulse
    from dataset.session.find import session_path

    path = session_path(data, video)
    names = _method_names(methods)
    remarks: list[str] = []
    reference, times = _read_reference(path, times, hr, ppg, remarks)
    pulse, origin = open_pulse(net, data)
    with show_progress(quiet=quiet or as_json) as on_progress:
        def on_frames(done: int, total: int) -> None:
            on_progress("frames", done, total)

        if as_live:
            from models.live.predict import predict as read_as_live

            result = read_as_live(
                pulse, path, times=times, fps=fps, reference=reference, on_frames=on_frames
            )
        else:
            from models.whole.read import read_whole

            result = read_whole(
                pulse, path, times=times, fps=fps, reference=reference, methods=names,
                on_frames=on_frames,
            )
    if table is not None:
        write_table(table, [row_dict(row) for row in result.rows], COLUMNS, texts=TEXTS)
    for remark in (*remarks, *result.remarks):
        warn(remark)
    if as_json:
        facts = {**prediction_dict(result), "read": "as live" if as_live else "whole"}
        facts["remarks"] = [*remarks, *result.remarks]
        print_json({**facts, "net": origin.origin(pulse.net.constants)})
    else:
        from acq.terminal.prediction_view import echo_prediction

        reference_name = "finger" if hr is None else "as named"
        echo_prediction(result, origin.describe(pulse.net.constants), reference=reference_name)


def _leave_cores_alone() -> None:
    """Have numpy, which is loaded after this, compute in one thread: its matrices are small.

    Several would mostly wait for each other, on the cores that decode.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def _check_options(
    times: Path | None, fps: float | None, hr: float | None, ppg: Path | None,
    methods: str | None, *, as_live: bool,
) -> None:
    if times is not None and fps is not None:
        raise typer.BadParameter("--times holds the rate already; leave out --fps")
    if hr is not None and ppg is not None:
        raise typer.BadParameter("--ppg holds the heart rate already; leave out --hr")
    if methods is not None and as_live:
        raise typer.BadParameter("--methods reads a file whole; leave out --as-live")


def _method_names(methods: str | None) -> tuple[str, ...]:
    """Return the methods that are named, in the order of tables.

    Raises
    ------
    typer.BadParameter : one is none of them
    """
    if methods is None:
        return ()
    from models.whole.methods import METHODS

    asked = [name.strip().lower() for name in methods.split(",") if name.strip()]
    unknown = [name for name in asked if name not in (*METHODS, _ALL)]
    if unknown or not asked:
        found = f"{unknown[0]!r}" if unknown else "none"
        raise typer.BadParameter(
            f"expected {_ALL}, or some of {', '.join(METHODS)}; found {found}",
            param_hint="--methods",
        )
    return METHODS if _ALL in asked else tuple(name for name in METHODS if name in asked)


def _read_reference(
    video: Path, times: Path | None, hr: float | None, ppg: Path | None, remarks: list[str]
) -> "tuple[Reference | None, Path | None]":
    """Return what the heart rates are held against, if anything, and the file of frame times."""
    if hr is None and ppg is None:
        return None, times
    from models.whole.reference import NamedRate, read_ppg

    if hr is not None:
        return NamedRate(hr), times
    from models.live.recorded import is_session

    assert ppg is not None
    if is_session(video):       # refused when it is opened, whatever the PPG is
        return NamedRate(60.0), times
    return read_ppg(ppg, video, times, remarks=remarks)


def prediction_dict(result: "Prediction") -> dict:
    """Return what was read, as JSON has it."""
    clip, span_s = result.clip, result.clip_span_s
    return {
        "source": str(result.source),
        "simulated": result.simulated,
        "frames": result.frames,
        "seconds": result.seconds,
        "fps": result.fps,
        "late_frames": result.late_frames,
        "pictures": result.pictures,
        "hr_bpm": result.hr_bpm,
        "has_moved": None if result.over_time is None else result.over_time.has_moved,
        "windows": len(result.rows_with_rate),
        "withheld_windows": len(result.windows) - len(result.rows_with_rate),
        "over_time": _over_time_dict(result),
        "finger_bpm": result.finger_bpm,
        "mae_bpm": result.mae_bpm,
        "no_finger": result.no_finger,
        "ms_per_frame": result.ms_per_frame,
        "clip": None if clip is None else {
            "from_s": span_s[0] if span_s else None, "until_s": span_s[1] if span_s else None,
            "hr_bpm": clip.bpm, "low_bpm": clip.low_bpm, "high_bpm": clip.high_bpm,
            "extrapolated": clip.extrapolated, "words": clip.why_not,
            "methods": {method.name: method.clip_bpm for method in result.methods},
            "peaks": clip.methods, "finger_bpm": result.clip_reference_bpm,
            "spectrum": _spectrum_dict(result),
        },
        "methods": [
            {
                "method": method.name, "windows": method.windows, "hr_bpm": method.bpm,
                "mae_bpm": method.mae_bpm, "clip_bpm": method.clip_bpm,
            }
            for method in result.methods
        ],
        "rows": [row_dict(row) for row in result.rows],
        "states": [
            {"from_s": first, "to_s": last, "state": reading.state, "words": reading.words}
            for first, last, reading in result.spans
        ],
        "without_rate_s": result.without_rate_s,
    }


def _over_time_dict(result: "Prediction") -> dict | None:
    together = result.over_time
    if together is None:
        return None
    lowest, highest = together.lowest, together.highest
    return {
        "with_rate_s": together.with_rate_s, "median_bpm": together.median_bpm,
        "lowest_bpm": lowest.hr_bpm, "lowest_until_s": lowest.reading.time_s,
        "highest_bpm": highest.hr_bpm, "highest_until_s": highest.reading.time_s,
        "has_moved": together.has_moved,
    }


def _spectrum_dict(result: "Prediction") -> dict | None:
    from models.fusion.spectra import BPM

    spectrum = result.spectrum
    return None if spectrum is None else {
        "peak_bpm": spectrum.peak_bpm, "bpm": BPM.tolist(),
        "share": [round(share, 5) for share in spectrum.shares.tolist()],
    }
