"""A Dask cluster on loopback: a scheduler and workers, each a process of its own."""

import os
import re
import signal
import subprocess
import sys
import time

# in a mount namespace of its own: an empty folder lies over the one that is to be hidden
_BLINDFOLD = 'mount -t tmpfs tmpfs "$0" && exec "$@"'
_REGISTERED = r"Registered to:\s+(tcp://\S+)"


class Cluster:
    """A scheduler and two workers.

    Parameters
    ----------
    folder : where the processes stand, and the workers keep their local files
    hidden : a folder that the workers do not see; needs root
    """

    def __init__(self, folder, repo, *, hidden=None):
        paths = [str(repo), str(repo / "tests")]
        self._env = {
            **os.environ, "PYTHONPATH": os.pathsep.join(paths),
            "DASK_DISTRIBUTED__WORKER__DAEMON": "False",
        }
        self.folder, self._hidden = folder, hidden
        self.killed = 0
        self.scheduler = self._start(
            "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"
        )
        self.address = self._wait_for(self.scheduler, r"Scheduler at:\s+(tcp://\S+)")
        self.workers = [self._worker(), self._worker()]
        for worker in self.workers:
            self._wait_for(worker, _REGISTERED)

    def _start(self, *words):
        log = self.folder / f"{words[0]}-{time.monotonic_ns()}.log"
        command = [sys.executable, "-m", "dask", *words]
        if self._hidden and words[0] == "worker":
            command = ["unshare", "--mount", "sh", "-c", _BLINDFOLD, self._hidden, *command]
        with log.open("w") as out:
            process = subprocess.Popen(
                command, stdout=out, stderr=subprocess.STDOUT, env=self._env, cwd=self.folder,
            )
        process.log = log
        return process

    def kill_one(self):
        """Kill a worker as the kernel does when memory runs out, and start another."""
        os.kill(self.workers[0].pid, signal.SIGKILL)
        assert self.workers[0].wait() == -signal.SIGKILL
        self.killed += 1
        self.workers[0] = self._worker()

    def add_worker(self, local):
        """Start one more worker, with its local files elsewhere, and wait for it."""
        self.workers.append(self._worker(local))
        self._wait_for(self.workers[-1], _REGISTERED)

    def _worker(self, local=None):
        return self._start(
            "worker", self.address, "--nthreads", "1", "--no-nanny", "--no-dashboard", "--host",
            "127.0.0.1", "--local-directory", str(local or self.folder),
        )

    def _wait_for(self, process, pattern):
        end = time.monotonic() + 300
        while time.monotonic() < end:
            if found := re.search(pattern, process.log.read_text()):
                return found[1]
            assert process.poll() is None, process.log.read_text()
            time.sleep(0.05)
        raise AssertionError(process.log.read_text())

    def close(self):
        for process in (*self.workers, self.scheduler):
            process.terminate()
            process.wait()
