"""The report of a run: one HTML file that opens offline, with every figure drawn inside it.

It follows the order in which a reviewer asks: on what data, how good, against whom, where does it
fail, what does the network see, how was it trained, and everything needed to repeat it. A virtual
subject's face is shown; a real one's never is, not even as 36x36 pixels.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from acquire.atomic import write_text
from dataset.common.drawings import drawing_style
from dataset.common.pages import render_page
from dataset.published_colour.methods import METHODS as PUBLISHED_COLOUR
from models.data.videos import TrainingData
from models.evaluation.verdict import BETTER
from models.evaluation.video_result import VideoResult
from models.nets.can import Teacher

from . import accuracy, faces, published, pulses, tables
from .method import method, title_of_other_teacher
from .sections import TEMPLATES, section
from .shares import shares_shown
from .training import curves

if TYPE_CHECKING:
    from markupsafe import Markup

    from models.training.trained import Trained


def write_report(
    path: Path, curated: TrainingData, trained: "dict[str, Trained]",
    colours: dict[str, list[VideoResult]], metrics: dict,
) -> None:
    """Write the report of a run to `path`; `models.report.board` fills table 4 later.

    Parameters
    ----------
    curated : the data, for faces and spectra
    trained : the networks by name, with their results on each test recording
    colours : the methods without training, with theirs
    metrics : what metrics.json holds
    """
    results = {**{name: network.videos for name, network in trained.items()}, **colours}
    # a drawing for each method: without those as published, which are in the tables
    drawn = {name: videos for name, videos in results.items() if name not in PUBLISHED_COLOUR}
    teacher = trained["teacher"].net
    with drawing_style():
        closest, furthest = pulses.draw_windows(trained, metrics)
        sections = {
            "Results": tables.results(metrics),
            "Beside the paper": published.beside_the_paper(metrics),
            "Seeds": published.seeds(metrics),
            "Counted otherwise": tables.otherwise(metrics),
            "As rPPG-Toolbox counts": tables.toolbox(metrics),
            "Agreement": accuracy.agreement(drawn, metrics),
            "Predicted and reference": accuracy.scatter(drawn, metrics),
            "Subjects": accuracy.subjects(results, metrics),
            "Surest windows": shares_shown(results, metrics),
            "SNR and MACC": accuracy.spreads(drawn, metrics),
            "Heart rate over time": pulses.rates(trained, metrics),
            "Closest windows": closest,
            "Furthest windows": furthest,
            "Preprocessed frames": faces.frames(curated, metrics),
            "Attention": (
                faces.attention(curated, teacher, metrics) if isinstance(teacher, Teacher) else ""
            ),
            "Training": curves(trained, metrics),
            "Test recordings": tables.recordings(metrics),
            "How it was made": method(metrics),
        }
    sections = {title: body for title, body in sections.items() if body}
    page = render_page(
        TEMPLATES / "report.html.j2", summary=report_head(metrics), sections=sections
    )
    write_text(path, page)


def report_head(metrics: dict) -> "Markup":
    """Make the head of the report: who was tested, and the four figures that matter most."""
    seeds = metrics["seeds"]
    mae_bpm = {
        name: sum(seed["methods"][name]["mae_bpm"] for seed in seeds) / len(seeds)
        for name in ("student", "student_kd")
    }
    ahead = metrics["verdict"]["against_formula"]["student_kd"]["outcome"] == BETTER
    return section(
        "summary", "summary", metrics=metrics, other_teacher=title_of_other_teacher(metrics),
        # how near a student comes to its teacher is worth a word where the pulse is read at all
        gap=metrics["verdict"]["gap_closed"] if ahead else None,
        mae_bpm=mae_bpm["student_kd"],
        gain_bpm=round(mae_bpm["student"] - mae_bpm["student_kd"], 2),
        begun=metrics["begun"].replace("T", " ").replace("+00:00", " UTC"),
    )
