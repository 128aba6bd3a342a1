"""Timed cues: what the subject is asked to do and when, from a YAML file.

```yaml
name: drowsiness
cues:
  - {name: rest, seconds: 60, text: Sit still and look at the camera}
  - {name: talk, seconds: 30, text: Tell what you did yesterday}
```

Each cue becomes two events on the session's clock. Their times are the planned ones, to the
nanosecond: the start of the session plus the durations of the cues before. What shows the cues
reads the same plan from the same clock.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from acquire.documents import compose_yaml, read_text
from acquire.errors import CueError, Fix, fix_of

CUE_BEGIN, CUE_END = "cue_begin", "cue_end"
CUT_SHORT = " (cut short)"      # behind the name, in the end of a cue that the recording cut short
_LONGEST_S = 24 * 3600.0
_LONGEST_NAME = 32              # characters
_LONGEST_TITLE = 60             # characters; of the protocol
_LONGEST_TEXT = 200             # characters; an event keeps 256 bytes

CueEvent = tuple[int, str, str]     # time [ns, CLOCK_MONOTONIC], kind, text


@dataclass(frozen=True)
class Cue:
    """One thing to do."""

    name: str                   # short, such as "rest"; what an analysis selects by
    seconds: float
    text: str                   # what the subject is asked to do


@dataclass(frozen=True)
class CueProtocol:
    """Cues that follow one another from the start of a recording."""

    name: str
    cues: tuple[Cue, ...]

    @property
    def seconds(self) -> float:
        """How long all of them take [s]."""
        return sum(cue.seconds for cue in self.cues)

    def at(self, t_s: float) -> tuple[Cue | None, float, Cue | None]:
        """Return the cue at `t_s` after the start, its remaining time [s], and the next cue.

        A cue is None behind the last one.
        """
        for cue, next_cue in zip(self.cues, (*self.cues[1:], None), strict=True):
            if t_s < cue.seconds:
                return cue, cue.seconds - t_s, next_cue
            t_s -= cue.seconds
        return None, 0.0, None


class CueTrack:
    """The cues of one recording as events that fall due."""

    def __init__(self, cues: Sequence[Cue], start_ns: int) -> None:
        self._ahead: list[CueEvent] = []
        begin_s = 0.0
        for cue in cues:
            text = f"{cue.name}: {cue.text}" if cue.text else cue.name
            self._ahead.append((start_ns + round(begin_s * 1e9), CUE_BEGIN, text))
            begin_s += cue.seconds
            self._ahead.append((start_ns + round(begin_s * 1e9), CUE_END, cue.name))

    def take_due(self, now_ns: int) -> list[CueEvent]:
        """Remove and return the events that have fallen due."""
        due = [event for event in self._ahead if event[0] <= now_ns]
        del self._ahead[: len(due)]
        return due

    def take_last(self, now_ns: int) -> list[CueEvent]:
        """Return the events that have fallen due, and the early end of the cue under way."""
        events = self.take_due(now_ns)
        if self._ahead and self._ahead[0][1] == CUE_END:
            events.append((now_ns, CUE_END, f"{self._ahead[0][2]}{CUT_SHORT}"))
        self._ahead.clear()
        return events


def load_cues(path: Path) -> CueProtocol:
    """Read a protocol file.

    Raises
    ------
    CueError : it cannot be read or is not a protocol; with the line
    """
    import yaml

    try:
        root = compose_yaml(read_text(path))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise CueError(
            expected="YAML", found=error.problem, where=f"at {path}:{line}",
            fix="correct that line",
        ) from error
    except UnicodeDecodeError as error:
        raise CueError(
            expected="text in UTF-8", found=f"the byte {error.object[error.start]:#04x}",
            where=f"at byte {error.start} of {path}", fix=Fix.CHOOSE_PROTOCOL,
        ) from error
    except (yaml.YAMLError, ValueError) as error:
        raise CueError(expected="YAML in UTF-8", found=error, where=path) from error
    except OSError as error:
        raise CueError(
            expected="a protocol file", found=error, where=path,
            fix=fix_of(error, Fix.CHOOSE_PROTOCOL),
        ) from error
    return _ProtocolReader(path).read(root)


class _ProtocolReader:
    """Turns YAML nodes into cues; unlike plain values, nodes know the line of what is wrong."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, root) -> CueProtocol:
        """Read the whole file."""
        top = self._mapping(root, "a mapping with the keys name and cues", ("name", "cues"))
        cues = top.get("cues")
        if cues is None or _type_name(cues) != "seq" or not cues.value:
            self._refuse(
                cues or root, "a list of cues under the key cues", "none",
                "add a line such as `- {name: rest, seconds: 60, text: Sit still}`",
            )
        name = self._text(top["name"], "name", _LONGEST_TITLE) if "name" in top else self._path.stem
        return CueProtocol(name, tuple(self._cue(cue) for cue in cues.value))

    def _cue(self, node) -> Cue:
        keys = self._mapping(
            node, "a cue with the keys name, seconds and text", ("name", "seconds", "text")
        )
        for key in ("name", "seconds"):
            if key not in keys:
                self._refuse(node, f"the key {key} in this cue", "none", f"add `{key}:`")
        name = self._text(keys["name"], "name", _LONGEST_NAME)
        if not name or ":" in name:
            self._refuse(
                keys["name"], "a name without a colon", repr(name), "write a short one such as rest"
            )
        text = self._text(keys["text"], "text", _LONGEST_TEXT) if "text" in keys else ""
        return Cue(name, self._seconds(keys["seconds"]), text)

    def _seconds(self, node) -> float:
        try:
            seconds = float(node.value)
        except (TypeError, ValueError):
            seconds = float("nan")
        if not 0 < seconds <= _LONGEST_S:
            self._refuse(
                node, "seconds between 0 and 86400", repr(node.value), "write a number such as 60"
            )
        return seconds

    def _mapping(self, node, expected: str, allowed: tuple[str, ...]) -> dict:
        if node is None or _type_name(node) != "map":
            found = "an empty file" if node is None else f"a {_type_name(node)}"
            self._refuse(node, expected, found, "see docs/protocols/drowsiness.yaml")
        keys = {}
        for key, value in node.value:
            if key.value not in allowed:
                self._refuse(
                    key, f"only the keys {', '.join(allowed)} here", repr(key.value),
                    "correct or remove it",
                )
            if key.value in keys:
                self._refuse(key, f"the key {key.value} once", "it twice", "remove one")
            keys[key.value] = value
        return keys

    def _text(self, node, key: str, longest: int) -> str:
        if not isinstance(node.value, str):
            self._refuse(node, f"text for {key}", f"a {_type_name(node)}", "put it in quotes")
        text = " ".join(node.value.split())
        if len(text) > longest:
            self._refuse(
                node, f"at most {longest} characters for {key}", str(len(text)), "shorten it"
            )
        if not text.isprintable():
            found = ascii(next(char for char in text if not char.isprintable()))
            self._refuse(node, f"printable characters for {key}", found, "remove it")
        return text

    def _refuse(self, node, expected: str, found: str, fix: str) -> NoReturn:
        line = node.start_mark.line + 1 if node is not None else 1
        raise CueError(expected=expected, found=found, where=f"at {self._path}:{line}", fix=fix)


def _type_name(node) -> str:
    """Return "map", "seq", "str", "int" and so on."""
    return node.tag.rpartition(":")[2]
