"""The samples of a recording, placed on the host's clock and written as they come.

A sensor may go away and come back. The gap is one jump in the file's sequence, under the cause of
the gap; a device that restarted meanwhile counts its samples and ticks anew, so that everything
known of its clock is that of one boot.

Times while recording are first estimates, above all of samples that waited while the host did not
run. So when the recording closes all samples are placed again, and by their final times the jumps
and their causes are counted again.
"""

from collections import Counter, deque
from collections.abc import Sequence

import numpy as np

from acquire import layout
from acquire.clock.number_samples import MEASURED_NS
from acquire.clock.place_arrivals import TOO_FAST, doubt_rate, lateness_text
from acquire.clock.place_recording import place_recording
from acquire.clock.place_samples import LivePlacer
from acquire.clock.ticks import TickCounter
from acquire.host_time import ClockReading, Suspension
from acquire.other_sensors.scale import FULL, Scale, make_values
from acquire.sensor.arrival import ArrivalTiming, ReadingSample
from acquire.sensor.finger import FINGER_OFF, FLAT_LINE, FingerWatch
from acquire.sensor.items import ScaleWidened, SensorBack, SensorLost
from acquire.sensor.pings import Exchange
from acquire.sensor.protocol import Hello, Sample, Status
from acquire.sensor.thread import FELL_SILENT
from acquire.session.span import Span
from acquire.session.writer import SessionWriter

from .host_watch import HostPause
from .losses import (
    LOST_SAMPLES,
    Losses,
    SilenceCount,
    cause_of_flags,
    correct_events,
    count_jumps,
    jump_text,
)
from .status import SHOWN_S

_LATEST = 64                    # samples; a buffer that is handed on twice holds some 20


class _Boot:
    """What is known of one boot of the device."""

    def __init__(self, number: int, hello: Hello) -> None:
        self.number = number
        self.hello = hello
        self.clock = LivePlacer(hello.tick_hz, hello.rate_hz)
        self.tick_counter = TickCounter()
        self.status: Status | None = None            # the device counts from its boot on
        self.last_sample: tuple[int, int] | None = None      # its own sequence, and unwrapped ticks
        # sequence and time [ns] of the first sample with a bound
        self.first_placed: tuple[int, int] | None = None


class SampleStream:
    """Writes the samples of one recording, with the pings that place them, and counts them."""

    def __init__(
        self, writer: SessionWriter, hello: Hello, start_ns: int, *,
        timing: ArrivalTiming | None = None,
    ) -> None:
        self.timing = timing        # of a sensor without a clock
        self.losses = Losses()
        self.gap_cause = ""         # of the gap that goes on, until the first sample behind it
        self.last_arrival_ns = start_ns
        # of the placed recording: the widest bound [ms], and how many samples have none
        self.widest_bound_ms: float | None = None
        self.unbounded = 0
        self.doubts: tuple[str, ...] = ()            # about its times, in words
        self._start_ns = start_ns
        self._writer = writer
        self._silence = None if timing is None else SilenceCount(hello.rate_hz)
        self._boot = _Boot(0, hello)
        self._bound_ns = -1                          # of the latest sample
        self._latest_value = 0.0
        self._last_stamp_ns = start_ns               # arrival of the last packet that bore ticks
        self._cause_of_row: dict[int, str] = {}      # rows of the file behind a gap, and its cause
        self._suspensions: list[Suspension] = []
        self._sequence_offset = 0   # from the device's sequence, which START resets, to the file's
        self._last_ticks = 0                         # of the latest sample
        # time of the latest sample; one before the first would be half a period early
        self._first_ns: int | None = None
        self._last_ns = start_ns - round(0.5e9 / hello.rate_hz)
        self._period_ns = 1e9 / hello.rate_hz        # on the host's clock
        self._finger = FingerWatch(hello.rate_hz, sensor=hello.sensor)
        self._wider_scale: Scale | None = None       # than the recording began with
        self._latest: deque[Sample] = deque(maxlen=_LATEST)
        self._repeated = 0                           # samples that came twice
        self._shown: deque[tuple[int, int]] = deque(maxlen=round(SHOWN_S * hello.rate_hz))

    @property
    def hello(self) -> Hello:
        """What the device said of itself at its latest start."""
        return self._boot.hello

    @property
    def bound_ms(self) -> float | None:
        """Bound of the latest sample's time [ms]; None while there is none."""
        return self._bound_ns / 1e6 if self._bound_ns >= 0 else None

    @property
    def latest(self) -> tuple[int, int, float]:
        """Time, bound [ns] and reading of the latest sample, by the live placement."""
        return self._last_ns, self._bound_ns, self._latest_value

    @property
    def no_finger_s(self) -> float:
        """How long the PPG has shown no finger, so far [s]."""
        return self._finger.seconds(FINGER_OFF, FLAT_LINE)

    @property
    def suspended_s(self) -> float:
        """How long the host has been suspended, so far [s]."""
        return sum(suspension.slept_ns for suspension in self._suspensions) / 1e9

    def silent_s(self, now_ns: int) -> float:
        """Return how long no sample has come [s]."""
        return max(0, now_ns - self.last_arrival_ns) / 1e9

    @property
    def span_ns(self) -> Span | None:
        """Times of the first sample and the last; None where none is in the file."""
        if self._first_ns is None or not self._writer.samples:
            return None
        return self._first_ns, self._last_ns

    @property
    def lost_so_far(self) -> dict[str, int]:
        """What is missing, by cause; of a sensor without a clock an estimate until it is placed."""
        silent = self._silence.missing if self._silence is not None else 0
        return dict(self.losses.by_cause + Counter({FELL_SILENT: silent}))

    def states(self, now_ns: int) -> dict[str, float]:
        """Return the faults that the PPG shows now, and for how long [s]."""
        return {
            kind: max(0.0, (now_ns - since_ns) / 1e9)
            for kind, since_ns in self._finger.states.items()
        }

    def shown(self) -> tuple[np.ndarray, np.ndarray]:
        """Return sequence and value of the last `SHOWN_S` seconds: (S,) int64, (S,) float64."""
        shown = np.array(self._shown, dtype=np.int64).reshape(-1, 2)
        return shown[:, 0], shown[:, 1].astype(np.float64)

    def add_sample(self, sample: Sample, arrival_ns: int) -> None:
        """Place a sample on the host's clock and write it."""
        if self._came_twice(sample):
            return
        boot = self._boot
        ticks = self._unwrap_sample(sample, arrival_ns)
        time_ns, bound_ns = boot.clock.place(ticks, arrival_ns)
        cause = cause_of_flags(sample.flags)
        if self.gap_cause:
            cause, self.gap_cause = self.gap_cause, ""
            self._cause_of_row[self._writer.samples] = cause
            sequence = self.losses.last + self._periods_since_last(ticks, time_ns)
            self._sequence_offset = sequence - sample.sequence
        # The device's sequence has 32 bits: at 100 Hz it wraps after 497 days.
        sequence = sample.sequence + self._sequence_offset
        missing = self.losses.advance(sequence, cause)
        self._first_ns = time_ns if self._first_ns is None else self._first_ns
        if self._silence is not None:
            self._silence.add(arrival_ns, sequence)
        self.last_arrival_ns = arrival_ns
        if missing:
            self._writer.add_event(arrival_ns, LOST_SAMPLES, jump_text(missing, sequence))
        self._writer.add_sample(
            sequence=sequence, ticks=ticks, value=sample.value, flags=sample.flags,
            arrival_ns=arrival_ns, time_ns=time_ns, bound_ns=bound_ns,
            reading=sample.reading if isinstance(sample, ReadingSample) else None,
        )
        self._bound_ns, self._latest_value = bound_ns, float(sample.value)
        if isinstance(sample, ReadingSample):
            self._latest_value = sample.reading
        self._last_ticks, self._last_ns = ticks, time_ns
        boot.last_sample = sample.sequence, ticks
        if boot.first_placed is None and bound_ns >= 0:
            boot.first_placed = sequence, time_ns
        self._shown.append((sequence, sample.value))
        for change in self._finger.add(sequence, sample.value, sample.flags, time_ns):
            self._writer.add_event(change.time_ns, change.kind, change.text)

    def _came_twice(self, sample: Sample) -> bool:
        """Return whether this very sample was here a moment ago: a faulty adapter repeats bytes.

        A device that restarted may well send the same ones as before; see `_start_boot`.
        """
        if sample in self._latest:
            self._repeated += 1
            return True
        self._latest.append(sample)
        return False

    def _unwrap_sample(self, sample: Sample, arrival_ns: int) -> int:
        """Unwrap a sample's ticks: by its number, which tells however late it is read."""
        boot = self._boot
        if self.gap_cause or boot.last_sample is None:
            return self._unwrap(sample.ticks, arrival_ns)
        sequence, ticks = boot.last_sample
        steps = (sample.sequence - sequence + 2**31) % 2**32 - 2**31
        expected = ticks + round(steps * boot.hello.tick_hz / boot.hello.rate_hz)
        boot.tick_counter.expect(expected - boot.number * layout.BOOT_TICKS)
        return self._unwrap(sample.ticks, arrival_ns)

    def _unwrap(self, ticks: int, arrival_ns: int) -> int:
        boot = self._boot
        if self.gap_cause:
            # A line may be away for longer than the 18 minutes that are half a turn of the counter.
            silent_ns = arrival_ns - self._last_stamp_ns + self._slept_ns(self._last_stamp_ns)
            boot.tick_counter.skip(round(silent_ns * 1e-9 * boot.hello.tick_hz))
        self._last_stamp_ns = arrival_ns
        return boot.number * layout.BOOT_TICKS + boot.tick_counter.unwrap(ticks)

    def _slept_ns(self, since_ns: int) -> int:
        """Return how long the host has been suspended since then [ns]."""
        return sum(s.slept_ns for s in self._suspensions if s.after_ns > since_ns)

    def _periods_since_last(self, ticks: int, time_ns: int) -> int:
        """Count the sample periods from the last sample to this one, the first behind a gap.

        A device that did not restart has counted ticks. For one that did, the host's clock tells,
        with the period measured before the restart: a resonator may be half a percent off.
        """
        period_ticks = self.hello.tick_hz / self.hello.rate_hz
        is_same_boot = ticks // layout.BOOT_TICKS == self._last_ticks // layout.BOOT_TICKS
        if self.losses.last >= 0 and is_same_boot:
            return max(1, round((ticks - self._last_ticks) / period_ticks))
        passed_ns = time_ns - self._last_ns + self._slept_ns(self._last_ns)
        return max(1, round(passed_ns / self._period_ns))

    def sensor_lost(self, lost: SensorLost) -> None:
        """Note that the sensor went away."""
        self.gap_cause = self.gap_cause or lost.cause
        self._writer.add_event(lost.time_ns, "sensor_lost", lost.reason)

    def sensor_back(self, back: SensorBack) -> None:
        """Note that the sensor is back: the next sample lies behind a gap.

        A sensor that restarted meanwhile has another clock.
        """
        if not self.gap_cause:      # it was never seen to go: silent, or another boot at once
            reason = f"{back.cause}: the last sample before it"
            self.sensor_lost(SensorLost(self.last_arrival_ns, back.cause, reason))
        self._writer.add_event(back.time_ns, "sensor_back", f"{self.gap_cause}; on {back.port}")
        if back.hello.boot_id != self.hello.boot_id:
            self._start_boot(back)

    def _start_boot(self, back: SensorBack) -> None:
        if (first := self._boot.first_placed) is not None:
            span_ns = self._last_ns - first[1]
            if span_ns > MEASURED_NS:
                self._period_ns = span_ns / (self.losses.last - first[0])
        self._boot = _Boot(self._boot.number + 1, back.hello)
        self._latest.clear()
        text = f"boot {self._boot.number}: id {back.hello.boot_id:#010x}"
        self._writer.add_event(back.time_ns, "boot", text)

    def widen_scale(self, widened: ScaleWidened) -> None:
        """Take a wider scale for the values from here on; those before follow in `place_all`."""
        (low, high), before = widened.scale, widened.before
        self._writer.add_event(
            widened.time_ns, "scale_widened",
            f"readings beyond {before[0]:g} to {before[1]:g}: the scale is {low:g} to {high:g}",
        )
        self._writer.set_scale(widened.scale, widened.hello.adc_bits)
        self._boot.hello = widened.hello
        self._wider_scale = widened.scale
        gain = (before[1] - before[0]) / (high - low)
        offset = (before[0] - low) * FULL / (high - low)
        self._finger.rescale(gain, offset, sensor=widened.hello.sensor)
        shown = [(sequence, round(value * gain + offset)) for sequence, value in self._shown]
        self._shown = deque(shown, self._shown.maxlen)

    def add_clocks(self, clocks: ClockReading) -> None:
        """Write a reading of the host's two clocks."""
        self._writer.add_clocks(clocks.monotonic_ns, clocks.raw_ns)
        self._boot.clock.add_clock_reading(clocks.monotonic_ns, clocks.raw_ns)

    def add_suspension(self, suspension: Suspension) -> None:
        """Note that the host was suspended: a new stretch of its clock begins."""
        self._suspensions.append(suspension)
        self._writer.add_suspension(suspension)
        self._writer.add_event(
            suspension.after_ns, "host_suspended",
            f"for {suspension.slept_ns / 1e9:.2f} s, which the session's clock does not show",
        )
        self._boot.clock.begin_stretch()

    def add_exchange(self, exchange: Exchange) -> None:
        """Write an answered ping and update the live clock."""
        pong = exchange.pong
        rx_ticks = self._unwrap(pong.rx_ticks, exchange.recv_ns)
        tx_ticks = self._unwrap(pong.tx_ticks, exchange.recv_ns)
        row = exchange.sent_ns, rx_ticks, tx_ticks, exchange.recv_ns, pong.id
        self._writer.add_exchange(*row)
        if not self._suspensions or exchange.sent_ns >= self._suspensions[-1].after_ns:
            self._boot.clock.add_exchange(*row)

    def add_status(self, status: Status, arrival_ns: int) -> None:
        """Note what the device has counted since its last report.

        The cause of a gap comes from the flag of the sample behind it, so a gap that the device and
        the line share is counted under one of them; the device's own count of overruns is kept as
        an event. What it counted before its first report may be from before the recording.
        """
        last = self._boot.status
        self._boot.status = status
        if last is None:
            return
        if unreadable := max(0, status.bad_packets - last.bad_packets):
            text = f"{unreadable} from the host, unreadable on the device"
            self._writer.add_event(arrival_ns, "bad_packets", text)
        if overruns := max(0, status.overruns - last.overruns):
            text = f"{overruns} samples that the device had no room for"
            self._writer.add_event(arrival_ns, "overruns", text)

    def place_all(self, pauses: Sequence[HostPause]) -> None:
        """Place all samples again, from the whole recording, and count the jumps anew.

        Parameters
        ----------
        pauses : when this process did not run
        """
        if not self._writer.samples:
            return
        if self._repeated:
            text = f"{self._repeated} samples came twice from the adapter; the second left out"
            self._writer.add_event(self.last_arrival_ns, "repeated_samples", text)
        suspensions = np.array(self._suspensions, layout.SUSPENSION_DTYPE)
        ticks, arrival_ns, counted = (
            self._writer.column(name)
            for name in (layout.PPG_TICKS, layout.PPG_ARRIVAL, layout.PPG_SEQUENCE)
        )
        time_ns, bound_ns, sequence, late_ns, timing = place_recording(
            self._writer.column(layout.EXCHANGES), self._writer.column(layout.CLOCKS),
            ticks, arrival_ns, counted, tick_hz=self.hello.tick_hz, rate_hz=self.hello.rate_hz,
            timing=self.timing, suspensions=suspensions, start_ns=self._start_ns,
        )
        if timing is not None:
            self._note_lateness(late_ns, timing)
            if timing.delay == TOO_FAST:
                self.doubts = (doubt_rate(arrival_ns, self.hello.rate_hz),)
        self._make_values()
        is_new = bool((sequence != counted).any())
        self._writer.place_ppg(time_ns, bound_ns, sequence if is_new else None)
        if is_new:
            events = self._writer.column(layout.EVENTS)
            corrected, more = correct_events(events, counted, sequence, arrival_ns)
            self._writer.replace_rows(layout.EVENTS, corrected)
            for event in more:
                self._writer.add_event(*event)
        self.losses = Losses(int(sequence[-1]), count_jumps(
            counted, sequence, time_ns, self._writer.column(layout.PPG_FLAGS), self._cause_of_row,
            pauses=pauses, suspensions=self._suspensions, is_numbered=self._silence is None,
        ))
        self._first_ns, self._last_ns = int(time_ns[0]), int(time_ns[-1])
        if bound_ns[-1] >= 0:       # it may have been read long after it came
            end_ns = int(time_ns[-1]) + round(0.5e9 / self.hello.rate_hz)
            self.last_arrival_ns = min(self.last_arrival_ns, end_ns)
        self.unbounded = int(np.count_nonzero(bound_ns < 0))
        if self.unbounded < len(bound_ns):
            self.widest_bound_ms = float(bound_ns.max()) / 1e6

    def _make_values(self) -> None:
        """Make all values by one scale, where it became wider while recording."""
        if self._wider_scale is None:
            return
        values, flags = make_values(
            self._writer.column(layout.READING), self._writer.column(layout.PPG_FLAGS),
            self._wider_scale,
        )
        self._writer.replace_rows(layout.PPG_VALUE, values)
        self._writer.replace_rows(layout.PPG_FLAGS, flags)

    def _note_lateness(self, late_ns: int, timing: ArrivalTiming) -> None:
        """Note what samples of a sensor without a clock were late by, and what bounds their times.

        The bound is in the file first: a reader adds the lateness where there is no such event.
        """
        self.timing = timing
        self._writer.set_delay(timing.delay_most_ns)
        self._writer.add_event(
            self.last_arrival_ns, layout.ARRIVALS_LATE, lateness_text(late_ns)
        )
