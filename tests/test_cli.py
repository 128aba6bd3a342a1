"""The command line as a user meets it."""

import subprocess
import sys

import pytest

VERBS = ("record", "info", "simulate", "split", "convert", "train-kd", "demo")


def test_help_names_every_verb(acq):
    done = acq("--help")
    assert done.returncode == 0
    assert all(verb in done.stdout for verb in VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_has_help(acq, verb):
    done = acq(verb, "--help")
    assert done.returncode == 0
    assert "being written" not in done.stdout


def test_help_imports_nothing_heavy():
    code = (
        "import sys, runpy; sys.argv = ['acq', '--help']\n"
        "try: runpy.run_module('acq.main', run_name='__main__')\n"
        "except SystemExit: pass\n"
        "heavy = ('torch', 'numpy', 'cv2', 'h5py', 'scipy', 'pandas', 'serial', 'av', 'matplotlib')\n"
        "print([m for m in heavy if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("verb", ["record", "info", "simulate", "split", "convert", "demo"])
def test_only_training_needs_torch(tmp_path, verb):
    """A board without torch runs everything but the training: the verb is called, and fails, without importing it."""
    words = {"record": ["--subject", "/"], "info": ["nothing.h5"], "split": ["--holdout", "S04"], "simulate": ["--subjects", "0"]}
    code = (
        "import sys\n"
        "class NoTorch:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name.split('.')[0] in ('torch', 'torchvision', 'facenet_pytorch'): raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, NoTorch()); sys.argv = ['acq', *sys.argv[1:]]\n"
        "from acq.main import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, verb, *words.get(verb, ["--help"])],
        capture_output=True, text=True, cwd=tmp_path, check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    assert "torch" not in done.stderr


def test_a_mistake_is_one_line_and_debug_shows_where(acq):
    done = acq("info", "nothing.h5")
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1
    assert "Traceback" in acq("--debug", "info", "nothing.h5").stderr


@pytest.mark.parametrize("text", ["", "0s", "-5", "5 parsecs", "1e3"])
def test_a_wrong_duration_is_refused(acq, text):
    done = acq("record", "--subject", "S01", "--simulate", f"--duration={text}")
    assert done.returncode == 2
    assert "such as 60s" in done.stderr
