"""The verb `acq record`."""

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from acq.options import Data, Fps, Json, Quiet, parse_duration
from acquire.errors import AcqError, DeviceError

if TYPE_CHECKING:
    from acquire.devices import FrameSource
    from acquire.ppg import Sensor
    from acquire.recorder import Recorder
    from acquire.recording import RecordingStatus, RecordingSummary


def record(
    subject: Annotated[str, typer.Option("--subject", help="Pseudonym of the person, such as S01.")],
    duration: Annotated[
        str | None, typer.Option("--duration", metavar="TIME", help="Stop after 60s, 2min, 1h. Without it: until Ctrl-C.")
    ] = None,
    camera: Annotated[
        str, typer.Option("--camera", metavar="SPEC", help="auto, csi, uvc:/dev/video0, gst:PIPELINE, replay:VIDEO[?times=CSV].")
    ] = "auto",
    port: Annotated[
        str, typer.Option("--port", metavar="SPEC", help="auto (asks every serial port), or a path such as /dev/ttyACM0.")
    ] = "auto",
    fps: Fps = 25.0,
    simulate: Annotated[bool, typer.Option("--simulate", help="Record a virtual subject: no hardware.")] = False,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the virtual subject.")] = 0,
    data: Data = Path("data"),
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Record face video and finger PPG in sync into one session file. Ctrl-C ends it cleanly."""
    from acquire.camera import check_spec
    from acquire.layout import SESSION_SUFFIX, sessions_dir
    from acquire.recorder import Recorder, check_subject
    from acquire.rig import light_offset_for

    duration_s = None if duration is None else parse_duration(duration)
    check_subject(subject)
    check_spec(camera)
    if simulate and (camera != "auto" or port != "auto"):
        raise typer.BadParameter("--simulate brings its own camera and sensor; leave out --camera and --port")
    day = len(list((sessions_dir(data) / subject).glob(f"*{SESSION_SUFFIX}")))      # a virtual subject's next one
    with _open_rig(subject, camera, port, fps, simulate=simulate, seed=seed, day=day) as (frames, sensor):
        light_offset, warning = light_offset_for(frames.info, data)
        if warning:
            typer.secho(f"acq: {warning}", fg="yellow", err=True)
        recorder = Recorder(frames, sensor, light_offset=light_offset)
        _stop_on_signals(recorder)
        if not quiet:
            typer.echo(f"recording {subject}: {frames.info.name} and {sensor.port}; Ctrl-C ends it", err=True)
        for complaint in frames.info.complaints:
            typer.secho(f"acq: {complaint}", fg="yellow", err=True)
        with _display(duration_s, quiet=quiet) as on_status:
            summary = recorder.record(data, subject, duration_s=duration_s, on_status=on_status)
    if as_json:
        typer.echo(json.dumps({**asdict(summary), "path": str(summary.path)}))
    else:
        _report(summary)
    if not summary.complete:
        raise AcqError(f"the recording ended early: {summary.stopped_by}; what was saved is in {summary.path}")


@contextmanager
def _open_rig(
    subject: str, camera: str, port: str, fps: float, *, simulate: bool, seed: int, day: int
) -> Iterator[tuple["FrameSource", "Sensor"]]:
    """Open camera and sensor; what is missing is said of both at once."""
    from acquire.camera import open_camera
    from acquire.ppg import open_sensor

    if simulate:
        from acquire.virtual_rig import open_virtual_rig

        virtual = open_virtual_rig(subject, fps=fps, seed=seed, session=day)
        with virtual, closing(open_sensor(virtual.port)) as sensor:
            yield virtual.camera, sensor
        return
    with ExitStack() as opened:
        found: list = []
        missing: list[str] = []
        for opener in (lambda: open_camera(camera, fps), lambda: open_sensor(port)):
            try:
                found.append(opened.enter_context(closing(opener())))
            except DeviceError as error:
                missing.append(str(error))
        if missing:
            if "auto" in (camera, port):
                missing.append("or record a virtual subject with --simulate")
            raise DeviceError(" | ".join(missing))
        yield found[0], found[1]


def _stop_on_signals(recorder: "Recorder") -> None:
    """End cleanly on Ctrl-C, on SIGTERM, and when the SSH connection drops; a second signal ends at once, uncleanly."""

    def stop(number: int, _frame: object) -> None:
        recorder.stop(signal.Signals(number).name)
        signal.signal(number, signal.SIG_DFL)

    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) != signal.SIG_IGN:      # nohup
            signal.signal(number, stop)


@contextmanager
def _display(duration_s: float | None, *, quiet: bool) -> Iterator["Callable[[RecordingStatus], None] | None"]:
    """Show a bar (or a running clock) with what matters: rate, losses, sync bound."""
    if quiet:
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (BarColumn(bar_width=8), TextColumn("{task.fields[text]}"))      # fits 80 columns
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("recording", total=duration_s, text="waiting for the first frames")

        def on_status(status: "RecordingStatus") -> None:
            bound = "no sync yet" if status.sync_bound_ms is None else f"±{status.sync_bound_ms:.1f} ms"
            minutes, seconds = divmod(int(status.elapsed_s), 60)
            progress.update(task, completed=status.elapsed_s, text=(
                f"{minutes}:{seconds:02d} {status.frames} frames {status.fps:.1f}/s · {status.samples} ppg · "
                f"lost {status.lost_frames}+{status.lost_samples} · {bound} · {status.free_bytes / 1e9:.0f} GB free"
            ))

        yield on_status


def _report(summary: "RecordingSummary") -> None:
    bound = "no sync bound" if summary.sync_bound_ms is None else f"sync within {summary.sync_bound_ms:.2f} ms"
    typer.echo(
        f"saved {summary.path}: {summary.frames} frames at {summary.fps:.2f}/s, {summary.samples} samples, "
        f"{summary.duration_s:.1f} s, {bound}; stopped by {summary.stopped_by}"
        + ("; simulated" if summary.simulated else "")
    )
    for what, losses in (("frames", summary.lost_frames), ("samples", summary.lost_samples)):
        for cause, count in losses.items():
            typer.secho(f"lost {count} {what}: {cause}", fg="yellow")
    if summary.raw_frames:
        typer.secho(f"{summary.raw_frames} frames stored raw: compressing fell behind", fg="yellow")
    for change in summary.period_changes:
        typer.secho(change, fg="yellow")
    for text in summary.camera_reopened:
        typer.secho(f"camera opened again: {text}", fg="yellow")
    if summary.identical_frames:
        typer.secho(f"{summary.identical_frames} frames are the one before them, byte for byte: the camera froze", fg="yellow")
