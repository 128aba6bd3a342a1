"""The verb `acq live`."""

import math
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from acq import complete
from acq.advice import in_data
from acq.options import (
    Data,
    Duration,
    Force,
    Fps,
    NetPath,
    Seed,
    TableFile,
    parse_duration,
)
from acq.terminal.printing import echo, is_stdout_read, note, print_json, warn
from acq.terminal.pulse_rows import GrowingCsv, row_dict
from acquire.errors import DeviceError, SessionError
from acquire.interrupts import SIGNALS, heard
from dataset.common.wording import counted

if TYPE_CHECKING:
    from acq.terminal.live_panel import FingerTrace
    from models.live.reader import LiveReader
    from models.live.sources import LiveSource
    from models.live.states import LiveReading

_BACK_S = 12.0               # of a session, before it is followed: what a heart rate takes
_WAIT_S = 0.1


Source = Annotated[
    str,
    typer.Argument(metavar="[SPEC|SESSION|FOLDER]", show_default=True,
                   help="A camera as for acq record, or a session that is being recorded (of a "
                        "folder, the newest).", autocompletion=complete.sessions),
]
Simulate = Annotated[
    bool, typer.Option("--simulate", help="Look at a virtual subject: no camera.")
]
JsonLines = Annotated[
    bool, typer.Option("--json", help="Print each heart rate and state as a line of JSON.")
]


def live(
    source: Source = "auto",
    duration: Duration = None,
    fps: Fps = 25.0,
    simulate: Simulate = False,
    seed: Seed = 0,
    net: NetPath = None,
    table: TableFile = None,
    data: Data = Path("data"),
    force: Force = False,
    as_json: JsonLines = False,
) -> None:
    """Read the pulse of whoever sits before a camera, now. Without torch."""
    from acq.open_net import open_pulse
    from dataset.common.table_file import check_table
    from models.live.reader import LiveReader

    duration_s = None if duration is None else parse_duration(duration)
    check_table(table, force=force, grows=True)
    if simulate and source != "auto":
        raise typer.BadParameter("--simulate brings its own camera; leave out the source")
    with ExitStack() as opened:
        executor = opened.enter_context(ThreadPoolExecutor(1, thread_name_prefix="face"))
        pulse, origin = open_pulse(net, data, executor=executor)
        reader = LiveReader(pulse)
        frames = opened.enter_context(_open_source(source, data, fps, simulate=simulate, seed=seed))
        if frames.is_camera:
            pulse.note_camera()
        _warn_if_short(duration_s, frames)
        if not as_json:
            note(f"read by {origin.describe(pulse.net.constants)}")
        grown = opened.enter_context(GrowingCsv(table)) if table is not None else None
        sha256 = origin.origin(pulse.net.constants)["sha256"] if as_json else ""
        rates = _read_until_end(reader, frames, duration_s, grown, json_net=sha256)
    if not as_json:
        result = "no heart rate was read"
        if rates:
            windows = counted(len(rates), "window")
            result = f"heart rate {sum(rates) / len(rates):.1f} bpm, the mean of {windows} of 10 s"
        echo(f"{frames.name}: {counted(reader.frames, 'frame')}; {result}")


def _warn_if_short(duration_s: float | None, source: "LiveSource") -> None:
    """Warn of a time in which no heart rate can be read; what was recorded before counts, too."""
    from dataset.signals.filters import WINDOW_S
    from models.live.pulse import WEIGH_S
    from models.live.sources import CameraFrames

    if duration_s is not None and isinstance(source, CameraFrames):
        least_s = WINDOW_S + WEIGH_S
        if duration_s < least_s:
            warn(
                f"--duration of {duration_s:g} s is too short for a heart rate: it takes "
                f"{least_s:g} s of a face"
            )


@contextmanager
def _open_source(
    source: str, data: Path, fps: float, *, simulate: bool, seed: int
) -> Iterator["LiveSource"]:
    import h5py

    from models.live.sources import CameraFrames, FollowedFrames

    path = _find_source(source, data)
    if path.is_file() and not h5py.is_hdf5(path) and path.suffix != ".h5":
        raise SessionError(
            expected="a camera or a session", found=f"the file {path}",
            fix=f"a video is played with replay:{path}, and {in_data('acq predict')} reads it",
        )
    if not simulate and (path.exists() or path.suffix == ".h5"):
        from dataset.session.follow import Following

        with Following(path, back_s=_BACK_S) as following:
            yield FollowedFrames(following)
        return
    if simulate:
        from acquire.simulation.rig import VirtualCamera
        from acquire.simulation.subject import VirtualSubject

        camera = VirtualCamera(VirtualSubject("S01", seed=seed), fps=fps, seed=seed)
    else:
        from acq.running.preview_lock import ask_to_let_go
        from acquire.camera.open import check_spec, open_camera

        try:
            check_spec(source)
        except DeviceError as error:
            error.fix = (
                "acq devices lists cameras; a session that is being recorded is named by its id "
                "or its file, or by a folder above it"
            )
            raise
        ask_to_let_go()
        camera = open_camera(source, fps)
    with closing(camera):
        for complaint in camera.info.complaints:
            warn(complaint)
        yield CameraFrames(camera)


def _find_source(source: str, data: Path) -> Path:
    """Return the path that a source names, of a session also by its id; else the source itself."""
    from acquire.data_folder import is_session_id, session_files

    if is_session_id(source):
        for path in session_files(data):
            if path.stem == source:
                return path
    return Path(source)


def _read_until_end(
    reader: "LiveReader", source: "LiveSource", duration_s: float | None,
    grown: GrowingCsv | None, *, json_net: str,
) -> list[float]:
    """Read until the end, Ctrl-C, or that time; return every heart rate.

    Parameters
    ----------
    json_net : hash of the network, to print JSON; "": show a panel or lines
    """
    from acq.terminal.live_panel import LiveScreen
    from acquire.camera.source import EndOfStream
    from models.live.predict import PredictionRow

    rates: list[float] = []
    first_s = None
    screen: LiveScreen | None = None if json_net else LiveScreen(source.name)
    with _until_signal() as is_over, screen or nullcontext():
        end_s = float("inf") if duration_s is None else time.monotonic() + duration_s
        while not is_over() and is_stdout_read() and time.monotonic() < end_s:
            try:
                frame = source.read(_WAIT_S)
            except EndOfStream:
                break
            if frame is not None and first_s is None:
                first_s = frame[1]
            news = (
                reader.note_silence() if frame is None
                else reader.read_frame(frame[0], frame[1] - (first_s or 0.0))
            )
            if news is not None:
                row = PredictionRow(news, _finger_bpm(source, news))
                rates += [] if row.hr_bpm is None else [row.hr_bpm]
                if grown is not None:
                    grown.add(row)
                if json_net:
                    print_json(
                        {**row_dict(row), "words": news.words, "net": json_net}, one_line=True
                    )
                elif screen is not None:
                    screen.say(news, row.finger_bpm)
            if screen is not None and reader.frames and screen.is_due():
                screen.draw(reader.snapshot(), _finger(source), rates)
    return rates


def _finger(source: "LiveSource") -> "FingerTrace | None":
    from acq.terminal.live_panel import FingerTrace
    from dataset.signals.pulse_quality import read_finger
    from models.live.sources import FollowedFrames

    if not isinstance(source, FollowedFrames):
        return None
    sequence, value = source.following.finger()
    rate_hz = source.following.rate_hz
    return FingerTrace(read_finger(sequence, value, rate_hz), sequence, value, rate_hz)


def _finger_bpm(source: "LiveSource", reading: "LiveReading") -> float | None:
    finger = None if reading.hr_bpm is None else _finger(source)
    if finger is None or finger.pulse is None or math.isnan(finger.pulse.hr_bpm):
        return None
    return finger.pulse.hr_bpm


@contextmanager
def _until_signal() -> Iterator:
    """Yield a function: whether Ctrl-C, SIGTERM or a lost SSH connection asked for the end."""
    asked: list[int] = []
    before = {
        number: signal.signal(number, lambda got, _: asked.append(got))
        for number in heard(*SIGNALS)
    }
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
