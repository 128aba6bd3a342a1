"""`data/withdrawals.json`: the record of withdrawals, which names nobody."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from acquire import data_folder
from acquire.atomic import write_text
from acquire.documents import Kind, read_if_there
from acquire.errors import CurationError

SCHEMA = "acq-withdrawals"
SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Withdrawal:
    """What stays of one withdrawal: no pseudonym, nor anything made from one."""

    id: str                # random; shows that an interrupted withdrawal is recorded already
    date: str              # ISO 8601, of the day, UTC
    recordings: int
    folders: int           # curated
    models: int            # runs that were trained or tested on it
    models_removed: int
    acq_version: str


@dataclass(frozen=True)
class WithdrawalsFile:
    """What stands in the file beside schema and version."""

    withdrawals: tuple[Withdrawal, ...]     # oldest first


KIND = Kind(
    WithdrawalsFile, "a record of withdrawals", CurationError, "restore it from a copy",
    schema=SCHEMA, version=SCHEMA_VERSION,
)


def read_withdrawals(data: Path) -> tuple[Withdrawal, ...]:
    """Read the record of withdrawals, oldest first.

    Raises
    ------
    CurationError : the file cannot be read, or is no such record
    """
    path = data_folder.withdrawals_file(data)
    record = read_if_there(KIND, path)
    return () if record is None else record.withdrawals


def record_withdrawal(data: Path, withdrawal: Withdrawal) -> None:
    """Add a withdrawal to the record, unless it is there already.

    Raises
    ------
    CurationError : the record cannot be read
    """
    before = read_withdrawals(data)
    if withdrawal.id not in {earlier.id for earlier in before}:
        body = {
            "schema": SCHEMA, "schema_version": SCHEMA_VERSION,
            "withdrawals": [asdict(recorded) for recorded in (*before, withdrawal)],
        }
        write_text(data_folder.withdrawals_file(data), json.dumps(body, indent=2) + "\n")
