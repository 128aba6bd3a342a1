"""Samples are placed one by one: none is lost silently, and none is there twice."""

from dataclasses import replace

from acquire import layout
from acquire.recorder.sample_stream import SampleStream
from acquire.sensor.items import SensorBack
from acquire.sensor.protocol import Sample
from acquire.session.writer import SessionWriter
from tests.support.fakes import HELLO, FakeCamera


def test_a_board_that_restarts_and_sends_the_same_samples_again_has_them_all(tmp_path):
    """Without a finger each start looks like the one before: numbers, ticks and values are equal.

    Bytes that come twice within one start are another thing.
    """
    start_ns, count = 10**12, 20
    writer = SessionWriter(
        tmp_path / "a.h5", session_id="a", subject="S01", camera=FakeCamera().info, hello=HELLO,
        port="x", started_unix_ns=1, started_monotonic_ns=start_ns, simulated=True,
    )
    samples = SampleStream(writer, HELLO, start_ns)

    def start(boot_ns):
        for n in [*range(10), *range(5, count)]:              # 5 to 9 are handed on twice
            samples.add_sample(Sample(n, n * 80_000, 0, 0), boot_ns + (n + 1) * 40_000_000)

    start(start_ns)
    back_ns = start_ns + 1_500_000_000
    again = replace(HELLO, boot_id=HELLO.boot_id + 1)
    samples.sensor_back(SensorBack(back_ns, again, "serial line unplugged", "x"))
    start(back_ns)
    boots = writer.column(layout.PPG_TICKS) // layout.BOOT_TICKS
    writer.close(complete=True)
    assert boots.tolist() == [0] * count + [1] * count
