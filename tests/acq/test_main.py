"""The command line as a user meets it."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.main import get_command

from acq.commands.train import _echo_tables
from acq.main import app
from tests.support.made_sessions import make_session


def test_help_names_every_verb(acq_here):
    done = acq_here("--help")
    assert done.returncode == 0
    assert all(f" {verb} " in done.stdout for verb in get_command(app).commands)


@pytest.mark.real_time
def test_only_training_needs_torch(tmp_path):
    """A board without torch does everything but the training: each verb does its work in a process
    that is unable to import it.
    """
    code = (
        "import sys\n"
        "class NoTorch:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name.split('.')[0] in ('torch', 'torchvision', 'facenet_pytorch'): raise "
        "ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, NoTorch())\n"
        "from acq.main import app\n"
        "for verb in sys.argv[1:]:\n"
        "    try: app(verb.split())\n"
        "    except SystemExit as end: assert not end.code, verb\n"
    )
    verbs = (
        "simulate --subjects 2 --sessions 1 --duration 4s --jobs 1 --quiet",
        "info data/sessions/S01/S01-20260101T090000Z.h5", "split --holdout S02 --quiet",
        "convert --jobs 1 --quiet", "record --subject S03 --simulate --duration 1s --quiet",
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *verbs], capture_output=True, text=True, cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "data/ubfc/manifest.json").exists()
    assert list(tmp_path.glob("data/sessions/S03/*.h5"))


@pytest.mark.parametrize(("verb", "blocked"), [("convert", "ubfc"), ("split", "split.json")])
def test_what_the_system_refuses_is_one_line(acq_here, tmp_path, verb, blocked):
    for subject in ("S01", "S02"):
        make_session(tmp_path / "data", subject, seconds=4.0)
    options = ("--holdout", "S02", "--force") if verb == "split" else ()
    if verb == "convert":
        assert acq_here("split", "--holdout", "S02", "--quiet").returncode == 0
        (tmp_path / "data" / blocked).write_text("a file where a folder should be")
    else:
        (tmp_path / "data" / blocked).mkdir()
    done = acq_here(verb, *options, "--quiet")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert f"data/{blocked}" in done.stderr


def test_a_path_with_brackets_is_shown_as_it_is_and_the_verdict_comes_first(capsys):
    pytest.importorskip("torch")
    from tests.support.made_reports import metrics_of, results

    metrics = metrics_of(results("S01", "S02"))
    path = Path("data[old]/runs/[/v2]/report.html")
    _echo_tables(SimpleNamespace(metrics=metrics, report=path))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == metrics["verdict"]["words"][0]
    assert lines[-1] == "report: data[old]/runs/[/v2]/report.html"
    assert any(line.startswith("training’s mean rate") for line in lines)


def test_a_table_of_one_of_several_seeds_says_so(capsys):
    pytest.importorskip("torch")
    from tests.support.made_reports import metrics_of, results

    found = results("S01", "S02")
    for seeds, words in ((1, ""), (2, ": seed 0, one of 2")):
        _echo_tables(SimpleNamespace(metrics=metrics_of(found, seeds=seeds), report=Path()))
        lines = capsys.readouterr().out.splitlines()
        assert f"Heart rate of S01, S02, never seen in training{words}" in lines
        assert any("  SNR acq [dB]  " in line for line in lines)
        (line,) = (line for line in lines if "SNR acq: " in line)
        assert "acq's own definition, the power within 0.1 Hz of the finger's rate" in line
        over_seeds = "; gap closed: over all of them" if seeds > 1 else ""
        assert f"Beside the paper: MAE / RMSE [bpm]{words}{over_seeds}" in lines


def test_the_paper_s_own_count_stands_beside_its_figures(capsys):
    pytest.importorskip("torch")
    from dataclasses import replace

    from tests.support.made_reports import metrics_of, results

    found = results("S01", "S02", "S03")
    # one recording off by 9 all through: fold 1; the others by 6 in 10 of 21 windows, 2.857: fold 2
    first, *others = found["student"]
    found["student"] = [replace(first, predicted_bpm=first.reference_bpm + 9), *others]
    metrics = metrics_of(found, folds=2)
    metrics["folds"][1]["test"] = ["S02", "S03"]
    _echo_tables(SimpleNamespace(metrics=metrics, report=Path()))
    rows = {line[:31].strip(): line.split() for line in capsys.readouterr().out.splitlines()}
    assert " ".join(rows["fold 1, per signal"]).startswith("fold 1, per signal 0.238 / 0.238 9.000")
    assert "2.857 / 2.857" in " ".join(rows["fold 2, per signal"])
    assert "5.929 / 5.929" in " ".join(rows["mean of folds, per signal"])       # (9 + 2.857) / 2
    # S02 and S03, alike, are all that can be drawn, and only within their fold
    assert " ".join(rows["95 % of MAE"]).startswith("95 % of MAE [0.24, 0.24] [5.93, 5.93]")
    assert " ".join(rows["95 % of RMSE"]).startswith("95 % of RMSE [0.24, 0.24] [5.93, 5.93]")
    assert "4.905 / 5.696" in " ".join(rows["all signals pooled"])
    assert "4.905 / 6.199" in " ".join(rows["all windows, virtual subjects"])
    assert "0.956 / 1.580" in " ".join(rows["published, five folds"])
    _echo_tables(SimpleNamespace(metrics=metrics_of(found), report=Path()))
    held_out = capsys.readouterr().out
    assert "\nthis run, all windows " in held_out
    assert "\nthis run, per signal " in held_out


def test_every_minus_is_a_true_one(capsys):
    pytest.importorskip("torch")
    from tests.support.made_reports import metrics_of, results

    metrics = metrics_of(results("S01", "S02"), seeds=2)
    for seed in metrics["seeds"]:
        seed["methods"]["student_kd"]["mae_bpm"] = 20 + seed["seed"]
    _echo_tables(SimpleNamespace(metrics=metrics, report=Path()))
    printed = capsys.readouterr().out
    assert "in 0 of 2 seeds, by −" in printed
    assert not [word for word in printed.split() if word.lstrip("[")[:1] == "-" and len(word) > 1]


def test_a_mistake_is_one_line_and_debug_shows_where(acq):
    done = acq("info", "nothing.h5")
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1
    assert "Traceback" in acq("--debug", "info", "nothing.h5").stderr


def test_what_stdout_refuses_names_stdout(tmp_path):
    path = make_session(tmp_path, seconds=1.0)
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "acq.main", "info", str(path)], stdout=full, text=True,
            stderr=subprocess.PIPE, check=False,
        )
    assert done.returncode == 1
    assert done.stderr == (
        "acq: expected to write to stdout, found: No space left on device; send it elsewhere\n"
    )


def test_a_stderr_that_takes_nothing_ends_no_work(tmp_path):
    path = make_session(tmp_path, seconds=1.0)
    path.with_suffix(".H5").touch()                     # is warned of on stderr
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "acq.main", "ls", "--data", str(tmp_path)], stderr=full,
            text=True, stdout=subprocess.PIPE, check=False,
        )
    assert done.returncode == 0
    assert path.stem in done.stdout


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_a_closed_stdout_or_stderr_is_no_traceback(tmp_path, closed):
    command = f"'{sys.executable}' -m acq.start ls --data '{tmp_path / 'nothing'}' {closed}"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize("text", ["", "0s", "-5", "5 parsecs", "1e3"])
def test_a_wrong_duration_is_refused(acq_here, text):
    done = acq_here("record", "--subject", "S01", "--simulate", f"--duration={text}")
    assert done.returncode == 2
    assert done.stderr.startswith("acq: --duration: expected a time")
    assert "such as 60s" in done.stderr
