"""The tables of a run's report: each method's figures, other ways to count them, each recording."""

from typing import TYPE_CHECKING

from models.evaluation.mean_rate import coverage_text
from models.evaluation.methods import MEAN_RATE, NETWORK_TITLES, TITLES
from models.evaluation.verdict import BETTER, WORSE
from models.metrics.snr import DE_HAAN, OURS

from .sections import section

if TYPE_CHECKING:
    from markupsafe import Markup


def results(metrics: dict) -> "Markup":
    """Make the table of every method's figures over all windows, with intervals."""
    return section(
        "tables", "results", metrics=metrics, titles=_titles(metrics), ours=OURS,
        de_haan=DE_HAAN, best=_better_student(metrics), coverage_text=coverage_text,
    )


def _titles(metrics: dict) -> dict[str, str]:
    """Return the titles of the run's methods, in the table's order; no other network is loaded."""
    return {name: TITLES[name] for name in TITLES if name in metrics["methods"]}


def _better_student(metrics: dict) -> str:
    """Return the student that is better, "" where they are not told apart."""
    outcome = metrics["verdict"]["student_kd_against_student"]["outcome"]
    return {BETTER: "student_kd", WORSE: "student"}.get(outcome, "")


def otherwise(metrics: dict) -> "Markup":
    """Make the table of one rate per recording, and of limits of agreement."""
    return section(
        "tables", "otherwise", metrics=metrics, titles=_titles(metrics),
        coverage_text=coverage_text,
    )


def toolbox(metrics: dict) -> "Markup":
    """Make the table of the figures that rPPG-Toolbox would print."""
    of_teacher = metrics["methods"]["teacher"]["toolbox"]
    low, high = of_teacher["bin_bpm"]
    band, paper_band = (
        "{:g}–{:g}".format(*of["band_hz"]) for of in (of_teacher, of_teacher["of_paper"])
    )
    return section(
        "tables", "toolbox", metrics=metrics, titles=_titles(metrics), band=band,
        paper_band=paper_band, coverage_text=coverage_text,
        points=" to ".join(map(str, dict.fromkeys(of_teacher["fft_points"]))),
        bins=f"{low:.2f}" + (f" to {high:.2f}" if high - low > 0.005 else ""),
    )


def recordings(metrics: dict) -> "Markup":
    """Make the table of each test recording's errors."""
    networks = [name for name in (*NETWORK_TITLES, MEAN_RATE) if name in metrics["methods"]]
    coverages = [
        coverage_text(video["coverage_percent"] for video in of_networks) for of_networks in zip(
            *(metrics["methods"][name]["videos"] for name in networks), strict=True
        )
    ]
    return section(
        "tables", "recordings", metrics=metrics, titles=TITLES, networks=networks,
        coverages=coverages,
    )
