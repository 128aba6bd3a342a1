"""The verb `acq record`."""

import json
import signal
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from acq.open_devices import check_simulate, open_rig
from acq.options import Camera, Data, Fps, Json, Net, Port, parse_duration
from acq.terminal.tables import counted
from acquire.errors import AcqError

if TYPE_CHECKING:
    from acquire.camera.source import FrameSource
    from acquire.recorder.cues import CueProtocol
    from acquire.recorder.recorder import Recorder
    from acquire.recorder.recording import RecordingStatus, RecordingSummary
    from models.live.watch import LiveThread


def record(
    subject: Annotated[
        str, typer.Option("--subject", help="Pseudonym of the person, such as S01.")
    ],
    duration: Annotated[
        str | None,
        typer.Option(
            "--duration", metavar="TIME", help="Stop after 60s, 2min, 1h. Without it: until Ctrl-C."
        ),
    ] = None,
    camera: Camera = "auto",
    port: Port = "auto",
    fps: Fps = 25.0,
    simulate: Annotated[
        bool, typer.Option("--simulate", help="Record a virtual subject: no hardware.")
    ] = False,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the virtual subject.")] = 0,
    protocol: Annotated[
        Path | None,
        typer.Option(
            "--protocol", metavar="FILE", help="YAML file of timed cues; they set the length too."
        ),
    ] = None,
    bell: Annotated[
        bool, typer.Option("--bell", help="Ring the terminal's bell at each cue.")
    ] = False,
    live: Annotated[
        bool,
        typer.Option("--live", help="Show the face's pulse beside the finger's (extra board)."),
    ] = False,
    net: Net = None,
    data: Data = Path("data"),
    quiet: Annotated[
        bool,
        typer.Option("--quiet", help="No panel, no lines while recording, no keys, no questions."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Record face video and finger PPG in sync into one session file. Ctrl-C ends it cleanly."""
    from acquire.calibration.rig_file import light_offset_for
    from acquire.camera.open import HEIGHT, WIDTH, check_spec
    from acquire.data_folder import SESSION_SUFFIX, sessions_dir
    from acquire.recorder.cues import load_cues
    from acquire.recorder.recorder import Recorder, check_space, check_subject

    duration_s = None if duration is None else parse_duration(duration)
    check_subject(subject)
    check_spec(camera)
    check_simulate(camera, port, simulate=simulate)
    if live and quiet:
        raise typer.BadParameter("--live shows something; leave out --quiet")
    if net is not None and not live:
        raise typer.BadParameter("--net names what reads the face's pulse; say --live too")
    cues = None if protocol is None else load_cues(protocol)
    if cues is not None and duration_s is None:
        duration_s = cues.seconds
    if cues is not None and duration_s is not None and duration_s < cues.seconds - 1e-6:
        typer.secho(
            f"acq: --duration of {duration_s:g} s cuts the protocol {cues.name} short: it takes "
            f"{cues.seconds:g} s",
            fg="yellow",
            err=True,
        )
    # again once the camera says its size
    check_space(sessions_dir(data) / subject, WIDTH * HEIGHT * 1.5 * fps, duration_s)
    if not (quiet or as_json or simulate) and sys.stdin.isatty() and sys.stderr.isatty():
        from .subject import ask

        ask(data, subject)
    # a virtual subject's next one
    day = len(list((sessions_dir(data) / subject).glob(f"*{SESSION_SUFFIX}")))
    with open_rig(camera, port, fps, simulate=simulate, seed=seed, subject=subject, day=day) as (
        frames, sensor,
    ):
        light_offset, warning = light_offset_for(frames.info, data)
        if warning:
            typer.secho(f"acq: {warning}", fg="yellow", err=True)
        recorder = Recorder(frames, sensor, light_offset=light_offset)
        if not quiet:
            typer.echo(
                f"recording {subject}: {frames.info.name} and {sensor.port}; Ctrl-C ends it",
                err=True,
            )
        for complaint in frames.info.complaints:
            typer.secho(f"acq: {complaint}", fg="yellow", err=True)
        with (
            _live_thread(frames, net) if live else nullcontext() as face,
            _display(
                recorder, subject, sensor.port, duration_s, cues, face, quiet=quiet, bell=bell
            ) as on_status,
        ):
            summary = recorder.record(
                data, subject, duration_s=duration_s, cues=cues.cues if cues else (),
                on_status=on_status, on_frame=face.offer if face is not None else None,
            )
    if as_json:
        typer.echo(json.dumps({**asdict(summary), "path": str(summary.path)}))
    else:
        _report(summary)
    if not summary.complete:
        raise AcqError(
            f"the recording is incomplete: {summary.fault}; what was saved is in {summary.path}"
        )


def _stop_on_signals(recorder: "Recorder", leave_terminal: Callable[[], None]) -> None:
    """End cleanly on Ctrl-C, on SIGTERM, and when the SSH connection drops; a second signal ends at
    once, uncleanly.

    The terminal is given back at the first: the second asks nobody.
    """

    def stop(number: int, _frame: object) -> None:
        recorder.stop(signal.Signals(number).name)
        leave_terminal()
        signal.signal(number, signal.SIG_DFL)

    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) != signal.SIG_IGN:      # nohup
            signal.signal(number, stop)


@contextmanager
def _live_thread(camera: "FrameSource", net: Path | None) -> Iterator["LiveThread"]:
    """Read the face's pulse in a thread of its own; what is missing for it is said before anything
    is recorded.
    """
    from models.live.pulse import open_live_pulse
    from models.live.watch import LiveThread

    with ThreadPoolExecutor(1, thread_name_prefix="face") as aside:
        live = open_live_pulse(net, aside=aside)
        with LiveThread(live, camera.info) as thread:
            yield thread


@contextmanager
def _display(
    recorder: "Recorder", subject: str, port: str, duration_s: float | None,
    cues: "CueProtocol | None", face: "LiveThread | None", *, quiet: bool, bell: bool,
) -> Iterator["Callable[[RecordingStatus], None] | None"]:
    """Show the panel and listen for keys, where there is a terminal; plain lines where there is
    none.
    """
    if quiet:
        _stop_on_signals(recorder, lambda: None)
        yield None
        return
    from acq.terminal.keys import Keys, can_read_keys
    from acq.terminal.panel import Panel, Shown

    with ExitStack() as opened:
        shown = Shown(subject, port, duration_s, cues, keys=sys.stderr.isatty() and can_read_keys())
        panel = Panel(recorder, shown, face=face, bell=bell)
        keys = Keys(panel.on_key) if shown.keys else None

        def leave_terminal() -> None:
            panel.end()
            if keys is not None:
                keys.restore()

        _stop_on_signals(recorder, leave_terminal)
        opened.enter_context(panel)
        if keys is not None:
            opened.enter_context(keys)
        yield panel.on_status


def _report(summary: "RecordingSummary") -> None:
    bound = (
        "no sync bound"
        if summary.sync_bound_ms is None
        else f"sync within {summary.sync_bound_ms:.2f} ms"
    )
    typer.echo(
        f"saved {summary.path}: {counted(summary.frames, 'frame')} at {summary.fps:.2f}/s, "
        f"{counted(summary.samples, 'sample')}, "
        f"{summary.duration_s:.1f} s, {bound}; stopped by {summary.stopped_by}"
        + ("; simulated" if summary.simulated else "")
    )
    for what, losses in (("frame", summary.lost_frames), ("sample", summary.lost_samples)):
        for cause, count in losses.items():
            typer.secho(f"lost {counted(count, what)}: {cause}", fg="yellow")
    if summary.raw_frames:
        typer.secho(
            f"{counted(summary.raw_frames, 'frame')} stored raw: compressing fell behind",
            fg="yellow",
        )
    if summary.no_finger_s >= 0.1:
        typer.secho(f"{summary.no_finger_s:.1f} s without a finger on the sensor", fg="yellow")
    if summary.period_changes:                     # a camera in changing light does so without end
        more = len(summary.period_changes) - 1
        typer.secho(
            summary.period_changes[0] + (f"; and {counted(more, 'change')} more" if more else ""),
            fg="yellow",
        )
    if len(summary.camera_reopened) == 1:
        typer.secho(f"camera opened again: {summary.camera_reopened[0]}", fg="yellow")
    elif summary.camera_reopened:                  # one that flaps does so without end
        times = len(summary.camera_reopened)
        typer.secho(
            f"camera opened again {times} times, away for {summary.camera_away_s:.1f} s in all",
            fg="yellow",
        )
    if summary.identical_frames:
        these = "1 frame is the one before it" if summary.identical_frames == 1 else (
            f"{summary.identical_frames} frames are the one before them"
        )
        typer.secho(f"{these}, byte for byte: the camera froze", fg="yellow")
