"""The trial of a network that acq did not make, in a process of its own with little to take.

ONNX Runtime computes what a file says, and already while it opens it: a file of a kilobyte may ask
for terabytes, or stop the process. So such a network is opened and run once in a child that has a
limit on its memory and its time, on inputs as large as any that it will get; only one that passes
is opened here. Its nodes are of kinds whose work does not depend on values
(`dataset.face.onnx_graph`), so that what holds for the trial holds for every run.

    python -m dataset.face.onnx_trial NET < FILE
"""

import subprocess
import sys
import time
from contextlib import suppress

import numpy as np

from acquire.limits import LARGEST_OUTPUT, TRIAL_BYTES, TRIAL_RUN_S, TRIAL_S

_SIDE = 36
# the largest inputs of each network, and small ones
_SIZES: dict[str, list[dict[str, tuple[int, ...]]]] = {
    "student": [{"motion": (count, 3, _SIDE, _SIDE)} for count in (1, 32)],
    "teacher": [
        {"motion": (count, 3, _SIDE, _SIDE), "appearance": (1, 3, _SIDE, _SIDE)}
        for count in (1, 32)
    ],
    # a picture of 1920x1080 at the first level of the pyramid
    "pnet": [{"image": (1, 3, *size)} for size in ((12, 20), (648, 1152))],
    "rnet": [{"image": (count, 3, 24, 24)} for count in (1, 512)],
    "onet": [{"image": (count, 3, 48, 48)} for count in (1, 512)],
}


def try_network(blob: bytes, net: str) -> str:
    """Run a network in a child; return why it cannot be used, in words, or "".

    Parameters
    ----------
    blob : the bytes of an ONNX file
    net : "student", "teacher", "pnet", "rnet" or "onet"
    """
    # Isolated, then given our own path, as `dataset.session.hdf5` does.
    code = (
        "import sys; sys.path[:] = sys.argv[2:]; from dataset.face.onnx_trial import main; main()"
    )
    command = [sys.executable, "-I", "-c", code, net, *sys.path]
    try:
        child = subprocess.run(
            command, input=blob, timeout=TRIAL_S, check=False, capture_output=True
        )
    except subprocess.TimeoutExpired:
        return f"no result within {TRIAL_S} s"
    if child.returncode == 0:
        return ""
    words = child.stderr.decode(errors="replace").strip().splitlines()
    if child.returncode < 0:
        return f"one that stops ONNX Runtime (signal {-child.returncode})"
    return words[-1] if words else f"exit code {child.returncode}"


def main() -> None:
    """Be the child: the network's kind is the first argument, its file the standard input."""
    net, blob = sys.argv[1], sys.stdin.buffer.read()
    import onnxruntime

    _take_little()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        network = onnxruntime.InferenceSession(blob, options, providers=["CPUExecutionProvider"])
        outputs = [output.name for output in network.get_outputs()]
        shapes = {port.name: port.shape for port in network.get_inputs()}
        for sizes in _SIZES[net] if _take(shapes, _SIZES[net][0]) else ():
            _run(network, outputs, sizes)
    except MemoryError:
        sys.exit(_TOO_MUCH)
    except Exception as error:         # ONNX Runtime's twelve errors share no other parent
        words = " ".join(str(error).split())
        sys.exit(_TOO_MUCH if "alloc" in words.lower() else words[:200])


_TOO_MUCH = f"one that takes more than {TRIAL_BYTES >> 20} MB"


def _take_little() -> None:
    """Limit the memory and the time of this process from here on, where the system can."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CPU, (TRIAL_S, TRIAL_S))
        with open("/proc/self/statm") as file:
            taken = int(file.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (taken + TRIAL_BYTES, taken + TRIAL_BYTES))


def _take(shapes: dict[str, list], sizes: dict[str, tuple[int, ...]]) -> bool:
    """Return whether a network's inputs can be of these sizes; if not, `onnx_file` tells why."""
    return shapes.keys() == sizes.keys() and all(
        len(shapes[name]) == len(size)
        and all(side in (wanted, None) or isinstance(side, str)
                for side, wanted in zip(shapes[name], size, strict=True))
        for name, size in sizes.items()
    )


def _run(network, outputs: list[str], sizes: dict[str, tuple[int, ...]]) -> None:
    """Run a network on zeros and on noise; ValueError where it is slow, or its output none."""
    rng = np.random.default_rng(0)
    for scale in (0.0, 1.0):
        inputs = {
            name: (scale * rng.standard_normal(size, np.float32)) for name, size in sizes.items()
        }
        begun = time.process_time()
        results = network.run(outputs, inputs)
        if (took_s := time.process_time() - begun) > TRIAL_RUN_S:
            raise ValueError(f"{took_s:.1f} s a run, more than {TRIAL_RUN_S:g} s")
        for name, result in zip(outputs, results, strict=True):
            if not (np.abs(result) <= LARGEST_OUTPUT).all():       # nor NaN
                raise ValueError(f"NaN, infinity or huge numbers as {name}")


if __name__ == "__main__":
    main()
