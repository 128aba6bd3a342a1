"""The command line of another process of acq."""

import sys

# `-m` would put the working folder first, and a file there that is named as a module does would be
# run; the script `acq` does not either. (Python 3.11 has `-P` for it.)
_RUN = (
    "import runpy, sys; sys.path[:] = filter(None, sys.path); del sys.argv[0]; "
    "runpy.run_module(sys.argv[0], run_name='__main__', alter_sys=True)"
)


def program_of(module: str) -> tuple[str, ...]:
    """Return what runs a module of acq as a program, before its arguments."""
    return sys.executable, "-c", _RUN, module


ACQ = program_of("acq.start")        # before the name of a verb
