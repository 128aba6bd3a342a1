"""The verb `acq predict`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from acq import complete
from acq.options import Csv, Data, Force, Json, NetPath, Quiet
from acq.terminal.printing import echo, print_json, warn
from acq.terminal.progress import show_progress
from acq.terminal.pulse_rows import as_csv, check_new, row_dict
from dataset.common.wording import counted

if TYPE_CHECKING:
    from rich.table import Table

    from models.live.predict import Prediction

_ROWS = 20                   # of the table: neighbours share one where there are more
_WIDE = 60                   # characters of the curve
_SPANS = 12                  # that are told


Video = Annotated[
    str,
    typer.Argument(metavar="VIDEO", help="A video that FFmpeg decodes; or a session, or its id.",
                   autocompletion=complete.sessions),
]
Times = Annotated[
    Path | None,
    typer.Option("--times", metavar="CSV",
                 help="Frame times of a video [s]; else those in the container."),
]
VideoFps = Annotated[
    float | None,
    typer.Option("--fps", min=1, max=1000,
                 help="Rate of a video without times, such as raw .h264 or .mjpeg."),
]


def predict(
    video: Video,
    times: Times = None,
    fps: VideoFps = None,
    net: NetPath = None,
    csv: Csv = None,
    data: Data = Path("data"),
    force: Force = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Read the pulse of a face in a video, as live; of a session, beside the finger's; no torch."""
    check_new(csv, force=force)
    if times is not None and fps is not None:
        raise typer.BadParameter("--times holds the rate already; leave out --fps")
    from acq.open_net import open_pulse
    from acquire.atomic import write_text
    from dataset.session.find import session_path
    from models.live.predict import predict

    path = session_path(data, video)
    live, origin = open_pulse(net, data)
    with show_progress(quiet=quiet or as_json) as on_progress:
        result = predict(
            live, path, times=times, fps=fps,
            on_frames=lambda done, total: on_progress("frames", done, total),
        )
    if csv is not None:
        write_text(csv, as_csv(result.rows))
    for remark in result.remarks:
        warn(remark)
    if as_json:
        print_json({**_as_dict(result), "net": origin.origin(live.net.constants)})
    else:
        _echo(result, origin.describe(live.net.constants))


def _as_dict(result: "Prediction") -> dict:
    return {
        "source": str(result.source),
        "simulated": result.simulated,
        "frames": result.frames,
        "seconds": result.seconds,
        "fps": result.fps,
        "late_frames": result.late_frames,
        "remarks": list(result.remarks),
        "pictures": result.pictures,
        "hr_bpm": result.hr_bpm,
        "windows": len(result.rows_with_rate),
        "finger_bpm": result.finger_bpm,
        "mae_bpm": result.mae_bpm,
        "no_finger": result.no_finger,
        "ms_per_frame": result.ms_per_frame,
        "rows": [row_dict(row) for row in result.rows],
        "states": [
            {"from_s": first, "to_s": last, "state": reading.state, "words": reading.words}
            for first, last, reading in result.spans
        ],
    }


def _echo(result: "Prediction", net: str) -> None:
    """Print what was read: the states, the curve, a table of windows and the mean."""
    from acq.terminal.curves import clock, sparkline
    from acq.terminal.tables import show

    simulated = " (simulated)" if result.simulated else ""
    echo(
        f"{result.source}{simulated}: {counted(result.frames, 'frame')} in {result.seconds:.1f} s, "
        f"{result.fps:.2f}/s; {result.ms_per_frame:.2f} ms each"
    )
    if result.pictures:
        echo(f"pictures: {result.pictures}")
    echo(f"read by {net}")
    if result.late_frames:
        echo(
            f"left out {counted(result.late_frames, 'frame')} not later than the one before",
            fg="yellow",
        )
    for first, last, reading in result.spans[:_SPANS]:
        echo(f"{clock(first)} to {clock(last)}  {reading.state}: {reading.words}")
    if (more := len(result.spans) - _SPANS) > 0:
        echo(f"and {counted(more, 'state')} more, in --json")
    if not result.rows_with_rate:
        echo("no heart rate was read", fg="yellow")
        return
    rates = [row.hr_bpm for row in result.rows_with_rate if row.hr_bpm is not None]
    echo(
        f"{sparkline(_columns(result))}  {min(rates):.0f} to {max(rates):.0f} bpm, from 0:00 to "
        f"{clock(result.seconds)}"
    )
    show(_table(result))
    beside = ""
    if result.finger_bpm is not None:
        beside = f"; finger {result.finger_bpm:.1f} bpm, off by {result.mae_bpm:.1f} bpm on average"
    elif result.no_finger:
        beside = f"; no finger beside it: {result.no_finger}"
    windows = counted(len(result.rows_with_rate), "window")
    echo(f"heart rate {result.hr_bpm:.1f} bpm: mean of {windows} of 10 s{beside}")


def _table(result: "Prediction") -> "Table":
    """Make the table of windows; neighbours share a row where there are more than `_ROWS`."""
    from rich.table import Table

    from acq.terminal.curves import clock
    from dataset.signals.pulse_quality import quality_of
    from models.live.predict import mean_of_known

    has_finger = result.finger_bpm is not None
    table = Table()
    for heading in (
        "ten seconds until", "heart rate [bpm]", "quality",
        *(("finger [bpm]", "error [bpm]") if has_finger else ()),
    ):
        table.add_column(heading, justify="left" if heading == "quality" else "right")
    with_rate = result.rows_with_rate
    each = -(-len(with_rate) // _ROWS)
    for rows in (with_rate[at:at + each] for at in range(0, len(with_rate), each)):
        until = clock(rows[0].reading.time_s)
        if each > 1:
            until += f" to {clock(rows[-1].reading.time_s)}"
        finger = (
            _number([row.finger_bpm for row in rows]),
            _number([row.error_bpm for row in rows], "+.1f"),
        )
        table.add_row(
            until, _number([row.hr_bpm for row in rows]),
            quality_of(mean_of_known([row.similarity for row in rows]) or 0.0),
            *(finger if has_finger else ()),
        )
    return table


def _number(values: "list[float | None]", form: str = ".1f") -> str:
    from models.live.predict import mean_of_known

    mean = mean_of_known(values)
    return "" if mean is None else f"{mean:{form}}"


def _columns(result: "Prediction") -> list[float | None]:
    """Average the heart rates of each column of the curve; None where there was none."""
    from models.live.predict import mean_of_known

    wide = max(1, min(_WIDE, round(result.seconds)))
    columns: list[list[float | None]] = [[] for _ in range(wide)]
    for row in result.rows_with_rate:
        columns[min(wide - 1, int(row.reading.time_s / result.seconds * wide))].append(row.hr_bpm)
    return [mean_of_known(column) for column in columns]
