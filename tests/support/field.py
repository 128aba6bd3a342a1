"""Cases from the field: each is run as it was reported, by its own script."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import SHARED

FIELD = SHARED.parent / "field"


def run_case(name, timeout_s=300):
    """Run `repro.sh` of a case with this acq, or skip where there is none; give its process."""
    script = FIELD / name / "repro.sh"
    if not script.exists():
        pytest.skip(f"needs the cases in {FIELD}")
    python = Path(sys.executable)
    env = {**os.environ, "ACQ": str(python.with_name("acq")), "PY": str(python)}
    return subprocess.run(
        ["sh", str(script)], capture_output=True, text=True, timeout=timeout_s, check=False, env=env
    )
