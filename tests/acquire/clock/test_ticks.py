"""Ticks unwrap to what they were, and no packet is quicker than its bytes on the line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acquire.clock.ticks import PING_NS, PONG_NS, SAMPLE_NS, TickCounter, least_wire_ns
from acquire.sensor import protocol
from tests.support.twin import Twin, host_from_ticks


@pytest.mark.parametrize(
    ("packet", "least_ns"),
    [
        (protocol.Ping(0x0100), PING_NS), (protocol.Ping(0), PING_NS),
        (protocol.Ping(0x1234), PING_NS), (protocol.Pong(0, 0, 0), PONG_NS),
        (protocol.Pong(0x1234, 0x11223344, 0x55667788), PONG_NS),
        (protocol.Sample(0, 0, 0, 0), SAMPLE_NS),
        (protocol.Sample(0x11223344, 0x11223344, 0x1122, 1), SAMPLE_NS),
    ],
)
def test_a_packet_takes_the_same_time_on_the_line_whatever_it_says(packet, least_ns):
    on_the_line_ns = len(protocol.encode(packet)) * 10 / protocol.BAUD * 1e9
    assert 0.94 * on_the_line_ns < least_ns < on_the_line_ns / 1.04
    assert least_ns == least_wire_ns(len(protocol.encode(packet)) - 5)


@pytest.mark.twin
def test_no_packet_of_the_real_firmware_is_quicker_than_its_line(program, tmp_path):
    """A chip whose crystal is 5,000 ppm fast has the fastest UART there is, 2.6 % above its name.
    """
    with Twin(program, "--ppm", 5000, raw_truth=tmp_path / "truth.csv") as twin:
        twin.start(100)
        sent = {}
        for ping in range(60):
            sent[ping] = twin.send(protocol.Ping(ping))
            twin.listen(0.03)
        twin.wait_for(protocol.Pong, len(sent))
    host_ns, _, _ = host_from_ticks(twin)
    out_ns, back_ns, sample_ns = [], [], []
    for arrived_ns, packet in twin.arrived:
        if isinstance(packet, protocol.Pong):
            out_ns.append(host_ns(packet.rx_ticks) - sent[packet.id])
            back_ns.append(arrived_ns - host_ns(packet.tx_ticks))
        elif isinstance(packet, protocol.Sample):
            # half a window of 10 ms, less 0.5
            sample_ns.append(arrived_ns - host_ns(packet.ticks) - 4.5e6)
    assert min(out_ns) > PING_NS
    assert min(back_ns) > PONG_NS
    assert min(sample_ns) > SAMPLE_NS


@given(st.lists(st.integers(-(2**30), 2**30), max_size=50), st.integers(0, 2**32 - 1))
def test_ticks_unwrap_to_what_they_were(steps, first):
    counter, true = TickCounter(), first
    assert counter.unwrap(first) == first
    for step in steps:
        true += step
        assert counter.unwrap(true % 2**32) == true
