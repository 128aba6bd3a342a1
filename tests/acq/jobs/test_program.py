"""A process of acq imports nothing from the folder that it runs in."""

import subprocess

import pytest

from acq.jobs.program import ACQ, program_of


@pytest.mark.parametrize(("program", "argument"), [
    (ACQ, "--version"),
    (program_of("json.tool"), "numbers.json"),
])
def test_a_file_of_the_working_folder_is_not_run(tmp_path, program, argument):
    for name in ("typer", "argparse", "acq"):           # what the programs import
        (tmp_path / f"{name}.py").write_text("raise SystemExit('of the working folder')")
    (tmp_path / "numbers.json").write_text("[1]")
    done = subprocess.run(
        [*program, argument], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout
