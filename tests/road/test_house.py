"""The house keeps its sizes: functions that fit a screen, wings of about a dozen files."""

import ast
import re

import pytest
import typer.main

from acq.main import app

ROOMS = ("acq", "acquire", "dataset", "models")


@pytest.fixture(scope="module")
def modules(repo):
    """Every module of the four rooms, parsed, by its path."""
    paths = [path for room in ROOMS for path in (repo / room).rglob("*.py")]
    return {path.relative_to(repo).as_posix(): ast.parse(path.read_text()) for path in paths}


def functions(tree):
    return [
        node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def test_a_function_fits_a_screen(modules):
    long = {
        f"{name}:{function.name}": function.end_lineno - function.lineno + 1
        for name, tree in modules.items() for function in functions(tree)
        if function.end_lineno - function.lineno + 1 > 60
    }
    assert not long


def test_a_file_holds_one_idea(modules, repo):
    lines = {name: len((repo / name).read_text().splitlines()) for name in modules}
    assert {name: count for name, count in lines.items() if count > 400} == {}


def test_a_wing_has_about_a_dozen_files_and_says_who_may_enter(modules, repo):
    wings = {name.rpartition("/")[0] for name in modules if name.count("/") > 1}
    assert len(wings) > 25
    for wing in wings - {"acq/commands"}:                 # a file a verb
        files = [path for path in (repo / wing).glob("*.py") if path.name != "__init__.py"]
        assert 1 < len(files) <= 13, wing
    for wing in wings:
        first, _, rest = ast.get_docstring(modules[f"{wing}/__init__.py"]).partition("\n\n")
        assert first, wing
        assert rest, wing


def test_docstrings_begin_with_one_line_that_says_what_is_returned_or_done(modules):
    vague = re.compile(r"(Give|Say|Tell)\b")
    for name, tree in modules.items():
        for node in [tree, *functions(tree)]:
            text = ast.get_docstring(node) or ""
            assert not vague.match(text), f"{name}: {text.splitlines()[0]}"


def test_errors_of_the_library_name_no_command_and_no_option(modules):
    verbs = "|".join(typer.main.get_command(app).commands)
    command = re.compile(rf"\bacq (?:{verbs})\b|(?<![\w-])--[a-z]{{2,}}")
    for name, tree in modules.items():
        if name.startswith("acq/"):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Raise) and node.exc is not None:
                texts = [
                    part.value for part in ast.walk(node.exc)
                    if isinstance(part, ast.Constant) and isinstance(part.value, str)
                ]
                named = [text for text in texts if command.search(text)]
                assert not named, f"{name}:{node.lineno}"


def test_the_tree_in_contributing_names_every_wing(modules, repo):
    text = (repo / "CONTRIBUTING.md").read_text()
    for wing in {name.split("/")[1] for name in modules if name.count("/") == 2}:
        assert f"{wing}/" in text, wing


def names_of(tree):
    """Return every name that a module defines or imports, at any depth."""
    nodes = list(ast.walk(tree))
    return (
        {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}
        | {node.asname or node.name for node in nodes if isinstance(node, ast.alias)}
        | {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    )


def test_what_a_benchmark_imports_is_there(modules, repo):
    """Most of them run for too long to be run here, and nothing else imports them."""
    ours = {f"benchmarks/{path.name}": ast.parse(path.read_text())
            for path in repo.glob("benchmarks/*.py")}
    there, gone = {**modules, **ours}, []
    for path, tree in ours.items():
        for node in ast.walk(tree):
            if not isinstance(node, ast.ImportFrom):
                continue
            name = "/".join((["benchmarks"] if node.level else []) + (node.module or "").split("."))
            name = name.rstrip("/")                          # `from . import x` has no module
            if name.partition("/")[0] not in (*ROOMS, "benchmarks"):
                continue
            of = there.get(f"{name}.py") or there.get(f"{name}/__init__.py")
            found = names_of(of) if of else set()
            gone += [
                f"{path}: {name}.{one.name}" for one in node.names
                if not {one.name, "__getattr__"} & found and f"{name}/{one.name}.py" not in there
            ]
    assert gone == []
