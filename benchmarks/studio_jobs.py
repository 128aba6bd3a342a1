"""What a job of the studio leaves of a core to a recording beside it.

`python -m benchmarks.studio_jobs`: two processes that never wait, each in a session of its own as a
recording and a job are, share one core for twenty seconds: with the job at the priority of
everything else, with a nice value of its process alone, and as the studio begins it. Processor time
is each one's own, so that what else runs on the machine changes both alike.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from acq.jobs import jobs as jobs_module
from acq.jobs.jobs import Jobs
from acq.jobs.record import read_record
from acq.jobs.request import JobRequest
from acquire.data_folder import jobs_dir

_BUSY = """
import time
end = time.monotonic() + 20
while time.monotonic() < end: pass
print(time.process_time())
"""
_PROGRAM = sys.executable, "-S", "-c", _BUSY


def share(folder: Path, nice: int, later_nice: int) -> tuple[float, float]:
    """Return the processor time of the recording's stand-in and of the job [s]."""
    jobs_module.NICE = nice
    recording = subprocess.Popen(
        _PROGRAM, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    jobs = Jobs(folder, _PROGRAM)
    job = jobs.begin(JobRequest("verify"))
    if later_nice:
        os.setpriority(os.PRIO_PGRP, read_record(jobs_dir(folder) / job.id).pid, later_nice)
    recording_s = float(recording.communicate()[0])
    while jobs.view(job.id).state == "running":
        time.sleep(0.1)
    return recording_s, float(jobs.result(job.id) or 0.0)


def main() -> None:
    """Measure both, and print them."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])
    print("| priority of the job | recording | job | ratio |\n|---|---|---|---|")
    own = jobs_module.NICE
    for words, nice, later_nice in (
        ("as all else", 0, 0), ("its nice value alone", 0, own),
        ("as the studio begins it", own, 0),
    ):
        with tempfile.TemporaryDirectory() as folder:
            recording_s, job_s = share(Path(folder), nice, later_nice)
        print(f"| {words} | {recording_s:.2f} s | {job_s:.2f} s | {recording_s / job_s:.1f} |")


if __name__ == "__main__":
    main()
