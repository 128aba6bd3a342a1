"""Timed cues: what the subject is asked to do and when, from a YAML file; each becomes two events
on the session's clock.

```yaml
name: drowsiness
cues:
  - {name: rest, seconds: 60, text: Sit still and look at the camera}
  - {name: talk, seconds: 30, text: Tell what you did yesterday}
```

A cue's time is the planned one, to the nanosecond: start of the session plus what the cues before
it take. What shows the cue reads the same plan from the same clock.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from acquire.errors import CueError

CUE_BEGIN, CUE_END = "cue_begin", "cue_end"
CUT_SHORT = " (cut short)"  # behind the name, in the end of a cue that the recording did not reach
_LONGEST_S = 24 * 3600.0
_TEXT = 200                     # characters; an event keeps 256 bytes


@dataclass(frozen=True)
class Cue:
    """One thing to do."""

    name: str                   # short, such as "rest"; what an analysis selects by
    seconds: float
    text: str                   # what the subject is told


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
        """Give the cue at `t_s` after the start, how long it still lasts [s], and the next one;
        None behind the last.
        """
        for cue, after in zip(self.cues, (*self.cues[1:], None), strict=True):
            if t_s < cue.seconds:
                return cue, cue.seconds - t_s, after
            t_s -= cue.seconds
        return None, 0.0, None


class CueTrack:
    """The cues of one recording as events that fall due."""

    def __init__(self, cues: Sequence[Cue], start_ns: int) -> None:
        self._ahead: list[tuple[int, str, str]] = []
        at_s = 0.0
        for cue in cues:
            self._ahead.append(
                (
                    start_ns + round(at_s * 1e9), CUE_BEGIN,
                    f"{cue.name}: {cue.text}" if cue.text else cue.name,
                )
            )
            at_s += cue.seconds
            self._ahead.append((start_ns + round(at_s * 1e9), CUE_END, cue.name))

    def due(self, now_ns: int) -> list[tuple[int, str, str]]:
        """Take the events that have fallen due: time, kind, text."""
        due = []
        while self._ahead and self._ahead[0][0] <= now_ns:
            due.append(self._ahead.pop(0))
        return due

    def end(self, now_ns: int) -> list[tuple[int, str, str]]:
        """Take what has fallen due, and end now the cue under way; the rest never comes."""
        due = self.due(now_ns)
        if self._ahead and self._ahead[0][1] == CUE_END:
            due.append((now_ns, CUE_END, f"{self._ahead[0][2]}{CUT_SHORT}"))
        self._ahead.clear()
        return due


def load_cues(path: Path) -> CueProtocol:
    """Read a protocol file.

    Raises
    ------
    CueError : it cannot be read or is no protocol; names the line
    """
    import yaml

    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise CueError(
            f"expected YAML, found {error.problem} at {path}:{line}; correct that line"
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise CueError(
            f"expected YAML in UTF-8, found other bytes in {path}: {' '.join(str(error).split())}"
        ) from error
    except OSError as error:
        raise CueError(
            f"expected a protocol file at {path}, got: {error.strerror}; name another with "
            "--protocol"
        ) from error
    return _Reader(path).read(node)


class _Reader:
    """From YAML nodes, which know their lines, to cues."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def _refuse(self, node, expected: str, found: object, advice: str) -> NoReturn:
        line = node.start_mark.line + 1 if node is not None else 1
        raise CueError(f"expected {expected}, found {found} at {self._path}:{line}; {advice}")

    def read(self, node) -> CueProtocol:
        """Read the whole file."""
        top = self._mapping(node, "a mapping with the keys name and cues", ("name", "cues"))
        cues = top.get("cues")
        if (
            cues is None
            or not isinstance(cues.value, list)
            or cues.tag != "tag:yaml.org,2002:seq"
            or not cues.value
        ):
            self._refuse(cues or node, "a list of cues under the key cues", "none",
                         "add a line such as `- {name: rest, seconds: 60, text: Sit still}`")
        name = self._text(top["name"], "name", 60) if "name" in top else self._path.stem
        return CueProtocol(name, tuple(self._cue(cue) for cue in cues.value))

    def _cue(self, node) -> Cue:
        keys = self._mapping(
            node, "a cue with the keys name, seconds and text", ("name", "seconds", "text")
        )
        for key in ("name", "seconds"):
            if key not in keys:
                self._refuse(node, f"the key {key} in this cue", "none", f"add `{key}:`")
        name = self._text(keys["name"], "name", 32)
        if not name or ":" in name:
            self._refuse(
                keys["name"], "a name without a colon", repr(name), "write a short one such as rest"
            )
        text = self._text(keys["text"], "text", _TEXT) if "text" in keys else ""
        written = keys["seconds"].value
        try:
            seconds = float(written)
        except (TypeError, ValueError):
            seconds = float("nan")
        if not 0 < seconds <= _LONGEST_S:
            self._refuse(
                keys["seconds"], "seconds between 0 and 86400", repr(written),
                "write a number such as 60",
            )
        return Cue(name, seconds, text)

    def _mapping(self, node, expected: str, allowed: tuple[str, ...]) -> dict:
        if node is None or node.tag != "tag:yaml.org,2002:map":
            found = "an empty file" if node is None else f"a {node.tag.rpartition(':')[2]}"
            self._refuse(node, expected, found, "see docs/protocols/drowsiness.yaml")
        keys = {}
        for key, value in node.value:
            if key.value not in allowed:
                self._refuse(
                    key, f"only the keys {', '.join(allowed)} here", repr(key.value),
                    "correct or remove it",
                )
            if key.value in keys:
                self._refuse(key, f"the key {key.value} once", "it again", "remove one")
            keys[key.value] = value
        return keys

    def _text(self, node, key: str, longest: int) -> str:
        if not isinstance(node.value, str):
            self._refuse(
                node, f"text for {key}", f"a {node.tag.rpartition(':')[2]}", "put it in quotes"
            )
        text = " ".join(node.value.split())
        if len(text) > longest or not text.isprintable():
            self._refuse(
                node, f"at most {longest} printable characters for {key}", f"{len(text)}",
                "shorten it",
            )
        return text
