"""Cases from the field: each is run as it was reported, by its own script."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import SHARED

FIELD = SHARED.parent / "field"


def find_case(name):
    """Return the folder of a case, or skip where there is none."""
    if not (FIELD / name).exists():
        pytest.skip(f"needs the cases in {FIELD}")
    return FIELD / name


def run_case(name):
    """Run `repro.sh` of a case with this acq; return its process when it has ended."""
    script = find_case(name) / "repro.sh"
    python = Path(sys.executable)
    env = {**os.environ, "ACQ": str(python.with_name("acq")), "PY": str(python)}
    return subprocess.run(
        ["sh", str(script)], capture_output=True, text=True, timeout=500, check=False, env=env
    )
