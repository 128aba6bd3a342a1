"""A sender of LSL streams in a process of its own, whose monotonic clock runs at another rate.

A few lines of C stand before the system's `clock_gettime` in that process, so that the real liblsl
there stamps, and answers questions for its clock, by a clock that is wrong on purpose.
"""

import os
import subprocess
import sys
from contextlib import contextmanager

CONFIG = "[lab]\nKnownPeers={127.0.0.1}\n[multicast]\nResolveScope=machine\n[log]\nlevel=-3\n"
_CLOCK = r"""
#define _GNU_SOURCE
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
static int64_t system_ns(clockid_t clock) {
    struct timespec t;
    syscall(SYS_clock_gettime, clock, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}
int64_t true_ns(void) { return system_ns(CLOCK_MONOTONIC); }
int clock_gettime(clockid_t clock, struct timespec *t) {
    static int64_t zero = 0;
    int64_t now = system_ns(clock);
    if (clock == CLOCK_MONOTONIC) {
        if (!zero) zero = now;
        now += (now - zero) * PPM / 1000000;
    }
    t->tv_sec = now / 1000000000LL;
    t->tv_nsec = now % 1000000000LL;
    return 0;
}
"""
_SENDER = r"""
import ctypes, select, sys
import pylsl
true_ns = ctypes.CDLL(None).true_ns
true_ns.restype = ctypes.c_int64
numbers = pylsl.StreamOutlet(pylsl.StreamInfo("made numbers", "Test", 2, 50, "double64", "one"))
marks = pylsl.StreamOutlet(pylsl.StreamInfo("marks", "Markers", 1, 0, "string", "two"))
print("sending", flush=True)
sent = 0
while True:
    before = true_ns()
    stamp = pylsl.local_clock()
    after = true_ns()
    numbers.push_sample([(before + after) / 2e9, (after - before) / 2e9], stamp)
    if sent % 10 == 0:
        marks.push_sample([f"mark {sent} at {(before + after) // 2}"], stamp)
    sent += 1
    select.select([sys.stdin], [], [], 0.02)
"""


@contextmanager
def skewed_sender(folder, *, ppm):
    """Send the streams `made numbers` and `marks`, until this context ends.

    Each number is the true time of its own stamp [s, the system's CLOCK_MONOTONIC], and how far
    that may be off; each mark names the true time of its stamp [ns].
    """
    (folder / "clock.c").write_text(_CLOCK)
    (folder / "lsl.cfg").write_text(CONFIG)
    library = folder / "clock.so"
    subprocess.run(
        ["cc", "-O2", "-shared", "-fPIC", f"-DPPM={ppm}LL", "-o", library, folder / "clock.c"],
        check=True,
    )
    environment = {
        **os.environ, "LD_PRELOAD": str(library), "LSLAPICFG": str(folder / "lsl.cfg"),
    }
    sender = subprocess.Popen(
        [sys.executable, "-c", _SENDER], env=environment, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert sender.stdout is not None
        assert sender.stdout.readline() == b"sending\n"
        yield sender
    finally:
        sender.kill()
        sender.communicate()
