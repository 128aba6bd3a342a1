"""Number the samples of a whole recording again, by their final times.

A device that restarted counts its samples anew, so the number of the first one behind the gap
follows from the time that passed. While recording that time is known badly: what waited in the
system's buffer has no other time than that of being read. So the jump is counted again once all
samples have been placed. Within one boot the device itself has counted, samples or ticks, and
nothing changes.
"""

import numpy as np

from .place_samples import NEVER_SUSPENDED, boot_of

# a boot that was sampled for so long gives the sample period better than the nominal rate
MEASURED_NS = 10_000_000_000


def number_samples(
    sequence: np.ndarray, ticks: np.ndarray, time_ns: np.ndarray, bound_ns: np.ndarray, *,
    rate_hz: float, suspensions: np.ndarray = NEVER_SUSPENDED,
) -> np.ndarray:
    """Number samples so that a jump between two boots holds as many periods as passed.

    Parameters
    ----------
    sequence, ticks, time_ns, bound_ns : (N,) int64; the sequence as counted while recording, the
        rest as `place_samples` takes and returns it
    suspensions : (S,) SUSPENSION_DTYPE; the time that the host was suspended counts too

    Returns
    -------
    (N,) int64; a jump beside a sample without a bound stays as it was counted
    """
    numbered = np.array(sequence, dtype=np.int64)
    starts = np.flatnonzero(np.diff(boot_of(ticks))) + 1
    edges = [0, *starts.tolist(), len(ticks)]

    def passed_ns(first: int, last: int) -> int:
        """Return the time between two rows, with that in which the host was suspended [ns]."""
        from_ns, to_ns = int(time_ns[first]), int(time_ns[last])
        is_between = (suspensions["before_ns"] < to_ns) & (suspensions["after_ns"] > from_ns)
        return to_ns - from_ns + int(suspensions["slept_ns"][is_between].sum())

    for boot, at in enumerate(starts.tolist()):
        if bound_ns[at - 1] < 0 or bound_ns[at] < 0:
            continue
        longest_ns, period_ns = MEASURED_NS, 1e9 / rate_hz
        for first, last in ((edges[boot], at - 1), (at, edges[boot + 2] - 1)):
            if (span_ns := passed_ns(first, last)) > longest_ns:
                longest_ns, period_ns = span_ns, span_ns / int(sequence[last] - sequence[first])
        steps = max(1, round(passed_ns(at - 1, at) / period_ns))
        numbered[at:] += steps - (sequence[at] - sequence[at - 1])
    return numbered
