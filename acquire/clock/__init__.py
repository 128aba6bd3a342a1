"""The sensor's clock: device ticks to host time, with a bound that holds.

The device stamps with its own counter; the host pings it. Each answered ping gives two certain
bounds: `send_ns + out <= host(rx_ticks)`, because the device read the ping's last byte after all of
its bytes had crossed the line, and `host(tx_ticks) + back <= recv_ns`, because the answer's bytes
had to cross it too. Each PPG sample adds one more upper bound: it was queued after the last input
of its window was held, and crossed the line before it arrived. `out` and `back` are the least times
that so many bytes take on an 8N1 line at 115200 baud. The delays are only assumed to be not
negative; a USB adapter that holds bytes for 16 ms widens single exchanges, and the quick ones
decide.

Between these bounds the residual `f = host - nominal` moves as the oscillator does: its rate
changes with temperature, by no more than W = WANDER_PER_S, |f''| <= W. So f + W x^2/2 is convex,
and f, below the points (x, upper), is below the lower hull of the lifted points (x, upper + W
x^2/2); likewise it is above the upper hull of (x, lower - W x^2/2). Lifting lets the hull itself
choose how far it may reach, so one hull spans a whole recording and no window has to be chosen.
Beyond the last bound of a side f goes on at least as steeply as the chords from one side to the
other, lifted the other way. At any tick the truth lies between the two sides: the midpoint is the
estimate, half the distance is its bound.

f is smooth only on a host clock that is not steered. CLOCK_MONOTONIC is steered: NTP slews it, by
up to 500 ppm. So the host reads it together with CLOCK_MONOTONIC_RAW, some 30 times a second; the
hulls are made on RAW, and the result is put back on CLOCK_MONOTONIC by these pairs.

docs/timing.md has the proof. All of it is computed in nanoseconds of residual, so that float64 is
exact to 0.02 ns over a day.

Source: hulls against network delay are from Moon, Skelly and Towsley, "Estimation and removal of
clock skew from network delay measurements", INFOCOM 1999; used from both sides at once, and lifted,
here.
"""
