"""A command line that makes no sense, in one line: what was expected, what was found, what to do.

typer finds the mistake; its own words, a box of several lines, name the type of a value and not the
value.
"""

import re
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

import typer

# typer has its own copy of click, or imports it: the class of all that it refuses
Mistake: type[Exception] = next(
    cls for cls in typer.BadParameter.__mro__ if cls.__name__ == "ClickException"
)
_LIMIT = {
    "greater than or equal to": "at least", "less than or equal to": "at most",
    "greater than": "more than", "less than": "less than",
}
_LIMITED = re.compile(rf"Input should be ({'|'.join(_LIMIT)}) (\S+)")
_TYPED = re.compile(r"Input should be a valid (\w+)")
_NO_COMMAND = re.compile(r"No such command '(.*?)'")
# typer's words, and ours, in which {0} is what its hold and {command} the verb
_WORDS = {
    r"Option '(.*)' requires an argument":
        "expected a value after {0}, found nothing; write {0} VALUE",
    r"Option '(.*)' does not take a value":
        "expected {0} alone, found it with a value; leave the value out",
    r"Got unexpected extra argument.*? \((.*)\)":
        "expected no more words, found {0}; {command} --help says what it takes",
    r"Missing command": "expected a verb of {command}, found none; {command} --help lists them",
}


def word_mistake(error: Any, words: list[str]) -> str:
    """Return one line.

    Parameters
    ----------
    error : a `Mistake`
    words : of the command line
    """
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "acq"
    kind, message = type(error).__name__, error.message.rstrip(".")
    if kind == "NoSuchOption":
        near = _near_options(error.option_name, error.possibilities or ())
        return _word_unknown("an option", error.option_name, near, command)
    if match := _NO_COMMAND.match(message):
        known = context.command.list_commands(context) if context is not None else []
        return _word_unknown("a verb", match[1], get_close_matches(match[1], known, n=1), command)
    if kind == "MissingParameter":
        name = _name(error.param)
        return f"expected {name}, found nothing; {command} --help says what it is"
    if kind == "BadParameter":
        return _word_value(error, message, words, command)
    for pattern, ours in _WORDS.items():
        if match := re.fullmatch(pattern, message):
            return ours.format(*match.groups(), command=command)
    return message


def _near_options(found: str, known: Sequence[str]) -> list[str]:
    """Return the options that may be meant; the dashes, which all have, make none alike."""
    names = {name.lstrip("-"): name for name in known}
    return [names[name] for name in get_close_matches(found.lstrip("-"), names)]


def _word_unknown(what: str, found: str, near: Sequence[str], command: str) -> str:
    fix = f"did you mean {' or '.join(near)}?" if near else f"{command} --help lists them"
    return f"expected {what} of {command}, found {found}; {fix}"


def _word_value(error: Any, message: str, words: list[str], command: str) -> str:
    """Word a value that is refused: by typer, which knows its type, or by the verb."""
    message = message.removeprefix("Value error, ")
    name = error.param_hint or (_name(error.param) if error.param is not None else "")
    found, fix = _value(error.param, words), f"{command} --help says what it takes"
    if match := _LIMITED.fullmatch(message):
        return f"expected {name} {_LIMIT[match[1]]} {match[2]}{found}; {fix}"
    if match := _TYPED.match(message):
        what = {"integer": "a whole number"}.get(match[1], f"a {match[1]}")
        return f"expected {what} for {name}{found}; {fix}"
    if match := re.fullmatch(r"'(.*)' is not one of (.*)", message):
        choice = match[2].replace("'", "").replace(", ", " or ")
        return f"expected {name} {choice}, found {match[1]!r}; write one of these"
    return f"{name}: {message}" if name and name not in message else message


def _value(parameter: Any, words: list[str]) -> str:
    """Return what stands after an option in the command line; empty where it is not found."""
    for at, word in enumerate(words):
        option, _, value = word.partition("=")
        if parameter is not None and option in parameter.opts and option.startswith("-"):
            value = value or next(iter(words[at + 1 :]), "")
            return f", found {value!r}"
    return ""


def _name(parameter: Any) -> str:
    """Return an option as it is written, or what the help calls an argument."""
    name = max(parameter.opts, key=len)
    return str(name if name.startswith("-") else parameter.metavar or name.upper())
