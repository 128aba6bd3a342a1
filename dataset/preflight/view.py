"""What a camera sees: the face and where it is, the light on it, and whether it is in focus.

The focus is the blur of Crete et al. (The blur effect: perception and estimation with a new
no-reference perceptual blur metric, Proc. SPIE 6492, 2007): how much of the differences between
neighbouring pixels remains where the picture is blurred once more. It is measured on the face,
scaled to 150 pixels, so that it depends neither on the size of the face nor on its contrast. On
eight faces, virtual and real, a sharp one has 0.40 to 0.60, and one that is blurred by a Gaussian
of 2 of these pixels 0.70 to 0.79. Noise hides blur.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from acquire.atomic import atomic_file
from acquire.camera.source import CameraInfo
from acquire.errors import AcqError
from dataset.common.files import check_has_folder
from dataset.face.box import FaceBox
from dataset.face.quick_look import frame_luma, spot_face

from .result import FAIL, OK, WARN, Check

PICTURES = (".png", ".jpg", ".jpeg")
_FRAME_SHARE = 0.8                 # side of the frame to sit in, of the picture's shorter side
_SMALLEST_FACE = 0.35              # height of a face, of that frame
_DARK, _BRIGHT = 50, 205           # mean of a face in 8 bits that keeps its pulse free of the ends
_BLOWN, _BLOWN_SHARE = 250, 0.05   # pixels from this level on have lost their pulse
_SOFT, _FOCUS_PX, _BLUR_PX = 0.66, 150, 9
_NO_FACE = "face the camera, 0.5 to 1 m away, with light from the front"
_COLOURS = {OK: (80, 200, 80), WARN: (0, 190, 255)}       # BGR


@dataclass(frozen=True)
class View:
    """What is seen in one picture."""

    width: int
    height: int
    face: FaceBox | None
    frame: FaceBox                 # to sit in
    checks: list[Check]            # light and face; with a face its place and the focus, too


def look_at(image: np.ndarray, camera: CameraInfo, *, with_subject: bool = False) -> View:
    """Look for a face in a frame as its camera delivers it, and check how it is seen.

    Parameters
    ----------
    with_subject : a subject sits there: no face is a failure
    """
    luma = frame_luma(image, camera)
    height, width = luma.shape
    face, frame = spot_face(luma), frame_to_sit_in(width, height)
    if face is None:
        missing = Check("face", FAIL if with_subject else WARN, "none found", _NO_FACE)
        return View(width, height, None, frame, [check_light(luma, "the picture"), missing])
    found = Check("face", OK, f"found, {face.height / height:.0%} of the picture high")
    crop = face.crop(luma)
    return View(width, height, face, frame, [
        check_light(crop, "the face"), found, check_place(face, frame), check_focus(crop),
    ])


def frame_to_sit_in(width: int, height: int) -> FaceBox:
    """Return the square in the middle of a picture that a face should be in."""
    side = round(_FRAME_SHARE * min(width, height))
    left, top = (width - side) // 2, (height - side) // 2
    return FaceBox(left, top, left + side, top + side)


def check_place(face: FaceBox, frame: FaceBox) -> Check:
    """Check whether a face is in the frame to sit in, with room to move, and large enough."""
    sides = {
        "left": frame.left - face.left, "right": face.right - frame.right,
        "top": frame.top - face.top, "bottom": face.bottom - frame.bottom,
    }
    side, over = max(sides.items(), key=lambda item: item[1])
    if face.height > frame.height:
        return Check("place", WARN, "too near: the face fills the frame", "move back")
    if over > 0:
        text = f"out of the frame at its {side}, by {over} pixels"
        return Check("place", WARN, text, "turn the camera to the face, or move into its middle")
    if face.height < _SMALLEST_FACE * frame.height:
        share = face.height / frame.height
        return Check("place", WARN, f"too far: {share:.0%} of the frame", "come nearer")
    return Check("place", OK, f"in the frame, {face.height} pixels high")


def check_light(luma: np.ndarray, what: str) -> Check:
    """Check whether the brightness of (H, W) uint8 leaves room for a pulse at both ends."""
    mean, blown = float(luma.mean()), float((luma >= _BLOWN).mean())
    text = f"brightness of {what} {mean:.0f} (black 0, white 255)"
    text += f", {blown:.0%} blown out" if blown > 0.005 else ""
    if mean < _DARK:
        advice = "more light from the front, or a longer exposure"
        return Check("light", WARN, f"{text}: too dark", advice)
    if mean > _BRIGHT or blown > _BLOWN_SHARE:
        return Check("light", WARN, f"{text}: too bright", "less light, or a shorter exposure")
    return Check("light", OK, text)


def check_focus(luma: np.ndarray) -> Check:
    """Check whether the brightness of a face, (H, W) uint8, is sharp."""
    if measure_blur(luma) > _SOFT:
        advice = "turn the lens, clean it, or more light"
        return Check("focus", WARN, "the face is not sharp", advice)
    return Check("focus", OK, "the face is sharp")


def measure_blur(luma: np.ndarray) -> float:
    """Return the blur of a face, 0 (sharp) to 1, by the method above."""
    size = (_FOCUS_PX, _FOCUS_PX)
    face = cv2.resize(luma, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    blurs = []
    for axis, kernel in ((0, (1, _BLUR_PX)), (1, (_BLUR_PX, 1))):
        before = np.abs(np.diff(face, axis=axis))
        after = np.abs(np.diff(cv2.blur(face, kernel), axis=axis))
        lost = np.maximum(0, before - after).sum()
        blurs.append(1 - lost / max(float(before.sum()), 1e-9))
    return float(max(blurs))


def check_picture(path: Path, *, replace: bool) -> None:
    """Refuse a file that `save_picture` could not write.

    Raises
    ------
    AcqError : no kind of picture, it is there already, or its folder is not
    """
    if path.suffix.lower() not in PICTURES:
        raise AcqError(
            expected=f"a picture that ends in {', '.join(PICTURES)}", found=path.name,
            fix="name one that does",
        )
    if path.exists() and not replace:
        raise AcqError(expected=f"to make {path}", found="it there", fix="name another file")
    check_has_folder(path)


def save_picture(path: Path, image: np.ndarray, camera: CameraInfo, view: View) -> None:
    """Save a frame with the face's box and the frame to sit in drawn; for its owner's eyes alone.

    Raises
    ------
    OSError : it cannot be written
    """
    code = cv2.COLOR_YUV2BGR_I420 if camera.pixel_format == "I420" else cv2.COLOR_RGB2BGR
    drawn = cv2.cvtColor(image, code)
    _draw(drawn, view.frame, (255, 255, 255), "sit in here")
    if view.face is not None:
        is_ok = all(check.status == OK for check in view.checks)
        _draw(drawn, view.face, _COLOURS[OK if is_ok else WARN], "face")
    is_made, encoded = cv2.imencode(path.suffix.lower(), drawn)
    if not is_made:
        raise OSError(f"cannot encode {path.name}")
    with atomic_file(path, private=True) as part:
        part.write_bytes(encoded.tobytes())


def _draw(picture: np.ndarray, box: FaceBox, colour: tuple[int, int, int], label: str) -> None:
    """Draw a box with its name; on black, so that it is seen on any ground."""
    first, last = (box.left, box.top), (box.right - 1, box.bottom - 1)
    for ink, width in (((0, 0, 0), 4), (colour, 2)):
        cv2.rectangle(picture, first, last, ink, width)
        at = (box.left + 6, box.bottom - 8)
        cv2.putText(picture, label, at, cv2.FONT_HERSHEY_SIMPLEX, 0.5, ink, width, cv2.LINE_AA)
