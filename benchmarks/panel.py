"""What the operator's panel costs beside a recording: CPU per second, and bytes to the terminal.

python -m benchmarks.panel
"""

import io
import time

import numpy as np
from rich.console import Console
from rich.live import Live

from acq.terminal.panel import DRAW_S, FACE_S, PULSE_S
from acq.terminal.panel_view import PanelState, render_panel
from acquire.camera.source import CameraInfo
from acquire.recorder.cues import Cue, CueProtocol
from acquire.recorder.status import RecordingStatus
from acquire.sensor.finger import FingerWatch
from acquire.simulation.subject import VirtualSubject
from dataset.face.quick_look import frame_luma, load_detector, spot_face
from dataset.signals.pulse_quality import PulseReading, read_finger

ROUNDS = 100


def cpu_ms(work, rounds=ROUNDS):
    work()
    began = time.thread_time()
    for _ in range(rounds):
        work()
    return (time.thread_time() - began) * 1e3 / rounds


def main():
    subject = VirtualSubject("S01")
    load_detector()
    camera = CameraInfo("csi", 640, 360, 25.0, "I420", "end of frame")
    numbers = np.arange(250)
    ppg = 26000 + 13000 * subject.ppg(numbers / 25)
    status = RecordingStatus(
        start_ns=0, elapsed_s=65.0, frames=1625, samples=1624, lost_frames={}, lost_samples={},
        fps=25.0, sync_bound_ms=0.5, free_bytes=20_000_000_000, file_bytes=195_000_000,
        camera=camera, frame=subject.frame(3.0, 75), ppg_rate_hz=25, ppg_sequence=numbers,
        ppg_value=ppg, camera_silent_s=0.0, sensor_silent_s=0.0, states={}, no_finger_s=0.0,
    )
    shown = PanelState(
        "S01", "/dev/ttyACM0", 720.0, CueProtocol("p", (Cue("rest", 720.0, "Sit still"),)),
        keys=True, pulse=PulseReading(72.0, 0.9, "good"), face=True,
    )
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=80, height=24)
    with Live(console=console, auto_refresh=False) as live:
        draw_ms = cpu_ms(
            lambda: live.update(render_panel(status, shown, elapsed_s=65.0, width=80), refresh=True)
        )
    bytes_each = len(out.getvalue().encode()) / (ROUNDS + 1)
    pulse_ms = cpu_ms(lambda: read_finger(numbers, ppg, 25))
    face_ms = cpu_ms(lambda: spot_face(frame_luma(status.frame, camera)), 20)
    watch = FingerWatch(25)
    values = [int(value) for value in ppg]

    def samples():
        for sequence, value in zip(numbers.tolist(), values, strict=True):
            watch.add(sequence, value, 0, sequence * 40_000_000)

    sample_ms = cpu_ms(samples, 10) / len(values)
    rows = [
        ("draw the panel", draw_ms, 1 / DRAW_S), ("read the pulse", pulse_ms, 1 / PULSE_S),
        ("look for a face", face_ms, 1 / FACE_S), ("watch a sample", sample_ms, 25.0),
    ]
    print("| | CPU, ms each | a second | % of a core |")
    print("|---|---|---|---|")
    for name, ms, each_s in rows:
        print(f"| {name} | {ms:.2f} | {each_s:g} | {ms * each_s / 10:.2f} |")
    print(f"| all | | | {sum(ms * each_s for _, ms, each_s in rows) / 10:.1f} |")
    print(
        f"\n{bytes_each / 1e3:.1f} kB a draw, {bytes_each / DRAW_S / 1e3:.0f} kB/s to the terminal."
    )


if __name__ == "__main__":
    main()
