"""The parsers that take bytes, by hypothesis: nothing but a value or the error that they name."""

import json
from contextlib import suppress
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from acquire.camera.source import CameraInfo
from acquire.documents import Kind, compose_yaml, parse_document, parse_json
from acquire.errors import AcqError, CurationError
from acquire.recorder.cues import CueProtocol
from acquire.sensor.protocol import PacketParser, cobs_decode
from dataset.face.onnx_graph import find_foreign_node, find_metadata
from dataset.quality.result import SessionQuality
from dataset.session.codestream import find_fault

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda values: st.lists(values, max_size=4) | st.dictionaries(st.text(max_size=9), values),
    max_leaves=30,
)
KINDS = [
    Kind(body, "a document", CurationError, "remove it", is_yaml=is_yaml)
    for body in (dict, list[float], SessionQuality, CameraInfo, CueProtocol)
    for is_yaml in (False, True)
]
few = settings(deadline=None, max_examples=60)


@few
@given(st.sampled_from(KINDS), JSON.map(json.dumps).map(str.encode) | st.binary(max_size=200))
def test_documents(kind, text):
    said = ""
    try:
        parse_document(kind, text, Path("a.json"))
    except AcqError as error:
        said = str(error)
    assert "\n" not in said
    assert len(said) < 1500


@few
@given(JSON)
def test_json_comes_back(body):
    text = json.dumps(body)
    if "NaN" not in text and "Infinity" not in text and not _has_large(body):
        assert parse_json(text) == json.loads(text)


def _has_large(body):
    if isinstance(body, dict):
        return _has_large(list(body.values()))
    if isinstance(body, list):
        return any(_has_large(value) for value in body)
    return isinstance(body, int) and not -(2**63) <= body < 2**64


@few
@given(st.text(alphabet="ab:- \n[]{}&*!?'\"#|>%@`,", max_size=120))
def test_yaml(text):
    import yaml

    with suppress(ValueError, yaml.YAMLError):
        compose_yaml(text)


@few
@given(st.lists(st.binary(max_size=60)))
def test_serial_bytes(pieces):
    parser = PacketParser()
    packets = [packet for piece in pieces for packet in parser.feed(piece)]
    assert len(packets) <= sum(piece.count(0) for piece in pieces)
    for piece in pieces:
        cobs_decode(piece)


@few
@given(st.binary(max_size=300), st.booleans())
def test_onnx_and_codestreams(blob, has_head):
    assert isinstance(find_foreign_node(blob), str)
    find_metadata(blob, "acq")
    head = b"\xff\x4f\xff\x51\x00\x29" if has_head else b""
    assert find_fault(head + blob, 0, (36, 32), is_filtered=True)
