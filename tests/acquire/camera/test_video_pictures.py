"""A video's pictures are upright and of the right colours, whatever way the file stores them."""

from fractions import Fraction
from itertools import product

import av
import numpy as np
import pytest

from acquire.camera.video_pictures import UprightPictures, form_of
from acquire.errors import CurationError, DeviceError

# FFmpeg's number, and the shares of red and blue in luma
MATRICES = {
    "BT.601": (5, 0.299, 0.114), "BT.709": (1, 0.2126, 0.0722), "BT.2020": (9, 0.2627, 0.0593),
}
PATCH = 16
# sixteen colours, whose luma and chroma stay inside the limited range in every matrix
COLOURS = np.array([
    (30, 30, 30), (220, 220, 220), (120, 120, 120), (200, 150, 130), (150, 100, 80), (90, 60, 50),
    (180, 60, 60), (60, 160, 70), (60, 80, 170), (190, 190, 70), (70, 180, 180), (170, 80, 170),
    (240, 200, 180), (40, 50, 70), (100, 140, 90), (210, 120, 60),
], np.float64)


def to_yuv(rgb, matrix, *, full, bits):
    """Convert (..., 3) RGB of 0 to 255 by the standards' own formula."""
    _, kr, kb = MATRICES[matrix]
    r, g, b = np.moveaxis(rgb / 255, -1, 0)
    luma = kr * r + (1 - kr - kb) * g + kb * b
    blue, red = (b - luma) / (2 * (1 - kb)), (r - luma) / (2 * (1 - kr))
    scale, top = 2 ** (bits - 8), 2**bits - 1
    if full:
        planes = luma * top, blue * top + 128 * scale, red * top + 128 * scale
    else:
        planes = (16 + 219 * luma) * scale, (128 + 224 * blue) * scale, (128 + 224 * red) * scale
    return [np.rint(plane).astype(np.uint16 if bits > 8 else np.uint8) for plane in planes]


def patches(values):
    """Lay sixteen values out as a picture of four by four patches."""
    return np.kron(np.reshape(values, (4, 4)), np.ones((PATCH, PATCH), values.dtype))


def make_frame(pixel_format, matrix, *, full):
    """Make a frame of the sixteen colours, with what it states of itself."""
    bits = 10 if pixel_format.endswith("10le") else 8
    luma, blue, red = (patches(v) for v in to_yuv(COLOURS, matrix, full=full, bits=bits))
    half, quarter_wide = slice(None, None, 2), 4 * PATCH
    planes = {
        "yuv420p": [luma, blue[half, half], red[half, half]],
        "yuv444p": [luma, blue, red],
        "yuv422p": [luma, blue[:, half], red[:, half]],
        "nv12": [luma, np.dstack([blue[half, half], red[half, half]]).reshape(-1, quarter_wide)],
    }
    planes["yuvj420p"] = planes["yuv420p10le"] = planes["yuv420p"]
    frame = av.VideoFrame(4 * PATCH, 4 * PATCH, pixel_format)
    for plane, values in zip(frame.planes, planes[pixel_format], strict=True):
        rows = np.zeros((plane.height, plane.line_size), np.uint8)
        given = np.ascontiguousarray(values).view(np.uint8)
        rows[:, : given.shape[1]] = given
        plane.update(rows)
    frame.colorspace, frame.color_range = MATRICES[matrix][0], 2 if full else 1
    frame.pts, frame.time_base = 0, Fraction(1, 25)
    return frame


def colours_of(picture):
    """Return the sixteen colours, each from the inside of its patch."""
    inside = picture.reshape(4, PATCH, 4, PATCH, 3)[:, 4:12, :, 4:12]
    return inside.mean(axis=(1, 3)).reshape(16, 3)


@pytest.mark.parametrize("full", [False, True], ids=["limited", "full"])
@pytest.mark.parametrize(
    ("pixel_format", "matrix"),
    [
        *product(["yuv420p", "yuv444p", "nv12", "yuv420p10le"], MATRICES),
        ("yuv422p", "BT.709"),
    ],
)
def test_colours_are_those_of_the_stated_matrix_and_range(pixel_format, matrix, full):
    frame = make_frame(pixel_format, matrix, full=full)
    found = colours_of(UprightPictures("rgb24").convert(frame))
    # the standards' rounding of luma and chroma to 8 bits alone costs up to 1.3
    assert found == pytest.approx(COLOURS, abs=2.0)
    assert abs((found - COLOURS).mean()) < 0.4
    bgr = UprightPictures("bgr24").convert(frame)
    assert (colours_of(bgr[..., ::-1]) == found).all()


def test_yuvj420p_is_full_range_whatever_it_states():
    frame = make_frame("yuvj420p", "BT.601", full=True)
    frame.color_range = 0
    assert colours_of(UprightPictures("rgb24").convert(frame)) == pytest.approx(COLOURS, abs=2.0)


def test_what_is_not_stated_is_bt_601_of_limited_range():
    frame = make_frame("yuv420p", "BT.601", full=False)
    frame.colorspace, frame.color_range = 2, 0
    assert colours_of(UprightPictures("rgb24").convert(frame)) == pytest.approx(COLOURS, abs=2.0)
    assert form_of(frame).is_i420
    assert str(form_of(frame)) == "yuv420p, BT.601 (none is stated), limited range"


@pytest.mark.parametrize(
    ("matrix", "full", "is_i420"),
    [("BT.601", False, True), ("BT.601", True, False), ("BT.709", False, False)],
)
def test_only_limited_bt_601_keeps_its_planes(matrix, full, is_i420):
    frame = make_frame("yuv420p", matrix, full=full)
    assert form_of(frame).is_i420 is is_i420
    if is_i420:
        assert (UprightPictures("yuv420p").convert(frame) == frame.to_ndarray()).all()
    else:                   # as behind frames that were, in a video that changes its form
        with pytest.raises(DeviceError, match="expected frames of one form"):
            UprightPictures("yuv420p").convert(frame)


@pytest.mark.parametrize("pixel_format", ["rgb24", "bgr24", "gbrp", "rgba", "gray"])
def test_rgb_and_grey_come_through_unchanged(pixel_format):
    rgb = np.random.default_rng(1).integers(0, 256, (16, 24, 3), np.uint8)
    if pixel_format == "gray":
        rgb[...] = rgb[..., :1]
    frame = av.VideoFrame.from_ndarray(rgb, format="rgb24").reformat(format=pixel_format)
    frame.colorspace, frame.color_range = 1, 1       # what a careless muxer states of RGB
    assert (UprightPictures("rgb24").convert(frame) == rgb).all()
    assert "BT" not in str(form_of(frame))


def test_a_matrix_that_ffmpeg_cannot_convert_is_refused():
    frame = make_frame("yuv420p", "BT.601", full=False)
    frame.colorspace = 8                             # YCgCo
    with pytest.raises(DeviceError, match=r"colours by BT\.601.*H\.273 numbers 8 in x\.mp4"):
        form_of(frame, "in x.mp4")


def store(path, rgb, codec, pixel_format, matrix):
    """Write a video of three equal pictures whose header states a display matrix (a, b, c, d)."""
    with av.open(str(path), "w", format="mov") as container:
        stream = container.add_stream(codec, rate=25, options={"qp": "0"})
        stream.height, stream.width = rgb.shape[:2]
        stream.pix_fmt = pixel_format
        for _ in range(3):
            frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
            container.mux(stream.encode(frame.reformat(format=pixel_format)))
        container.mux(stream.encode(None))
    content = bytearray(path.read_bytes())
    at = content.index(b"tkhd") + 4 + 40
    a, b, c, d = (round(value * 65536) for value in matrix)
    content[at : at + 36] = np.array([a, b, 0, c, d, 0, 0, 0, 1 << 30], ">i4").tobytes()
    path.write_bytes(content)


def shown(stored, matrix):
    """Place each stored pixel where the display matrix says: x' = a x + c y, y' = b x + d y."""
    a, b, c, d = matrix
    y, x = np.mgrid[: stored.shape[0], : stored.shape[1]]
    new_x, new_y = a * x + c * y, b * x + d * y
    new_x, new_y = new_x - new_x.min(), new_y - new_y.min()
    out = np.empty((new_y.max() + 1, new_x.max() + 1, *stored.shape[2:]), stored.dtype)
    out[new_y, new_x] = stored
    return out


TURNS = [
    pytest.param((1, 0, 0, 1), id="upright"), pytest.param((0, 1, -1, 0), id="90"),
    pytest.param((-1, 0, 0, -1), id="180"), pytest.param((0, -1, 1, 0), id="270"),
    pytest.param((-1, 0, 0, 1), id="mirrored"), pytest.param((1, 0, 0, -1), id="upside down"),
    pytest.param((0, 1, 1, 0), id="mirrored 270"), pytest.param((0, -1, -1, 0), id="mirrored 90"),
]


def first_frame(path):
    with av.open(str(path)) as container:
        return next(container.decode(video=0))


@pytest.mark.parametrize("matrix", TURNS)
def test_pictures_are_turned_as_the_display_matrix_says(tmp_path, matrix):
    stored = np.random.default_rng(2).integers(0, 256, (32, 64, 3), np.uint8)
    store(tmp_path / "v.mov", stored, "png", "rgb24", matrix)
    frame = first_frame(tmp_path / "v.mov")
    truth = shown(stored, matrix)
    assert (UprightPictures("rgb24").convert(frame) == truth).all()
    form = form_of(frame)
    assert (form.height, form.width) == truth.shape[:2]
    assert bool(form.turned) == (matrix != (1, 0, 0, 1))


@pytest.mark.parametrize("matrix", TURNS[1:4])
def test_i420_is_turned_plane_by_plane(tmp_path, matrix):
    stored = np.random.default_rng(3).integers(0, 256, (32, 64, 3), np.uint8)
    store(tmp_path / "v.mov", stored, "libx264", "yuv420p", matrix)
    frame = first_frame(tmp_path / "v.mov")
    planes = frame.to_ndarray()
    turned = [
        shown(plane, matrix)
        for plane in (planes[:32], planes[32:40].reshape(16, 32), planes[40:].reshape(16, 32))
    ]
    found = UprightPictures("yuv420p").convert(frame)
    assert found.tobytes() == b"".join(plane.tobytes() for plane in turned)
    assert found.shape == (turned[0].shape[0] * 3 // 2, turned[0].shape[1])


def test_a_matrix_that_only_stretches_turns_nothing(tmp_path):
    stored = np.random.default_rng(4).integers(0, 256, (32, 64, 3), np.uint8)
    store(tmp_path / "v.mov", stored, "png", "rgb24", (4 / 3, 0, 0, 1))
    assert (UprightPictures("rgb24").convert(first_frame(tmp_path / "v.mov")) == stored).all()


def test_a_slanted_picture_is_refused(tmp_path):
    stored = np.zeros((32, 64, 3), np.uint8)
    store(tmp_path / "v.mov", stored, "png", "rgb24", (0.8, 0.6, -0.6, 0.8))
    with pytest.raises(CurationError, match=r"turned by 90, 180 or 270 .* matrix of 0\.80 0\.60"):
        UprightPictures("rgb24", error=CurationError).convert(first_frame(tmp_path / "v.mov"))
