"""Simulated plants with known truth: the estimate comes back within its certificate."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acquire.clock import (
    PING_NS,
    PONG_NS,
    SAMPLE_NS,
    WANDER_PER_S,
    ClockFit,
    ClockSteering,
    TickCounter,
    crosses_serial_line,
    least_wire_ns,
    place_samples,
)
from acquire.layout import BOOT_TICKS, CLOCK_DTYPE
from acquire.sensor import protocol
from benchmarks.plants import PLANTS, RATE_HZ, TICK_HZ, Made, Plant, make, place_live
from tests.firmware.test_twin import Twin, host_from_ticks


def place(made):
    return place_samples(
        made.exchanges, made.clocks, made.ticks, made.arrival_ns, tick_hz=TICK_HZ, rate_hz=RATE_HZ
    )


def outside(made, time_ns, bound_ns):
    """How far the truth lies outside the bound [ns], at worst; samples without a bound do not
    count.
    """
    return (np.abs(time_ns - made.truth_ns) - bound_ns)[bound_ns >= 0].max(initial=-1.0)


MORE = {
    "-5,000 ppm, wandering, 16 ms adapter": Plant(ppm=-5000, hold_ms=16, wander_ppm=8),
    "unanswered for half a minute, then a new boot": Plant(
        ppm=5000, unplugged=(40, 70), new_boot=True
    ),
    "NTP slews the host back, clocks read late": Plant(slew_ppm=-500, clocks_wrong=0.02),
    "NTP slews the host, 16 ms adapter": Plant(slew_ppm=500, hold_ms=16),
    "a line as fast as may be": Plant(
        ppm=5000, hold_ms=0, out_ms=0, baud=protocol.BAUD * 1.0399 / 1.005
    ),
}


@pytest.mark.parametrize(
    "plant", [pytest.param(plant, id=name) for name, plant in {**PLANTS, **MORE}.items()]
)
def test_truth_lies_inside_the_bound_and_the_estimate_near_it(plant):
    made = make(replace(plant, seconds=max(120.0, plant.unplugged[1] + 40)), seed=1)
    time_ns, bound_ns = place(made)
    assert (bound_ns >= 0).all()
    assert outside(made, time_ns, bound_ns) <= 0
    assert bound_ns.max() < 1e6
    assert np.sqrt(np.mean((time_ns - made.truth_ns) ** 2)) < 0.5e6


@settings(max_examples=15, deadline=None)
@given(
    ppm=st.floats(-5000, 5000), hold_ms=st.floats(0, 16), out_ms=st.floats(0, 2),
    seed=st.integers(0, 2**16), wander=st.floats(0, 20), slew=st.floats(-500, 500),
    outliers=st.floats(0, 0.3), baud=st.floats(0.9, 1.03), away=st.floats(0, 10),
    new_boot=st.booleans(), line=st.booleans(),
)
def test_no_plant_escapes_its_certificate(
    ppm, hold_ms, out_ms, seed, wander, slew, outliers, baud, away, new_boot, line
):
    """Every plant within what is assumed: a wander of 20 ppm over 300 s bends by 25 ppm a minute;
    native USB is quick at once.
    """
    if not line:
        hold_ms, out_ms, outliers = hold_ms / 32, out_ms / 8, 0.0
    made = make(
        Plant(
            seconds=25, ppm=ppm, hold_ms=hold_ms, out_ms=out_ms, wander_ppm=wander, slew_ppm=slew,
            outliers=outliers, baud=protocol.BAUD * baud, unplugged=(8, 8 + away),
            new_boot=new_boot and away > 0, line=line,
        ),
        seed,
    )
    time_ns, bound_ns = place(made)
    assert (bound_ns >= 0).all()
    assert outside(made, time_ns, bound_ns) <= 0
    time_ns, bound_ns = place_live(made)
    assert outside(made, time_ns, bound_ns) <= 0


@pytest.mark.parametrize(
    "plant", [
        pytest.param(Plant(seconds=60, ppm=5000, hold_ms=16), id="resonator"),
        pytest.param(Plant(seconds=60, slew_ppm=500), id="NTP slews the host"),
        pytest.param(Plant(seconds=60, unplugged=(40, 60)), id="unplugged to the end"),
    ],
)
def test_live_placement_knows_from_the_first_answered_ping(plant):
    made = make(plant)
    time_ns, bound_ns = place_live(made)
    assert (bound_ns[made.arrival_ns > made.exchanges["recv_ns"].min()] >= 0).all()
    assert outside(made, time_ns, bound_ns) <= 0
    assert np.median(bound_ns) < 1e6


def test_a_device_that_restarts_is_placed_by_its_own_boot():
    """Its second boot counts from anew and runs at another rate: only a fit of its own can hold."""
    first = make(Plant(seconds=40, ppm=5000), seed=3)
    second = make(Plant(seconds=40, ppm=-5000), seed=4)
    late = int(60e9)
    exchanges = second.exchanges.copy()
    exchanges["rx_ticks"] += BOOT_TICKS
    exchanges["tx_ticks"] += BOOT_TICKS
    exchanges["send_ns"] += late
    exchanges["recv_ns"] += late
    both = Made(
        np.concatenate([first.exchanges, exchanges]), first.clocks[:0],
        np.concatenate([first.ticks, second.ticks + BOOT_TICKS]),
        np.concatenate([first.arrival_ns, second.arrival_ns + late]),
        np.concatenate([first.truth_ns, second.truth_ns + late]),
    )
    time_ns, bound_ns = place(both)
    assert (bound_ns >= 0).all()
    assert outside(both, time_ns, bound_ns) <= 0
    alone = place(
        Made(
            exchanges, first.clocks[:0], second.ticks + BOOT_TICKS, second.arrival_ns + late,
            second.truth_ns,
        )
    )
    assert (time_ns[len(first.ticks):] == alone[0]).all()
    assert (bound_ns[len(first.ticks):] == alone[1]).all()


def test_a_sample_stamped_before_the_first_tick_unwrapped_is_of_the_first_boot():
    made = make(Plant(seconds=30))
    shift = int(made.ticks[3])  # the counter wrapped there: what came before is below 0
    exchanges = made.exchanges[made.exchanges["rx_ticks"] > shift].copy()
    exchanges["rx_ticks"] -= shift
    exchanges["tx_ticks"] -= shift
    made = replace(made, exchanges=exchanges, ticks=made.ticks - shift)
    time_ns, bound_ns = place(made)
    assert made.ticks[0] < 0
    assert (bound_ns >= 0).all()
    assert outside(made, time_ns, bound_ns) <= 0


def asleep(made, at_s, slept_ns):
    """The host sleeps: its clock stands still while the device goes on."""
    since = made.truth_ns[0] + at_s * 1e9
    exchanges = made.exchanges[
        (made.exchanges["send_ns"] < since) | (made.exchanges["send_ns"] > since + slept_ns)
    ].copy()
    for name in ("send_ns", "recv_ns"):
        exchanges[name] -= (exchanges[name] > since) * slept_ns
    # the port's buffer is small
    keep = (made.arrival_ns < since) | (made.truth_ns > since + slept_ns)
    arrival_ns, truth_ns = made.arrival_ns[keep], made.truth_ns[keep]
    return Made(
        exchanges, made.clocks[:0], made.ticks[keep], arrival_ns - (arrival_ns > since) * slept_ns,
        truth_ns - (truth_ns > since) * slept_ns,
    )


def test_a_host_that_slept_is_told_and_placed_on_both_sides():
    made = asleep(make(Plant(seconds=90)), 40, 5 * 10**9)
    time_ns, bound_ns = place(made)
    assert outside(made, time_ns, bound_ns) <= 0
    assert 0 < (bound_ns < 0).sum() < 3 * RATE_HZ  # between two pings, it is not known where
    assert (time_ns == made.arrival_ns)[bound_ns < 0].all()
    assert bound_ns.max() < 1e6
    time_ns, bound_ns = place_live(made)
    assert outside(made, time_ns, bound_ns) <= 0
    assert (bound_ns[-40 * RATE_HZ :] >= 0).all()


def test_a_host_that_slept_places_no_sample_by_what_it_knew_before():
    made = asleep(make(Plant(seconds=60)), 30, 5 * 10**9)
    woke = np.arange(len(made.ticks)) > np.argmax(np.diff(made.ticks))
    made = replace(
        made,
        exchanges=made.exchanges[made.exchanges["rx_ticks"] < made.ticks[woke][0] - 4 * TICK_HZ],
    )
    time_ns, bound_ns = place_live(made)
    assert (bound_ns[woke] == -1).all()
    assert (time_ns[woke] == made.arrival_ns[woke]).all()
    assert (bound_ns[~woke][50:] >= 0).all()


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


def test_one_exchange_quicker_than_a_line_shows_that_there_is_none():
    made = make(Plant(seconds=20, hold_ms=0, out_ms=0, baud=protocol.BAUD * 1.03))
    assert crosses_serial_line(made.exchanges, TICK_HZ)
    quick = made.exchanges.copy()
    quick["recv_ns"][50] = (
        quick["send_ns"][50]
        + PING_NS
        + PONG_NS
        - 1000
        + (quick["tx_ticks"] - quick["rx_ticks"])[50] * 500
    )
    assert not crosses_serial_line(quick, TICK_HZ)
    wide, narrow = (
        place(replace(made, exchanges=exchanges))[1] for exchanges in (quick, made.exchanges)
    )
    assert np.median(wide - narrow) > 0.5e6  # PING_NS and PONG_NS are no longer taken for granted


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


@pytest.mark.parametrize("sign", [-1, 1])
def test_an_oscillator_that_bends_as_much_as_it_may_stays_inside(sign):
    """Delays of nothing and a ping each ten seconds: only the allowance for the bend is left
    between truth and bound.
    """
    host_ns = lambda s: (s + sign * WANDER_PER_S * (s - 30) ** 2 / 2) * 1e9    # noqa: E731
    ping = np.arange(0, 41, 10.0)
    ticks, ns = np.rint(ping * TICK_HZ).astype(np.int64), host_ns(ping)
    fit = ClockFit(0, 0, TICK_HZ)
    fit.after(ticks, np.floor(ns).astype(np.int64))
    fit.before(ticks, np.ceil(ns).astype(np.int64))
    at = np.arange(-15, 60, 0.5)
    time_ns, bound_ns = fit.host_time(np.rint(at * TICK_HZ).astype(np.int64))
    assert (bound_ns >= 0).all()
    assert (np.abs(time_ns - host_ns(at)) <= bound_ns).all()
    assert bound_ns[(at > 0) & (at < 40)].max() < 8e3  # 30 ppm a minute over ten seconds: 6.25 us
    assert bound_ns[(at > -1) & (at < 41)].max() < 10e3


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 40), st.integers(1, 40), st.floats(1e2, 1e7))
def test_no_bound_cuts_off_a_curve_that_is_allowed(seed, lowers, uppers, slack_ns):
    """Any curve whose rate changes by no more than WANDER_PER_S, any bounds around it, asked
    anywhere.
    """
    rng = np.random.default_rng(seed)
    grid = np.arange(0, 120.001, 0.05)
    bend = np.repeat(rng.choice([-1.0, 0.0, 1.0], 25), 100)[: len(grid)] * WANDER_PER_S
    rate = rng.uniform(-0.005, 0.005) + np.concatenate([[0], np.cumsum(bend[:-1] * 0.05)])
    lead_ns = np.concatenate([[0], np.cumsum(rate[:-1] * 0.05 + bend[:-1] * 0.05**2 / 2)]) * 1e9
    host_ns = lambda s: s * 1e9 + np.interp(s, grid, lead_ns)  # noqa: E731 - exact on the grid
    low, high, at = (np.sort(rng.choice(grid, n)) for n in (lowers, uppers, 200))
    ticks = lambda s: np.rint(s * TICK_HZ).astype(np.int64)                  # noqa: E731
    fit = ClockFit(0, 0, TICK_HZ)
    fit.after(
        ticks(low), np.floor(host_ns(low) - rng.exponential(slack_ns, lowers)).astype(np.int64)
    )
    fit.before(
        ticks(high), np.ceil(host_ns(high) + rng.exponential(slack_ns, uppers)).astype(np.int64)
    )
    time_ns, bound_ns = fit.host_time(ticks(at))
    assert (bound_ns >= 0).all()
    assert (np.abs(time_ns - host_ns(at)) <= bound_ns).all()


def test_what_was_not_read_of_the_clocks_is_not_promised():
    readings = np.array([(0, 0), (10**9, 10**9)], dtype=CLOCK_DTYPE)
    early, late = ClockSteering(readings).to_raw(np.array([5 * 10**8, 2 * 10**9]))
    assert (late - early).tolist() == [0, 2 * 500_000]       # a second later, at 500 ppm either way


def test_a_rate_that_changes_between_two_readings_is_allowed_for():
    raw = np.arange(0, 10**9, 4 * 10**7)
    slewed = lambda ns: ns + np.rint(500e-6 * np.maximum(ns - 5 * 10**8, 0)).astype(np.int64)  # noqa: E731
    readings = np.array(list(zip(slewed(raw), raw, strict=True)), dtype=CLOCK_DTYPE)
    at = np.arange(10**6, 9 * 10**8, 10**6)
    early, late = ClockSteering(readings).to_raw(slewed(at))
    assert (early <= at + 1).all()
    assert (at - 1 <= late).all()
    assert np.median(late - early) <= 2


def test_without_pings_there_is_no_certificate():
    made = make(Plant(seconds=10))
    time_ns, bound_ns = place(replace(made, exchanges=made.exchanges[:0]))
    assert (bound_ns == -1).all()
    assert (time_ns == made.arrival_ns).all()


def test_contradicting_bounds_give_no_certificate():
    """The later pings say that the device's rate jumped by 0.1 %, which no oscillator does."""
    ticks = np.arange(0, 40_000_000, 2_000_000)
    ns = ticks * 500 + np.maximum(ticks * 500 - 10**10, 0) // 1000
    fit = ClockFit(0, 0, TICK_HZ)
    fit.after(ticks, ns - 1000)
    fit.before(ticks, ns + 1000)
    _, bound_ns = fit.host_time(np.array([20_000_000]))
    assert bound_ns[0] == -1


@given(st.lists(st.integers(-(2**30), 2**30), max_size=50), st.integers(0, 2**32 - 1))
def test_ticks_unwrap_to_what_they_were(steps, first):
    counter, true = TickCounter(), first
    assert counter.unwrap(first) == first
    for step in steps:
        true += step
        assert counter.unwrap(true % 2**32) == true
