"""Small look-alikes of public sets: one pulse in the face's colour and in the PPG, a lag apart.

Each `make_*` writes a recording as its set publishes it, and takes the defects that are to be in
it. `check_pulse` holds what was imported against the truth that it was made from.
"""

import av
import cv2
import h5py
import numpy as np
import scipy.io

from dataset.public.import_set import import_set
from dataset.session.reader import Session
from dataset.signals.pulse_rate import finger_rate

WIDTH, HEIGHT = 24, 16
BPM, LAG_S = 78.0, 0.15           # of the face behind the PPG
SECONDS = 6.0
_PATTERN = np.random.default_rng(3).integers(-6, 7, (HEIGHT, WIDTH, 3))


def pulse(t_s, bpm=BPM):
    return np.sin(2 * np.pi * bpm / 60 * np.asarray(t_s))


def times(fps, seconds=SECONDS):
    return np.arange(round(seconds * fps)) / fps


def faces(t_s, bpm=BPM):
    """Return (T, H, W, 3) uint8: skin whose colour follows the pulse after the lag; all differ."""
    colour = np.array([150, 110, 95]) + pulse(np.asarray(t_s) - LAG_S, bpm)[:, None] * [4, 16, 8]
    patterns = np.stack([np.roll(_PATTERN, at, axis=1) for at in range(len(t_s))])
    return np.clip(np.rint(colour[:, None, None, :] + patterns), 0, 255).astype(np.uint8)


def write_video(path, pictures, fps, *, codec="rawvideo", pixels="bgr24"):
    with av.open(str(path), "w", format="avi") as container:
        stream = container.add_stream(codec, rate=round(fps))
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, pixels
        stream.bit_rate = 2_000_000
        for rgb in pictures:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24")
            container.mux(stream.encode(frame.reformat(format=pixels)))
        container.mux(stream.encode(None))


def make_ubfc_phys(root, *, subject=1, task="T1", seconds=SECONDS, bvp_s=SECONDS, head="", bpm=BPM):
    folder = root / f"s{subject}"
    folder.mkdir(parents=True, exist_ok=True)
    write_video(
        folder / f"vid_s{subject}_{task}.avi", faces(times(35, seconds), bpm), 35, codec="mjpeg",
        pixels="yuvj420p",
    )
    values = "\n".join(f"{50 * value:.3f}" for value in pulse(times(64, bvp_s), bpm))
    (folder / f"bvp_s{subject}_{task}.csv").write_text(f"{head}{values}\n")
    (folder / f"info_s{subject}.txt").write_text(f"s{subject}\nf\nctrl\n01/01/2020\n10:00\n")
    return folder


def mmpd_variables(t_s, **changed):
    """Return the variables of one file of MMPD; None takes one out."""
    variables = {
        "video": faces(t_s).astype(np.float32) / np.float32(255), "GT_ppg": pulse(t_s)[None, :],
        "light": "LED-low", "motion": "Stationary (after exercise)", "exercise": "True",
        "skin_color": np.array([[5]]), "gender": "female", "glasser": "False",
        "hair_cover": "True", "makeup": "False",
    } | changed
    return {name: value for name, value in variables.items() if value is not None}


def make_mmpd(root, *, number=1, part=0, compressed=False, **changed):
    folder = root / f"subject{number}"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"p{number}_{part}.mat"
    variables = mmpd_variables(times(30), **changed)
    scipy.io.savemat(path, variables, do_compression=compressed)
    return path


def make_ibvp(root, *, name="p01_a", names=None, low=(), rows=None, header=True, missing=()):
    """Make a folder; `names` of the pictures, `low` slices of samples of low quality by SQ1."""
    t_s = times(30)
    folder = root / name
    (folder / f"{name}_rgb").mkdir(parents=True)
    for at, rgb in enumerate(faces(t_s)):
        if at not in missing:
            picture = names[at] if names else f"{at:05d}"
            cv2.imwrite(str(folder / f"{name}_rgb" / f"{picture}.bmp"), rgb[..., ::-1])
    quality = np.ones(len(t_s))
    for part in low:
        quality[part] = 0
    lines = ["BVP,SQPhysMD,SQ1,SQ2,Perfusion_Value"] if header else []
    lines += [
        f"{value:.6f},0.93,{good:.1f},1.0,2.5"
        for value, good in list(zip(pulse(t_s), quality, strict=True))[:rows]
    ]
    (folder / f"{name}_bvp.csv").write_text("\n".join(lines) + "\n")
    return folder


def make_cohface(root, *, subject=1, session=0, with_time=True, attributes=(), seconds=SECONDS):
    folder = root / str(subject) / str(session)
    folder.mkdir(parents=True)
    write_video(
        folder / "data.avi", faces(times(20, seconds)), 20, codec="mpeg4", pixels="yuv420p"
    )
    t_s = times(256)
    with h5py.File(folder / "data.hdf5", "w") as file:
        file["pulse"], file["respiration"] = pulse(t_s), np.zeros(len(t_s))
        if with_time:
            file["time"] = t_s
        file.attrs.update(dict(attributes))
    return folder


def xml_of(rows):
    """Return rows of values as the set's recorder writes them."""
    body = "".join(
        f"\t<value{at}>\n"
        + "".join(f"\t\t<value{place}>{value}</value{place}>\n" for place, value in enumerate(row))
        + f"\t</value{at}>\n"
        for at, row in enumerate(rows)
    )
    return f'<?xml version="1.0" encoding="utf-8"?>\n<cereal>\n{body}</cereal>\n'


def make_lgi_ppgi(root, *, person="alex", session="gym", excess_s=0.5, lost=(), hr_bpm=78):
    """Make a session whose PPG begins `excess_s` before the video; both end together."""
    folder = root / person / f"{person}_{session}"
    folder.mkdir(parents=True)
    frame_s = times(25) + np.random.default_rng(5).uniform(0, 0.02, len(times(25)))
    frame_s = np.round(frame_s, 3)
    write_video(folder / "cv_camera_sensor_stream_handler.avi", faces(frame_s), 25)
    stamps = [(at, f"{1000 * t:.3f}") for at, t in enumerate(frame_s)]
    (folder / "cv_camera_sensor_timer_stream_handler.xml").write_text(xml_of(stamps))
    count = round((frame_s[-1] - frame_s[0] + excess_s) * 60) + 1
    sample_s = frame_s[-1] - np.arange(count)[::-1] / 60
    values = np.rint(50 + 40 * pulse(sample_s)).astype(int)
    rows = [(at, hr_bpm, value) for at, value in enumerate(values) if at not in lost]
    (folder / "cms50_stream_handler.xml").write_text(xml_of(rows))
    return folder


def make_scamps(root, *, name="P000001", frames=None, ppg=None, dtype=np.float64, chunks=True):
    """Make a file as MATLAB 7.3 writes it: HDF5 behind 512 bytes of its own."""
    root.mkdir(parents=True, exist_ok=True)
    path, t_s = root / f"{name}.mat", times(30)
    pixels = faces(t_s).astype(dtype) / 255 if frames is None else frames
    with h5py.File(path, "w", userblock_size=512) as file:
        file.create_dataset(
            "RawFrames", data=pixels.transpose(3, 2, 1, 0), compression="gzip",
            chunks=(1, 8, HEIGHT, 45) if chunks else None,
        )
        file["d_ppg"] = (pulse(t_s) if ppg is None else ppg)[:, None]
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM")
    return path


def import_all(root, data, **options):
    """Import a set; return the outcome of each recording by its path from the root."""
    return {
        path.relative_to(root).as_posix(): outcome
        for path, outcome in import_set(root, data, **options)
    }


def import_one(root, data, **options):
    """Import a set of one recording, and return it."""
    ((_, outcome),) = import_all(root, data, **options).items()
    assert outcome.value is not None, outcome.error
    return outcome.value


def refusal(root, data, **options):
    """Import a set of one recording that is refused; return the words, and see nothing is left."""
    ((_, outcome),) = import_all(root, data, **options).items()
    assert outcome.value is None
    assert outcome.cause is not None
    assert not [path for path in data.rglob("*") if path.is_file() and path.name[0] != "."]
    return str(outcome.cause)


def check_pulse(path, *, lag_s=LAG_S, lag_within_s=0.01, bpm=BPM):
    """Hold heart rate and lag of an imported session against those it was made with."""
    with Session(path) as session:
        frame_s = np.asarray(session.frame_time_ns) / 1e9
        green = np.array([session.frames[at][..., 1].mean() for at in range(len(session.frames))])
        ppg_s, ppg = np.asarray(session.ppg_time_ns) / 1e9, np.asarray(session.ppg_values)
    for at_s, values in ((frame_s, green), (ppg_s, ppg)):
        even_s = np.arange(at_s[0], at_s[-1], 1 / 30)
        found = finger_rate(np.interp(even_s, at_s, values), 30.0).bpm
        assert abs(found - bpm) < 1.0, found
    lag = _phase_s(ppg_s, ppg, bpm) - _phase_s(frame_s, green, bpm)
    period_s = 60 / bpm
    off_s = (lag - lag_s + period_s / 2) % period_s - period_s / 2
    assert abs(off_s) < lag_within_s, off_s


def _phase_s(at_s, values, bpm):
    """Return by how much the sine of a rate that fits best is early [s]."""
    turn = 2 * np.pi * bpm / 60 * at_s
    parts = np.stack([np.sin(turn), np.cos(turn), np.ones(len(turn))], axis=1)
    sine, cosine, _ = np.linalg.lstsq(parts, values - values.mean(), rcond=None)[0]
    return float(np.arctan2(cosine, sine) / (2 * np.pi * bpm / 60))
