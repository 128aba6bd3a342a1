"""The verb `acq record`."""

import atexit
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from acq import complete
from acq.advice import advise
from acq.open_devices import check_simulate, open_devices, open_lsl
from acq.options import Camera, Data, Duration, Fps, Json, NetPath, Port, Seed, parse_duration
from acq.terminal.keys import Keys, can_read_keys
from acq.terminal.printing import echo, note, print_json, warn
from acquire.errors import AcqError
from acquire.interrupts import SIGNALS, heard

if TYPE_CHECKING:
    from acquire.camera.source import FrameSource
    from acquire.lsl.outlet import Outlets
    from acquire.lsl.recorded import RecordedStreams
    from acquire.other_sensors.port import OtherSensor
    from acquire.recorder.cues import CueProtocol
    from acquire.recorder.recorder import Recorder
    from acquire.recorder.status import RecordingStatus, RecordingSummary
    from acquire.sensor.port import Sensor
    from models.live.pulse import LivePulse
    from models.live.reader import LiveThread


SubjectId = Annotated[
    str,
    typer.Option("--subject", help="Pseudonym of the person, such as S01.",
                 autocompletion=complete.subjects),
]
Simulate = Annotated[
    bool, typer.Option("--simulate", help="Record a virtual subject: no hardware.")
]
SensorKind = Annotated[
    str,
    typer.Option("--sensor", metavar="KIND", autocompletion=complete.sensors,
                 help="auto, acq (our firmware), or another kind."),
]
SensorRate = Annotated[
    int | None,
    typer.Option("--sensor-rate", metavar="HZ", min=10, max=1000,
                 help="Readings a second of a sketch; measured where not given."),
]
Protocol = Annotated[
    Path | None,
    typer.Option("--protocol", metavar="FILE",
                 help="YAML file of timed cues; they set the length too."),
]
Bell = Annotated[bool, typer.Option("--bell", help="Ring the terminal's bell at each cue.")]
Live = Annotated[
    bool, typer.Option("--live", help="Show the face's pulse beside the finger's.")
]
Streams = Annotated[
    list[str] | None,
    typer.Option("--stream", metavar="NAME",
                 help="Record this LSL stream too; may be given again."),
]
SendLsl = Annotated[
    bool, typer.Option("--send-lsl", help="Send PPG samples and frame stamps as LSL streams.")
]
QuietRecording = Annotated[
    bool, typer.Option("--quiet", help="No panel, no lines while recording, no keys, no questions.")
]


def record(
    subject: SubjectId,
    duration: Duration = None,
    camera: Camera = "auto",
    port: Port = "auto",
    sensor: SensorKind = "auto",
    sensor_rate: SensorRate = None,
    fps: Fps = 25.0,
    simulate: Simulate = False,
    seed: Seed = 0,
    protocol: Protocol = None,
    bell: Bell = False,
    live: Live = False,
    net: NetPath = None,
    stream: Streams = None,
    send_lsl: SendLsl = False,
    data: Data = Path("data"),
    quiet: QuietRecording = False,
    as_json: Json = False,
) -> None:
    """Record face video and finger PPG in sync into one session file. Ctrl-C ends it cleanly."""
    from acquire.camera.open import HEIGHT, WIDTH
    from acquire.data_folder import SESSION_SUFFIX, sessions_dir
    from acquire.recorder.disk_space import check_space
    from acquire.writing import hold, recordings_of

    _check_request(data, subject, camera)
    check_simulate(camera, port, simulate=simulate)
    _check_sensor(sensor, sensor_rate, simulate=simulate)
    _check_shown(live=live, net=net, quiet=quiet, rings=bell, has_cues=protocol is not None)
    cues, duration_s = _protocol(protocol, None if duration is None else parse_duration(duration))
    folder = sessions_dir(data) / subject
    # checked once more by the recorder, when the camera has said its size
    check_space(folder, WIDTH * HEIGHT * 1.5 * fps, duration_s)
    day = len(list(folder.glob(f"*{SESSION_SUFFIX}")))        # a virtual subject's next one
    with (
        _live_pulse(net, data) if live else nullcontext() as pulse,
        open_devices(
            camera, port, fps, simulate=simulate, seed=seed, subject=subject, day=day,
            sensor=sensor, rate_hz=sensor_rate,
        ) as (frames, contact),
        open_lsl(stream or (), sends=send_lsl) as lsl,
    ):
        recorder = _prepare(frames, contact, data, lsl)
        if not (quiet or as_json or simulate) and can_read_keys() and sys.stderr.isatty():
            _ask_once(recorder, data, subject)
        with (
            hold(data, recordings_of(subject), into=(folder,), make=True),
            _live_thread(frames, pulse) if pulse is not None else nullcontext() as face,
            _display(
                recorder, subject, (frames.info.name, _named(contact)), duration_s, cues, face,
                data=data, quiet=quiet, bell=bell,
            ) as (on_status, on_end),
        ):
            summary = recorder.record(
                data, subject, duration_s=duration_s, cues=cues.cues if cues else (),
                on_status=on_status, on_frame=face.offer if face is not None else None,
            )
            on_end(summary)
    _report(summary, as_json=as_json)


def _check_request(data: Path, subject: str, camera: str) -> None:
    """Refuse what cannot be recorded before any device is opened; print what is doubtful."""
    from acquire.camera.open import check_spec
    from acquire.data_folder import check_new_subject, doubtful_names
    from acquire.host_time import doubt_date

    check_new_subject(data, subject)
    for doubt in filter(None, [*map(str, doubtful_names(data)), doubt_date(time.time())]):
        warn(doubt)
    check_spec(camera)


def _check_shown(
    *, live: bool, net: Path | None, quiet: bool, rings: bool, has_cues: bool
) -> None:
    """Refuse options that would do nothing."""
    if live and quiet:
        raise typer.BadParameter("--live shows something; leave out --quiet")
    if net is not None and not live:
        raise typer.BadParameter("--net names what reads the face's pulse; say --live too")
    if rings and not has_cues:
        raise typer.BadParameter("--bell rings at each cue; name the cues with --protocol")
    if rings and quiet:
        raise typer.BadParameter("--bell rings at each cue; leave out --quiet")


def _check_sensor(sensor: str, rate_hz: int | None, *, simulate: bool) -> None:
    """Refuse a kind of sensor that there is not, and a rate that would not be used."""
    from acquire.other_sensors.kinds import NAMES

    if sensor not in NAMES:
        raise typer.BadParameter(f"--sensor is one of {', '.join(NAMES)}, not {sensor!r}")
    if simulate and sensor != "auto":
        raise typer.BadParameter("--simulate brings its own sensor; leave out --sensor")
    if rate_hz is not None and not sensor.startswith("ascii"):
        raise typer.BadParameter("--sensor-rate is of a sketch that prints: say --sensor ascii")


def _named(sensor: "Sensor | OtherSensor") -> str:
    """Name the sensor in the line that a recording begins with."""
    kind = getattr(sensor, "description", "")
    return f"{sensor.port}, {kind}" if kind else sensor.port


def _ask_once(recorder: "Recorder", data: Path, subject: str) -> None:
    """Ask the operator what may be noted of a new subject, once the sensor is known to deliver."""
    from dataset.session.subject import read_subject

    from .subject import ask

    if read_subject(data, subject) is None:
        recorder.check_sensor()
        ask(data, subject)


def _protocol(
    path: Path | None, duration_s: float | None
) -> tuple["CueProtocol | None", float | None]:
    """Read the protocol of cues; it sets the recording's length where no other is asked for."""
    if path is None:
        return None, duration_s
    from acquire.recorder.cues import load_cues

    cues = load_cues(path)
    if duration_s is not None and duration_s < cues.seconds - 1e-6:
        warn(
            f"--duration of {duration_s:g} s cuts the protocol {cues.name} short: it takes "
            f"{cues.seconds:g} s"
        )
    return cues, duration_s or cues.seconds


def _prepare(
    frames: "FrameSource", sensor: "Sensor | OtherSensor", data: Path,
    lsl: tuple["RecordedStreams", "Outlets | None"],
) -> "Recorder":
    """Make the recorder, with the light offset of this rig; print what the camera lacks."""
    from acquire.calibration.rig_file import light_offset_for
    from acquire.recorder.recorder import Recorder

    light_offset, warning = light_offset_for(frames.info, data)
    for text in ([advise(warning, "record")] if warning else []) + list(frames.info.complaints):
        warn(text)
    streams, outlets = lsl
    return Recorder(frames, sensor, light_offset=light_offset, streams=streams, outlets=outlets)


def _stop_on_signals(
    recorder: "Recorder", leave_terminal: Callable[[], None], wait_left: Callable[[], None]
) -> None:
    """End cleanly on Ctrl-C, on SIGTERM, and when the SSH connection drops.

    The first signal asks for the end and gives the terminal back. Saving takes seconds: a signal
    that comes meanwhile, or while the process ends, is answered by a line and changes nothing.
    """
    asked: list[int] = []

    def say_saving() -> None:
        wait_left()              # the panel would erase the line
        warn(
            f"saving, Ctrl-C changes nothing now; `kill -9 {os.getpid()}` ends it and loses the end"
        )

    saying = threading.Thread(target=say_saving, name="saving", daemon=True)

    def stop(number: int, _frame: object) -> None:
        asked.append(number)     # first: the next signal may come within this call
        if len(asked) == 1:
            recorder.stop(signal.Signals(number).name)
            leave_terminal()
        elif len(asked) == 2:
            saying.start()       # not from here: a terminal that hangs would hold up the saving

    numbers = heard(*SIGNALS)
    for number in numbers:
        signal.signal(number, stop)
    # Python sets a handler of its own to the default as it ends, which would end it by the signal
    atexit.register(lambda: [signal.signal(number, signal.SIG_IGN) for number in numbers])


@contextmanager
def _live_pulse(net: Path | None, data: Path) -> Iterator["LivePulse"]:
    """Open what reads the face's pulse; fail before a device is opened if that cannot work."""
    from acq.open_net import open_pulse

    with ThreadPoolExecutor(1, thread_name_prefix="face") as executor:
        live, origin = open_pulse(net, data, executor=executor)
        note(f"face's pulse read by {origin.describe(live.net.constants)}")
        yield live


def _live_thread(camera: "FrameSource", pulse: "LivePulse") -> "LiveThread":
    """Read the face's pulse in a thread of its own."""
    from models.live.reader import LiveThread

    return LiveThread(pulse, camera.info)


@contextmanager
def _display(
    recorder: "Recorder", subject: str, devices: tuple[str, str], duration_s: float | None,
    cues: "CueProtocol | None", face: "LiveThread | None", *, data: Path, quiet: bool, bell: bool,
) -> Iterator["tuple[Callable[[RecordingStatus], None], Callable[[RecordingSummary], None]]"]:
    """Show the panel and listen for keys, or print plain lines where there is no terminal.

    Other programs are told of the recording. From the first line on, which names the devices,
    Ctrl-C ends the recording cleanly.
    """
    from acq.running.recording_socket import RecordingSocket
    from acq.terminal.panel_view import PanelState

    with ExitStack() as opened:
        has_keys = not quiet and sys.stderr.isatty() and can_read_keys()
        shown = PanelState(subject, devices[1], duration_s, cues, keys=has_keys)
        told = RecordingSocket(recorder, shown, data, devices[0], is_watched=not quiet)
        if quiet:
            _stop_on_signals(recorder, lambda: None, lambda: None)
            opened.enter_context(told)
            yield told.on_status, told.on_end
            return
        from acq.terminal.panel import Panel

        panel = Panel(recorder, shown, face=face, bell=bell)
        keys = Keys(panel.on_key) if shown.keys else None

        def leave_terminal() -> None:
            panel.end()
            if keys is not None:
                keys.restore()

        def on_status(status: "RecordingStatus") -> None:
            panel.on_status(status)
            told.on_status(status)

        _stop_on_signals(recorder, leave_terminal, panel.wait_left)
        # a script that begins it with & lets it hear no Ctrl-C
        hears = signal.getsignal(signal.SIGINT) is not signal.SIG_IGN
        ends = "Ctrl-C ends it" if hears else f"`kill {os.getpid()}` ends it, Ctrl-C does not"
        note(f"recording {subject}: {' and '.join(devices)}; {ends}")
        opened.enter_context(told)
        opened.enter_context(panel)
        if keys is not None:
            opened.enter_context(keys)
        yield on_status, told.on_end


def _report(summary: "RecordingSummary", *, as_json: bool) -> None:
    """Print what was recorded and what was lost; an incomplete recording is an error."""
    from acq.running.summary_words import saved, shortcomings

    try:
        if as_json:
            print_json({**asdict(summary), "path": str(summary.path)})
        else:
            echo(saved(summary))
            for line in shortcomings(summary):
                echo(line, fg="yellow")
    except OSError:                    # stdout takes nothing, as a full disk
        warn(saved(summary))
        raise
    if not summary.complete:
        raise AcqError(
            f"the recording is incomplete: {summary.fault}; what was saved is in {summary.path}"
        )
