"""The JSON of a PURE folder: the oximeter's samples, and a stamp for each picture."""

import json
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from acquire.documents import check_json_size, read_bytes
from acquire.errors import CurationError
from dataset.common.spans import true_runs
from dataset.public.folders import what_instead
from dataset.public.published import GET_FILE, GET_FOLDER

_BAD_SHARE = 0.01            # of the stamps, at most, may be none
# names under which an oximeter says that it does not trust itself; a beep at each beat is none
_WARNING = re.compile(r"err|fail|fault|search|drop|lost|invalid|no.?finger|probe", re.IGNORECASE)
_STAMP_TEXT = re.compile(r"\d{1,19}(\.\d{1,12})?", re.ASCII)
_LONGEST = 8                 # signs of a word of JSON that was cut
_MOST_FLAGS = 8              # kinds of them that are named
_FINGER_OUT = re.compile(r"finger.?(out|off)|no.?finger", re.IGNORECASE)
_BEEP = re.compile(r"beep|beat", re.IGNORECASE)


@dataclass(frozen=True)
class PureLabels:
    """The JSON of a folder."""

    sample_stamps: np.ndarray      # (S,) int64 or float64, in the unit of the file
    values: list[Any]              # an object with the numbers, for each sample
    image_stamps: np.ndarray       # (N,) int64 or float64, in the unit of the file


def read_labels(path: Path, defects: list[str]) -> PureLabels:
    """Read the JSON of a folder.

    Raises
    ------
    CurationError : it is missing or not PURE's, or more than one stamp in a hundred is none
    """
    body = _read_body(path)
    packets, images = (_list(body, key, path) for key in ("/FullPackage", "/Image"))
    samples = _stamps([packet.get("Timestamp") for packet in packets], "sample", path, defects)
    pictures = _stamps([image.get("Timestamp") for image in images], "image", path, defects)
    known = [stamp for stamp in samples if stamp is not None]
    if not known:
        raise CurationError(expected="samples", found="none", where=path, fix=GET_FILE)
    filled, last = [], known[0]
    for stamp in samples:
        last = last if stamp is None else stamp
        filled.append(last)
    return PureLabels(
        np.array(filled), [packet.get("Value") for packet in packets],
        np.array([stamp for stamp in pictures if stamp is not None] or np.empty(0, np.int64)),
    )


def _read_body(path: Path) -> dict[str, Any]:
    try:
        text = read_bytes(path)
        check_json_size(text)
        body = json.loads(text)
    except FileNotFoundError as error:
        raise CurationError(
            expected="labels", found=what_instead(path), where=f"at {path}", fix=GET_FOLDER
        ) from error
    except (OSError, ValueError, RecursionError) as error:
        raise CurationError(
            expected="labels as JSON", found=_describe_failure(error), where=path, fix=GET_FILE
        ) from error
    if not isinstance(body, dict):
        raise CurationError(
            expected="an object", found="another kind of JSON", where=path, fix=GET_FILE
        )
    return body


def _describe_failure(error: Exception) -> str:
    """Return in words why a text is no JSON."""
    if isinstance(error, RecursionError):
        return "values nested too deep"
    if isinstance(error, UnicodeDecodeError):
        return "bytes that are no text"
    if not isinstance(error, json.JSONDecodeError):
        return str(error)
    is_cut = error.msg.startswith("Unterminated") or len(error.doc.rstrip()) - error.pos < _LONGEST
    if not error.doc.strip():
        return "an empty file"
    return "one that is cut short" if is_cut else f"what is none in line {error.lineno}"


def _list(body: dict[str, Any], key: str, path: Path) -> list[dict[str, Any]]:
    items = body.get(key)
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise CurationError(expected=f"a list {key}", found="none", where=path, fix=GET_FILE)
    return items


def _stamps(
    words: list[Any], name: str, path: Path, defects: list[str]
) -> list[float | int | None]:
    """Return stamps as numbers, None where one is none; name what was written otherwise.

    Raises
    ------
    CurationError : more than one in a hundred is none
    """
    forms: Counter[str] = Counter()
    numbers = [_number(word, forms) for word in words]
    bad = [word for word, number in zip(words, numbers, strict=True) if number is None]
    if len(bad) > max(1, _BAD_SHARE * len(words)) or (bad and len(words) < 20):
        raise CurationError(
            expected="Timestamp in ns", found=f"{bad[0]!r:.60}", where=path, fix=GET_FILE
        )
    if bad:
        defects.append(f"{len(bad)} {name} stamps are no numbers, the first is {bad[0]!r:.60}")
    if forms["text"]:
        defects.append(f"{forms['text']} {name} stamps are text; read as numbers")
    return numbers


def _number(word: Any, forms: Counter[str]) -> float | int | None:
    """Return a stamp as a number, whole where it is; None where it is none."""
    number = word
    if isinstance(word, str) and _STAMP_TEXT.fullmatch(word.strip()):
        forms["text"] += 1
        number = float(word) if "." in word else int(word)
    if type(number) not in (int, float) or not 0 <= number < 2**62:
        return None
    return int(number) if number == int(number) else number


def name_device_flags(
    labels: PureLabels, time_ns: np.ndarray, start_ns: int, defects: list[str]
) -> tuple[tuple[int, int], ...]:
    """Name in `defects` what the oximeter itself says is wrong: an error, a search, a lost finger.

    Parameters
    ----------
    time_ns : (S,) of the samples
    start_ns : of the recording

    Returns
    -------
    from when to when it says that there is no finger [ns]
    """
    time_s, last = (time_ns - start_ns) / 1e9, len(time_ns) - 1
    places: dict[str, list[int]] = {}
    for index, value in enumerate(labels.values):
        if not isinstance(value, dict):
            continue
        for key, word in value.items():
            if _is_warning(key, word) and (key in places or len(places) < _MOST_FLAGS):
                places.setdefault(key, []).append(index)
    for key, indices in places.items():
        defects.append(
            f"the device itself marks {len(indices)} of {len(time_s)} samples with {key[:40]!r}, "
            f"from {time_s[indices[0]]:.2f} s to {time_s[indices[-1]]:.2f} s"
            + "; no rate is told there" * bool(_FINGER_OUT.search(key))
        )
    is_out = np.zeros(len(labels.values), bool)
    for key, indices in places.items():
        is_out[indices] |= bool(_FINGER_OUT.search(key))
    return tuple(
        (int(time_ns[min(run[0], last)]), int(time_ns[min(run[-1] + 1, last)]))
        for run in true_runs(is_out)
    )


def _is_warning(key: str, word: Any) -> bool:
    """Return whether an entry of a sample is a flag that is up, and not the beep of a beat."""
    if _BEEP.search(key):
        return False
    if word is True:
        return True
    is_up = word in ("true", "True", "1") if isinstance(word, str) else (
        isinstance(word, int | float) and word != 0
    )
    return is_up and bool(_WARNING.search(key))
