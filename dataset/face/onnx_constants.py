"""The constants in the file of an exported network, and what they may be."""

from pathlib import Path
from typing import Annotated, Any, Literal, TypedDict

import msgspec

from acquire.documents import Kind, parse_document
from acquire.errors import Fix, TrainingError

_Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class _Head(TypedDict):
    """The constants of any network."""

    format: Literal["acq-board-1"]               # onnx_file.FORMAT
    net: Literal["student", "teacher", "pnet", "rnet", "onet"]
    checkpoint: str


class _Optional(TypedDict, total=False):
    """Constants that not every export has: where one is there, it is of what acq does."""

    pairs_per_mask: Annotated[int, msgspec.Meta(ge=1, le=250)]      # of a teacher
    channels: Literal["RGB"]
    detector: Literal["MTCNN of facenet-pytorch, in ONNX Runtime"]  # box.DETECTOR
    preprocessing_version: Literal[3]            # frames.VERSION
    trained_fps: Annotated[float, msgspec.Meta(ge=1, le=1000)] | None
    # frames.Motion; normalised where none is named
    motion: Literal["standardised", "normalised", "difference"]


class _PulseConstants(_Optional):
    """The constants of a student or a teacher."""

    size: Literal[36]                            # box.SIZE
    enlarge: Annotated[float, msgspec.Meta(ge=1, le=5)]
    unit: Annotated[float, msgspec.Meta(ge=1, le=65536)]
    appearance_scale: Annotated[float, msgspec.Meta(ge=1, le=65536)]
    min_probability: _Share
    parameters: Annotated[float, msgspec.Meta(ge=1, le=1e9)]
    multiply_adds: Annotated[float, msgspec.Meta(ge=1, le=1e12)]


class _NormalisedConstants(_PulseConstants):
    """The constants of one that reads normalised differences."""

    cut_sd: Annotated[float, msgspec.Meta(ge=3, le=3)]        # frames.CUT_SD


class _DetectorConstants(TypedDict):
    """The constants of one of MTCNN's networks."""

    smallest_px: Annotated[float, msgspec.Meta(ge=12, le=10_000)]
    factor: Annotated[float, msgspec.Meta(ge=0.1, le=0.9)]
    min_probability: _Share
    threshold_p: _Share
    threshold_r: _Share
    threshold_o: _Share


def check_constants(text: str, path: Path) -> None:
    """Check the constants of a network, as JSON from the file at `path`.

    Raises
    ------
    TrainingError : one is missing, of another type, or out of its bounds
    """
    if _parse(_Head, text, path)["net"] not in ("student", "teacher"):
        _parse(_DetectorConstants, text, path)
    elif _parse(_PulseConstants, text, path).get("motion", "normalised") == "normalised":
        _parse(_NormalisedConstants, text, path)


def _parse(body: type, text: str, path: Path) -> Any:
    called = "the constants of an exported network"
    return parse_document(Kind(body, called, TrainingError, Fix.EXPORT_AGAIN), text.encode(), path)
