"""MATLAB's arrays are read as SciPy writes them, piece by piece; damage is named, memory flat."""

import struct

import numpy as np
import pytest
import scipy.io

from acquire.errors import CurationError
from dataset.public.formats.mat_v5 import MatFile

ARRAYS = {
    "video": np.random.default_rng(0).random((9, 5, 4, 3)).astype(np.float32),
    "wide": np.random.default_rng(1).normal(size=(1, 600_000)),
    "bytes": np.arange(24, dtype=np.uint8).reshape(2, 3, 4), "one": np.int64(7),
    "text": "LED-low", "accents": "Élan – π", "empty": np.zeros((0, 0)), "half": 2.5,
    "cells": np.array([["a", 1]], object), "complex": np.array([1 + 2j]),
}


@pytest.fixture(scope="module", params=[True, False], ids=["compressed", "plain"])
def made(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("mat") / "made.mat"
    scipy.io.savemat(path, ARRAYS, do_compression=request.param)
    return path


def test_numbers_come_in_the_order_of_the_file_and_texts_as_they_are(made):
    with MatFile(made) as mat:
        assert set(mat.variables) == set(ARRAYS)
        for name in ("video", "wide", "bytes"):
            read = np.concatenate(list(mat.iterate(name)))
            assert (read == ARRAYS[name].ravel(order="F")).all()
            assert mat.find(name).shape == ARRAYS[name].shape
        assert sum(1 for _ in mat.iterate("wide")) == 2          # of 4 MB at most
        assert (mat.read_numbers("wide") == ARRAYS["wide"].ravel()).all()
        assert [mat.read_text(name) for name in ("one", "half", "text", "accents")] == [
            "7", "2.5", "LED-low", "Élan – π"
        ]


@pytest.mark.parametrize(
    ("read", "words"),
    [
        (lambda mat: mat.read_numbers("none"), "expected the variable none, found accents, bytes"),
        (lambda mat: mat.read_numbers("text"), "text as one row of numbers, found text"),
        (lambda mat: mat.read_numbers("bytes"), "found 2 x 3 x 4"),
        (lambda mat: mat.read_text("video"), "video as a text, found 9 x 5 x 4 x 3"),
        (lambda mat: mat.read_text("cells"), "cells as a text"),
        (lambda mat: list(mat.iterate("complex")), "complex as real numbers"),
        (lambda mat: list(mat.iterate("cells")), "cells as real numbers"),
    ],
)
def test_what_a_variable_is_not_is_refused(made, read, words):
    with MatFile(made) as mat, pytest.raises(CurationError) as caught:
        read(mat)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "an empty file"), (b"no such file" * 30, "found no MATLAB file"),
        (b"MATLAB 7.3 MAT-file, Platform" + b" " * 200, "HDF5 (version 7.3)"),
    ],
)
def test_other_files_are_named_for_what_they_are(tmp_path, content, words):
    path = tmp_path / "a.mat"
    path.write_bytes(content)
    with pytest.raises(CurationError) as caught:
        MatFile(path)
    assert words in str(caught.value)


def test_a_file_cut_anywhere_or_with_any_byte_changed_is_read_or_refused(made, tmp_path):
    whole = made.read_bytes()
    path = tmp_path / "cut.mat"
    rng = np.random.default_rng(4)
    refused = 0
    for at in rng.integers(0, min(len(whole), 6000), 60).tolist():
        for content in (whole[:at], whole[:at] + rng.bytes(1) + whole[at + 1 : 8000]):
            path.write_bytes(content)
            refused += reason_to_refuse(path) != ""
    assert refused > 60


def reason_to_refuse(path):
    """Read all numbers of a file; return why that is refused, or ""."""
    try:
        with MatFile(path) as mat:
            for name in mat.variables:
                if mat.find(name).is_number:
                    for _ in mat.iterate(name):
                        pass
    except CurationError as error:
        return str(error)
    return ""


def test_a_header_that_lies_about_its_size_takes_no_memory(tmp_path):
    path = tmp_path / "large.mat"
    scipy.io.savemat(path, {"video": np.zeros((4, 4))})
    content = bytearray(path.read_bytes())
    at = content.index(struct.pack("<ii", 4, 4))
    content[at : at + 8] = struct.pack("<ii", 2**30, 2**30)
    path.write_bytes(content)
    with MatFile(path) as mat, pytest.raises(CurationError, match="numbers of video, found 16"):
        list(mat.iterate("video"))
