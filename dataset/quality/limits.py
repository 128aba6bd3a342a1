"""The limits that sessions are graded by: one file, `limits.yaml`, that explains each of them."""

import hashlib
import json
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from acquire.documents import Kind, read_document
from acquire.errors import CurationError

from .result import Flag, Severity

DEFAULT = Path(__file__).with_name("limits.yaml")
_FIX = f"start from a copy of {DEFAULT}"


@dataclass(frozen=True)
class Limit:
    """A limit, without its name."""

    value: float
    unit: str
    severity: Severity        # of the flags that it raises
    meaning: str
    why: str


_DEFAULT_KIND = Kind(
    dict[str, Limit], "limits by name, as YAML", CurationError, "reinstall acq", is_yaml=True
)


@dataclass(frozen=True)
class Limits:
    """All limits, by name, which is the kind of the flags that they raise."""

    by_name: dict[str, Limit]

    def __getitem__(self, name: str) -> float:
        """Return a limit's value."""
        return self.by_name[name].value

    @property
    def hash(self) -> str:
        """SHA-256 of values and severities: what a grade depends on."""
        body = [[name, limit.value, limit.severity] for name, limit in self.by_name.items()]
        return hashlib.sha256(json.dumps(sorted(body)).encode()).hexdigest()

    def flag(
        self, name: str, text: str, *, value: float | None, from_s: float | None = None,
        to_s: float | None = None,
    ) -> Flag:
        """Make the flag that a limit raises; times are rounded outwards to a tenth of a second."""
        limit = self.by_name[name]
        begin = None if from_s is None else math.floor(from_s * 10 + 1e-6) / 10
        end = None if to_s is None else math.ceil(to_s * 10 - 1e-6) / 10
        rounded = None if value is None else float(f"{value:.6g}")
        return Flag(name, limit.severity, begin, end, rounded, limit.value, text)


def read_limits(path: Path | None = None) -> Limits:
    """Read the limits; None reads those that come with acq.

    A file of one's own changes values and severities; what it leaves out stays as it is.

    Raises
    ------
    CurationError : the file cannot be read, names an unknown limit, or changes more than values
        and severities
    """
    limits = read_document(_DEFAULT_KIND, DEFAULT)
    if path is None:
        return Limits(limits)
    changes = read_document(_change_kind(limits), path)
    for name, limit in limits.items():
        if (change := getattr(changes, name)) is not None:
            limits[name] = _changed(name, limit, change, path)
    return Limits(limits)


def _change_kind(limits: dict[str, Limit]) -> Kind[Any]:
    """Return the kind of document that may change these limits and names no others."""
    import msgspec

    change = msgspec.defstruct(
        "LimitChange",
        [("value", float | None, None), ("severity", Severity | None, None)]
        + [(name, str | None, None) for name in ("unit", "meaning", "why")],
        forbid_unknown_fields=True,
    )
    body = msgspec.defstruct(
        "LimitChanges", [(name, change | None, None) for name in limits],  # type: ignore[operator]
        forbid_unknown_fields=True,
    )
    return Kind(body, "limits by name, as YAML", CurationError, _FIX, is_yaml=True)


def _changed(name: str, limit: Limit, change: Any, path: Path) -> Limit:
    if change.unit is not None and change.unit != limit.unit:
        raise CurationError(
            expected=f"the unit {limit.unit!r} of {name}", found=repr(change.unit), where=path,
            fix=_FIX,
        )
    value = limit.value if change.value is None else change.value
    if not math.isfinite(value):
        raise CurationError(
            expected=f"a finite value of {name}", found=value, where=path, fix=_FIX
        )
    return replace(limit, value=value, severity=change.severity or limit.severity)
