"""The documents say what the program does."""

import json
import re

import pytest
import typer.main

from acq.gone import GONE
from acq.main import app
from models.live.states import STATES


def verbs(group, before=""):
    """Name -> command, of a group's own and of the groups in it."""
    found = {}
    for name, command in group.commands.items():
        found.update(
            verbs(command, f"{before}{name} ")
            if hasattr(command, "commands")
            else {before + name: command}
        )
    return found


COMMANDS = verbs(typer.main.get_command(app))
VERBS = sorted(COMMANDS)


def sections(text):
    parts = re.split(r"^## `acq ([a-z -]+)`$", text, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.fixture(scope="module")
def cli(repo):
    return sections((repo / "docs" / "cli.md").read_text())


def test_every_verb_is_documented_and_no_other(cli):
    assert sorted(cli) == VERBS


@pytest.mark.parametrize("verb", VERBS)
def test_every_option_is_documented_with_its_default_and_no_other(cli, verb):
    rows = re.findall(
        r"^\| `(?:(--[a-z-]+)|([A-Z]+))[^|]*\| *(.*?) *\| *(.*?) *\|$", cli[verb], flags=re.M
    )
    documented = {option or argument: default.strip("`") for option, argument, default, _ in rows}
    real = {}
    for parameter in COMMANDS[verb].params:
        name = next((o for o in parameter.opts if o.startswith("--")), parameter.opts[0].upper())
        real[name] = "required" if parameter.required else _shown(parameter.default)
    real.pop("--help", None)
    assert documented == real


def _shown(default):
    if callable(default) or default is None or default is False or default in ((), []):
        return ""
    value = getattr(default, "value", default)
    return f"{value:g}" if isinstance(value, float) else str(value)


def test_links_between_documents_lead_somewhere(repo):
    for document in (
        *repo.glob("*.md"), *repo.glob("docs/**/*.md"), *repo.glob("benchmarks/*.md"),
        *repo.glob("models/**/*.md"),
    ):
        for target in re.findall(r"\]\((?!https?://)([^)#]+)", document.read_text()):
            assert (document.parent / target).exists(), f"{document.name} links to {target}"


def test_files_that_a_document_names_exist(repo):
    documents = [*repo.glob("*.md"), *repo.glob("docs/**/*.md"), repo / "benchmarks/README.md"]
    named = {
        (document.name, path)
        for document in documents if document.name != "CHANGELOG.md"
        for path in re.findall(
            r"`((?:tests|acq|acquire|dataset|models|tools)/[\w/]+\.\w+)`", document.read_text()
        )
    }
    assert len(named) > 20
    assert not sorted(name for name in named if not (repo / name[1]).exists())


def test_readme_s_commands_exist(repo):
    readme = (repo / "README.md").read_text()
    named = set(re.findall(r"^acq ([a-z-]+)", readme, flags=re.M)) | set(
        re.findall(r"`acq ([a-z-]+)", readme)
    )
    assert named <= {verb.split()[0] for verb in VERBS}
    targets = set(re.findall(r"^([a-z]+):", (repo / "Makefile").read_text(), flags=re.M))
    assert set(re.findall(r"^make ([a-z]+)", readme, flags=re.M)) <= targets


def commands(text):
    """Every `acq` command of a document: (verb, options), from its blocks of shell and from within
    its lines.
    """
    blocks = re.findall(r"^```sh\n(.*?)^```", text, flags=re.M | re.S)
    lines = [
        line.partition(" # ")[0]
        for block in blocks
        for line in block.splitlines()
        if line.startswith("acq ")
    ]
    for line in lines + re.findall(r"`(acq [a-z][a-z-]*[^`\n]*)`", text):
        words = line.split()[1:]
        verb = " ".join(words[:2]) if " ".join(words[:2]) in COMMANDS else words[0]
        yield verb, [word.partition("=")[0] for word in words if word.startswith("--")]


@pytest.mark.parametrize(
    "document",
    ["docs/models.md", "docs/reproduce.md", "docs/cli.md", "docs/quality.md", "README.md"],
)
def test_a_document_s_commands_exist_and_have_its_options(repo, document):
    found = list(commands((repo / document).read_text()))
    groups = {verb.split()[0] for verb in VERBS}
    for verb, options in found:
        assert verb in COMMANDS or verb in groups, verb
        known = (
            {opt for parameter in COMMANDS[verb].params for opt in parameter.opts} | {"--help"}
            if verb in COMMANDS
            else set()
        )
        assert set(options) <= known, f"acq {verb} {options}"
    assert any(options for _, options in found)


@pytest.mark.parametrize("document", ["docs/models.md", "docs/reproduce.md"])
def test_an_option_named_alone_is_one_of_train_kd_or_bench_board(repo, document):
    named = set(re.findall(r"`(--[a-z-]+)", (repo / document).read_text()))
    assert named
    assert named <= {
        opt
        for verb in ("train-kd", "bench-board")
        for parameter in COMMANDS[verb].params
        for opt in parameter.opts
    }


@pytest.mark.parametrize("option", sorted({*GONE, "--physnet", "--csv"} - {"--seed"}))
def test_no_document_tells_to_use_an_option_that_is_gone(repo, option):
    """But where it says that it is of an earlier version. `--seed` is one of other verbs."""
    documents = [*repo.glob("*.md"), *repo.glob("docs/**/*.md"), *repo.glob("benchmarks/*.md"),
                 *repo.glob("models/board/weights/*.md")]
    told = [
        f"{document.name}: {line[:60]}"
        for document in documents if document.name not in ("CHANGELOG.md", "upgrading.md")
        for line in document.read_text().splitlines()
        if re.search(rf"(?<![\w-]){option}(?![\w-])", line)
        and not re.search(r"earlier version|then `--csv`", line)
    ]
    assert not told


def test_readme_s_python_runs(repo, acq_here, tmp_path, monkeypatch, capsys):
    made = acq_here(
        "simulate", "--subjects", "1", "--sessions", "1", "--duration", "3s", "--quiet", "--json"
    )
    (session,) = json.loads(made.stdout)["sessions"]
    (snippet,) = re.findall(r"```python\n(.*?)```", (repo / "README.md").read_text(), flags=re.S)
    assert "data/sessions/S01/S01-20261122T101500Z.h5" in snippet
    monkeypatch.chdir(tmp_path)
    exec(snippet.replace("data/sessions/S01/S01-20261122T101500Z.h5", session), {})
    assert capsys.readouterr().out


def test_changelog_has_an_unreleased_section(repo):
    assert "## Unreleased" in (repo / "CHANGELOG.md").read_text()


def test_every_state_of_a_live_pulse_is_explained(cli):
    rows = re.findall(r"^\| (`[a-z ]+`(?:, `[a-z ]+`)*) \| \S", cli["live"], flags=re.M)
    explained = [state for row in rows for state in re.findall(r"`([a-z ]+)`", row)]
    assert sorted(explained) == sorted(STATES)
