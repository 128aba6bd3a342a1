"""The limits that sessions are graded by: one file, `limits.yaml`, in which each says what it means
and why it is so.
"""

import hashlib
import json
import math
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from acquire.errors import CurationError

from .result import SEVERITIES, Flag

DEFAULT = Path(__file__).with_name("limits.yaml")


@dataclass(frozen=True)
class Limit:
    """One of them."""

    name: str                 # and the kind of the flags that it raises
    value: float
    unit: str
    severity: str             # one of SEVERITIES
    meaning: str
    why: str


@dataclass(frozen=True)
class Limits:
    """All of them, by name."""

    by_name: dict[str, Limit]

    def __getitem__(self, name: str) -> float:
        """Give a limit's value."""
        return self.by_name[name].value

    @property
    def hash(self) -> str:
        """SHA-256 of values and severities: what a grade depends on."""
        body = [[limit.name, float(limit.value), limit.severity] for limit in self.by_name.values()]
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

    A file of one's own may change values and severities, and leave out limits that stay as they
    are.

    Raises
    ------
    CurationError : the file cannot be read, names a limit that there is not, or changes what a
        limit is
    """
    limits = {
        name: Limit(name, **body)
        for name, body in yaml.safe_load(DEFAULT.read_text(encoding="utf-8")).items()
    }
    if path is None:
        return Limits(limits)
    for name, body in _own(path).items():
        if name not in limits:
            raise CurationError(
                f"expected limits such as {', '.join(list(limits)[:3])}, found {name!r} in {path}; "
                "remove it"
            )
        limits[name] = _changed(limits[name], body, path)
    return Limits(limits)


def _own(path: Path) -> dict[str, Any]:
    try:
        body = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise CurationError(
            f"expected limits as YAML, got: {' '.join(str(error).split())}, in {path}; correct it"
        ) from error
    if not isinstance(body, dict):
        raise CurationError(
            f"expected limits by name, found none in {path}; start from a copy of {DEFAULT}"
        )
    return body


def _changed(limit: Limit, body: Any, path: Path) -> Limit:
    where = f"of {limit.name} in {path}; start from a copy of {DEFAULT}"
    if not isinstance(body, dict) or not set(body) <= set(asdict(limit)) - {"name"}:
        raise CurationError(f"expected value, unit, severity, meaning and why {where}")
    new = replace(limit, **body)
    if (
        isinstance(new.value, bool)
        or not isinstance(new.value, int | float)
        or not math.isfinite(new.value)
    ):
        raise CurationError(f"expected a number as the value {where}, found {new.value!r}")
    if new.severity not in SEVERITIES:
        raise CurationError(
            f"expected a severity of {', '.join(SEVERITIES)} {where}, found {new.severity!r}"
        )
    if new.unit != limit.unit:
        raise CurationError(f"expected the unit {limit.unit!r} {where}, found {new.unit!r}")
    return new
