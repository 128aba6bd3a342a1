"""A run without training: made-up pulses, networks that never learnt, and the metrics of both."""

from dataclasses import replace

import numpy as np
import torch

from dataset.face.box import FaceBox
from models.data.videos import CuratedVideo, TrainingData
from models.evaluation.assess import assess
from models.evaluation.methods import COLOUR_TITLES, MEAN_RATE, TITLES
from models.evaluation.verdict import judge
from models.evaluation.video_result import VideoResult
from models.metrics.toolbox import ToolboxFigures
from models.nets.can import Student, Teacher
from models.published_nets.clips.physnet import PhysNet
from models.training.named_recipes import differences
from models.training.recipe import Recipe
from models.training.trained import Trained

FS_HZ, SECONDS = 20.0, 30
DATA_HASH, SPLIT_HASH = "d1" * 32, "5e" * 32
RATES = {f"S{n:02d}": 90.0 if n % 2 == 0 else 66.0 for n in range(1, 7)}
OFF = {"teacher": 0.5, "student": 6.0, "student_kd": 2.0, "physnet": 4.0,
       "green": 9.0, "ica": 5.0, "pca": 7.0, "chrom": 3.0, "pos": 1.0}


def video(subject, method, *, number=1):
    """Return a method's result on one recording: right in the first half, then off by `OFF`."""
    bpm = RATES[subject]
    time_s = np.arange(int(FS_HZ * SECONDS)) / FS_HZ
    start_s = np.arange(SECONDS - 10 + 1.0)
    predicted = bpm + np.where(start_s > 10, OFF[method], 0.0)
    ppg, pulse = (
        np.sqrt(2) * np.sin(2 * np.pi * rate / 60 * time_s) for rate in (bpm, bpm + OFF[method] / 2)
    )
    figures = ToolboxFigures(
        fft_bpm=bpm + OFF[method] + 1, fft_reference_bpm=bpm, peak_bpm=bpm + 3,
        peak_reference_bpm=bpm, snr_db=5 - OFF[method], macc=0.7, points=1024, bin_bpm=1.171875,
    )
    return VideoResult(
        folder=f"test/subject{number}", subject=subject, fs_hz=FS_HZ, time_s=time_s, pulse=pulse,
        ppg=ppg, start_s=start_s, window_s=10.0, predicted_bpm=predicted,
        reference_bpm=np.full(len(start_s), bpm),
        snr_db=np.linspace(3, -3, len(start_s)) - OFF[method],
        snr_de_haan_db=np.linspace(2, -4, len(start_s)) - OFF[method], correlation=0.8, lag_s=0.05,
        left_out=1, without_finger=2, macc=np.linspace(0.9, 0.4, len(start_s)),
        toolbox=figures, toolbox_of_paper=replace(figures, fft_bpm=bpm + OFF[method] + 2),
    )


def guessed(one):
    """Return the guess of the mean rate of all subjects, on the windows of a result."""
    guess_bpm = np.full(len(one.reference_bpm), np.mean(list(RATES.values())))
    figures = replace(one.toolbox, fft_bpm=guess_bpm[0], peak_bpm=guess_bpm[0])
    return replace(
        one, predicted_bpm=guess_bpm, toolbox=figures, toolbox_of_paper=figures,
        pulse=np.zeros_like(one.ppg), snr_de_haan_db=np.full(len(guess_bpm), np.nan),
        snr_db=np.full(len(guess_bpm), np.nan), macc=np.full(len(guess_bpm), np.nan),
        correlation=float("nan"),
    )


def results(*subjects, methods=tuple(OFF)):
    return {
        name: [video(subject, name, number=n) for n, subject in enumerate(subjects, 1)]
        for name in methods
    }


def networks(found, *, before=0):
    """Return networks that never learnt, with their results."""
    nets = {"teacher": Teacher, "student": Student, "student_kd": Student, "physnet": PhysNet}
    parts = {"label": 0.9, "middle": 1.1, "last": 1.2, "pulse": 0.3}
    trained = {}
    for name in [n for n in nets if n in found]:
        torch.manual_seed(0)
        kinds = list(parts) if name == "student_kd" else ["label"]
        curve = [{"loss": 1.0, "label": 1.0}] * (before if name == "student_kd" else 0)
        curve = curve + [
            {"loss": 1.0, **{kind: parts[kind] / epoch for kind in kinds}} for epoch in (1, 2, 3)
        ]
        trained[name] = Trained(nets[name](), curve, found[name], 2.0, 0.5)
    return trained


def metrics_of(found, *, people="virtual", folds=1, seeds=1):
    """Return what metrics.json would hold."""
    methods = {name: assess(videos) for name, videos in found.items()}
    for n, name in enumerate([n for n in methods if n not in COLOUR_TITLES]):
        methods[name] |= {
            "parameters": (795_811, 24_769, 24_769, 768_577)[n], "ms_per_frame": 0.5, "curve": [],
            "seconds": 2.0,
        }
    guess = found.get(MEAN_RATE) or [guessed(one) for one in found["teacher"]]
    methods[MEAN_RATE] = assess(guess)
    kept = ("mae_bpm", "rmse_bpm", "snr_db", "coverage_percent")
    short = {
        name: {key: one[key] for key in kept} for name, one in methods.items()
        if "curve" in one or name == MEAN_RATE
    }

    def worse(by, *names):
        return {
            name: {**one, "mae_bpm": one["mae_bpm"] + (by if name in names else 0)}
            for name, one in short.items()
        }

    everyone = {
        name: found[name] for name in found if name not in (*COLOUR_TITLES, MEAN_RATE)
    }
    formulas = {name: found[name] for name in found if name in COLOUR_TITLES}
    return {
        "verdict": judge(everyone, formulas, guess, TITLES),
        "methods": methods,
        "folds": [
            {"test": [f"S{n:02d}"], "methods": worse(n, *short)} for n in range(1, folds + 1)
        ],
        "seeds": [{"seed": n, "methods": worse(n, "student")} for n in range(seeds)],
        "ms_per_frame_is": "the network alone",
        "people": people,
        "started_from": None,
        "subjects": {
            "train": ["S07", "S08"], "test": sorted({v.subject for v in found["teacher"]}),
        },
        "recordings": {"train": 2, "test": len(found["teacher"])},
        "pairs": {"train": 1000, "test": 1198},
        "without_finger_percent": {"train": 1.25, "test": 0.0},
        "split_hash": SPLIT_HASH,
        "data_hash": DATA_HASH,
        "recipe": Recipe().as_dict(), "beside_paper": differences(Recipe(), "paper"),
        "heart_rate": {
            "window_s": 10.0, "step_s": 1.0, "low_hz": 0.7, "high_hz": 4.0, "fft_grid_bpm": 0.1,
            "main_lobe_bpm": 24.0,
        },
        "preprocessing": {"size": 36, "enlarge": 1.6, "detector": "MTCNN", "cut_sd": 3.0},
        "bfloat16": False,
        "device": "cpu",
        "threads": 1,
        "machine": "x",
        "versions": {"acq": "0"},
        "defects": [],
        "begun": "2026-01-01T00:00:00+00:00",
        "seconds": {"all": 1.0},
    }


def recordings(found, folder, *, simulated=True):
    """Return a dataset of small random faces whose videos are `folder`/vid.avi."""
    rng = np.random.default_rng(0)
    made = []
    for one in found["teacher"]:
        pairs = len(one.time_s) - 1
        made.append(
            CuratedVideo(
                folder=one.folder,
                subject=one.subject,
                session=f"{one.subject}-1",
                simulated=simulated,
                motion=torch.from_numpy(rng.normal(size=(pairs, 36, 36, 3)).astype(np.float16)),
                appearance=torch.from_numpy(
                    rng.integers(0, 256, (pairs, 36, 36, 3), dtype=np.uint8)
                ),
                ppg_change=torch.from_numpy(np.diff(one.ppg).astype(np.float32)),
                colour=rng.normal(size=(pairs + 1, 3)),
                ppg=one.ppg,
                time_s=one.time_s,
                video=folder / "vid.avi",
                box=FaceBox(20, 10, 80, 90),
            )
        )
    return TrainingData(made, made, SPLIT_HASH, DATA_HASH)


assert [*OFF, MEAN_RATE] == [name for name in TITLES if name in (*OFF, MEAN_RATE)]
