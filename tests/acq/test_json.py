"""With --json each verb prints one document; what goes wrong is JSON, too."""

import json

import pytest
import typer.main
from typer.testing import CliRunner

from acq.main import app, main
from acq.terminal import printing
from tests.support.made_sessions import make_session


def leaves(group, before=""):
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from leaves(command, f"{before}{name} ")
        else:
            yield before + name, command


LEAVES = dict(leaves(typer.main.get_command(app)))


@pytest.mark.parametrize("verb", sorted(LEAVES))
def test_every_verb_has_it(verb):
    assert any("--json" in parameter.opts for parameter in LEAVES[verb].params)


@pytest.fixture
def data(tmp_path):
    for subject in ("S01", "S02"):
        make_session(tmp_path, subject, seconds=2.0)
    return tmp_path


def invoke(*words):
    return CliRunner().invoke(app, [*map(str, words), "--json"])


@pytest.mark.parametrize("verb", ["info", "resync"])
def test_several_sessions_are_one_document_and_a_bad_one_stops_no_other(data, verb):
    broken = data / "broken.h5"
    broken.write_text("no recording")
    options = ("--data", data, *(["--dry-run"] if verb == "resync" else []))
    one = json.loads(invoke(verb, "S01-20260101T090001Z", *options).stdout)
    done = invoke(verb, "S01-20260101T090001Z", broken, "S02-20260101T090001Z", *options)
    first, bad, last = json.loads(done.stdout)
    assert first == one
    assert last["session_id"] == "S02-20260101T090001Z"
    assert bad["path"] == str(broken)
    assert "12 bytes that are not HDF5" in bad["error"]
    assert done.exit_code == 1


def test_a_recipe_is_the_document_of_its_file():
    import yaml

    shown = CliRunner().invoke(app, ["train-kd", "--recipe", "fast", "--show-recipe"])
    assert json.loads(invoke("train-kd", "--recipe", "fast", "--show-recipe").stdout) == (
        yaml.safe_load(shown.stdout)
    )


def test_exclusions(data):
    session = "S01-20260101T090001Z"
    made = json.loads(
        invoke("exclude", session, "--to", "1", "--reason", "moved", "--data", data).stdout
    )
    assert [one["session"] for one in made["excluded"]] == [session]
    assert json.loads(invoke("exclude", "--data", data).stdout)["excluded"] == made["excluded"]
    back = json.loads(invoke("include", session, "--data", data).stdout)
    assert back["included_again"] == made["excluded"]
    assert back["out_of_date"] == []
    assert json.loads(invoke("exclude", "--data", data).stdout) == {"excluded": []}


def test_an_error_is_one_line_of_json_with_its_facts(data, monkeypatch, capsys):
    monkeypatch.setattr(printing, "_state", {"json": False})
    monkeypatch.setattr("acq.main.raise_on_signals", lambda *names: None)     # of pytest itself
    monkeypatch.setattr("sys.argv", ["acq", "exclude", "S9", "--reason", "x", "--data", str(data),
                                     "--json"])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr()
    assert (ended.value.code, said.out) == (1, "")
    error = json.loads(said.err)
    assert error["expected"] == "a recording 'S9'"
    assert error["found"] == "none"
    assert error["error"].startswith("expected a recording 'S9', found none in ")
