"""Session files changed by HDF5 itself, whose own sums would refuse most changes of their bytes."""

import random
from contextlib import suppress
from pathlib import Path

import numpy as np

from tests.support.hostile_files import change_bytes


def change_recording(rng: random.Random, whole: bytes, path: Path) -> bytes:
    """Change a session by HDF5 itself: what is declared, what is stored, what is said."""
    import h5py

    from acquire import layout

    with h5py.File(path, "r+") as file:
        for _ in range(rng.choice((1, 1, 2, 4))):
            kind = rng.randrange(6)
            name = rng.choice([*layout.COLUMNS, layout.EXCHANGES, layout.CLOCKS, layout.EVENTS])
            if name not in file:
                continue
            if kind == 0:
                _change_attribute(rng, file)
            elif kind == 1:
                _resize(file[name], rng.choice((0, 1, 7, 10**5, 2**31, 2**40)))
            elif kind == 2:
                _change_values(rng, file[name])
            elif kind == 3:
                chunk = (rng.randrange(100), 0, 0)
                with suppress(OSError, RuntimeError, ValueError):       # cut off before
                    frames = file[layout.FRAMES].id
                    changed = change_bytes(rng, frames.read_direct_chunk(chunk)[1]) or b"x"
                    frames.write_direct_chunk(chunk, changed, rng.choice((0, 0, 1, 7)))
            elif kind == 4:
                del file[name]
                if rng.random() < 0.7:
                    shape = rng.choice(((), (0,), (10,), (2**33,), (5, 5), (180,)))
                    file.create_dataset(name, shape, rng.choice(("f8", "i8", "u2", "S9", "u1")))
            else:
                _resize(file[layout.FRAMES], rng.choice((0, 1, 10**6, 2**33)))
    return path.read_bytes()


def _resize(dataset, rows: int) -> None:
    """Declare another number of rows; but HDF5 walks over all that it cuts off."""
    if dataset.maxshape[:1] == (None,) and len(dataset) < 10**6:
        dataset.resize(rows, axis=0)


def _change_attribute(rng: random.Random, file) -> None:
    import h5py

    from acquire import layout

    place = rng.choice(("/", "ppg", layout.FRAMES))
    names = {"/": layout.ATTRS, "ppg": layout.PPG_ATTRS}.get(place, layout.VIDEO_ATTRS)
    file[place].attrs[rng.choice(names)] = rng.choice((
        "", "x" * 60_000, "[" * 9000, '{"control": [[1]]}', -1, 0, 1, 2**63 - 1, 1e308, -0.0,
        float("nan"), float("inf"), np.arange(5), h5py.Empty("i4"), True, np.bytes_(b"\xff\x1b"),
        10**9, 4096, 64, 3,
    ))


def _change_values(rng: random.Random, dataset) -> None:
    if dataset.ndim != 1 or not 0 < len(dataset) < 10**5:
        return
    rows = dataset[:]
    fields = [rows[field] for field in rows.dtype.names] if rows.dtype.names else [rows]
    values = rng.choice(fields)
    if values.dtype.kind not in "iu":
        return
    first, last = sorted((rng.randrange(len(rows)), rng.randrange(len(rows) + 1)))
    info, some = np.iinfo(values.dtype), values[first:last]
    kind = rng.randrange(5)
    if kind == 0:
        some[:] = rng.choice((info.min, info.max, 0, 1, info.max // 2))
    elif kind == 1:
        some += np.array(rng.choice((10**3, 10**9, 10**15, 2**61)) % info.max, values.dtype)
    elif kind == 2:
        some[:] = some[::-1].copy()
    elif kind == 3:
        bits = np.random.default_rng(rng.getrandbits(32))
        some[:] = bits.integers(info.min, info.max, len(some), values.dtype)
    else:
        some *= np.array(rng.choice((0, 2, 1000))).astype(values.dtype)    # wraps round
    dataset[:] = rows
