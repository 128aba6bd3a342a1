"""The built wheel holds every module, the portrait and the sketch; imports between rooms point one
way.
"""

import subprocess
import sys
import zipfile

ROOMS = ("acq", "acquire", "dataset", "models")


def test_the_wheel_holds_every_module(repo, tmp_path):
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", tmp_path, repo],
        check=True, capture_output=True, text=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    held = set(zipfile.ZipFile(wheel).namelist())
    modules = {
        str(path.relative_to(repo)) for room in ROOMS for path in (repo / room).rglob("*.py")
    }
    assert len(modules) > 20
    assert modules <= held
    assert "acquire/simulation/portrait/astronaut.png" in held
    assert {
        f"dataset/face/weights/{name}" for name in ("NOTICE", "pnet.onnx", "rnet.onnx", "onet.onnx")
    } <= held
    student = ("README.md", "student.onnx", "student-int8.onnx", "student.safetensors")
    assert {f"models/board/weights/{name}" for name in student} <= held
    templates = {
        str(path.relative_to(repo))
        for room in ROOMS for path in (repo / room).glob("*/templates/*")
    }
    assert "dataset/common/templates/style.css" in templates
    assert templates <= held
    sketch = {
        f"acquire/{path.relative_to(repo)}" for path in (repo / "firmware/ppg_logger").iterdir()
    }
    assert sketch | {"acquire/firmware/Makefile"} <= held
    assert not [name for name in held if name.startswith(("tests", "benchmarks"))]


def test_imports_point_one_way(repo):
    done = subprocess.run(
        [f"{sys.prefix}/bin/lint-imports"], cwd=repo, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
