"""The report of a run: one HTML file that opens offline, with every figure drawn inside it.

It follows the order in which a reviewer asks: on what data, how good, against whom, where does it
fail, what does the network see, how was it trained, and everything needed to repeat it. A virtual
subject's face is shown; a real one's never is, not even as 36x36 pixels.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from dataset.common.html import drawing, number, page, section, text
from models.data.videos import TrainingData
from models.evaluation.evaluate import VideoResult
from models.evaluation.published import gap_closed
from models.nets.can import Teacher

from . import errors, faces, published, pulses, tables
from .board import board
from .training import curves

if TYPE_CHECKING:
    from models.training.recipe import Trained

BANNERS = {
    "virtual": '<div class="banner"><b>Simulated data.</b> Every subject here is virtual. These '
               'figures show that the '
    "experiment works; they say nothing about real faces.</div>",
    "virtual and real": '<div class="banner"><b>Partly simulated data.</b> Virtual and real '
                        'recordings are mixed here. These '
    "figures are no measure of how well real faces are read.</div>",
    "real": "",
}
STYLE = """
.tile{flex-basis:190px}
tr.best td,.wide tr.best td:first-child{background:var(--pale)}
tr.published td{color:var(--soft)}
.wide tbody td{vertical-align:top}.wide th,.wide td{padding:5px 9px}
.wide td:first-child{white-space:normal;min-width:8.2em}
tr.mean td{border-top:2px solid var(--ink)}
h3{font-size:15.5px;margin:22px 0 4px}
figcaption{max-width:100ch;padding-top:4px}
nav{font-size:13.5px;margin:14px 0;line-height:1.9}nav a{margin-right:14px;white-space:nowrap}
.legend{font-size:13px;margin:10px 0 4px}.legend span{margin-right:16px;white-space:nowrap}
.legend i{display:inline-block;width:16px;height:3px;margin-right:6px;vertical-align:middle}
details{margin:12px 0}pre{background:var(--tint);padding:12px;overflow:auto;font-size:12px;border-radius:6px}
@media (max-width:640px){main{padding:20px 14px 40px}h1{font-size:22px}dl{grid-template-columns:1fr}dt{margin-top:6px}
th,td{padding:4px 8px}}
"""
TITLE = "A small network that reads the pulse from a face"


def write_report(
    path: Path, curated: TrainingData, trained: "dict[str, Trained]",
    colours: dict[str, list[VideoResult]], metrics: dict,
) -> None:
    """Write the report of a run to `path`; table 4 is filled later, by `report_board.keep_board`.

    Parameters
    ----------
    curated : the data, for faces and spectra
    trained : the networks by name, with their results on each test recording
    colours : the methods without training, with theirs
    metrics : what metrics.json holds
    """
    results = {**{name: one.videos for name, one in trained.items()}, **colours}
    teacher = trained["teacher"].net
    assert isinstance(teacher, Teacher)
    with drawing():
        good, bad = pulses.windows(trained, metrics)
        parts = {
            "Results": tables.results(metrics),
            "Beside the paper": (
                f"<p>{published.COMPARE} {published.GAP}</p>"
                f"<h3>Tables 1 and 2: subject-disjoint folds</h3>{published.folds(metrics)}"
                f"<h3>Table 3: held-out subjects</h3>{published.hold_out(metrics)}"
                f"<h3>Table 4: on a board</h3>{board()}"
            ),
            "Seeds": published.seeds(metrics),
            "Counted otherwise": tables.otherwise(metrics),
            "Agreement": errors.agreement(results, metrics),
            "Predicted and reference": errors.scatter(results, metrics),
            "Subjects": errors.subjects(results, metrics),
            "SNR and MACC": errors.spreads(results, metrics),
            "Heart rate over time": pulses.rates(trained, metrics),
            "Good windows": good,
            "Bad windows": bad,
            "Preprocessed frames": faces.frames(curated, metrics),
            "Attention": faces.attention(curated, teacher, metrics),
            "Training": curves(trained, metrics),
            "Test recordings": tables.recordings(metrics),
            "How it was made": _method(metrics),
        }
    parts = {title: body for title, body in parts.items() if body}
    contents = " ".join(f'<a href="#{_anchor(title)}">{title}</a>' for title in parts)
    body = "\n".join(
        f'<section id="{_anchor(title)}">{section(title, part)}</section>'
        for title, part in parts.items()
    )
    whole = f'{_head(metrics)}<nav aria-label="contents">{contents}</nav>{body}'
    path.write_text(page(f"acq train-kd: {TITLE}", whole, style=STYLE), encoding="utf-8")


def _anchor(title: str) -> str:
    return title.lower().replace(" ", "-")


def _head(metrics: dict) -> str:
    subjects, methods, rate = metrics["subjects"], metrics["methods"], metrics["heart_rate"]
    student, taught, teacher = methods["student"], methods["student_kd"], methods["teacher"]
    gain = student["mae_bpm"] - taught["mae_bpm"]
    verdict = (
        "no difference"
        if round(gain, 2) == 0
        else f"{number(abs(gain))} bpm {'better' if gain > 0 else 'worse'}"
    )
    closed = gap_closed(
        {name: methods[name]["mae_bpm"] for name in ("teacher", "student", "student_kd")}
    )
    gap = (
        f"; {closed:.0f} % of the way to its teacher"
        if closed is not None
        else "; its teacher is not ahead of it here"
    )
    between = taught["interval"]["mae_bpm"]
    interval = f" [{number(between[0])}, {number(between[1])}]" if between else ""
    folds = len(metrics["folds"])
    tested = (
        f"tested on {text(', '.join(subjects['test']))}, never seen in training"
        if folds == 1
        else f"{len(subjects['test'])} subjects in {folds} folds, each tested by networks that "
             "never saw it"
    )
    trained = f"trained on {text(', '.join(subjects['train']))} · " if folds == 1 else ""
    return f"""<h1>{TITLE}</h1>
<p class="soft">acq train-kd · {text(metrics["begun"].replace("T", " ").replace("+00:00", " UTC"))} · {trained}{tested}</p>
{BANNERS[metrics["people"]]}
<div class="tiles">
<div class="tile"><b>{number(taught["mae_bpm"])} bpm</b><span>mean absolute error of student + KD{interval},
{taught["windows"]} windows of {rate["window_s"]:g} s, grid of {rate["fft_grid_bpm"]:g} bpm</span></div>
<div class="tile"><b>{verdict}</b><span>with the teacher’s help than the same student alone{gap};
one window with a wrong peak can decide this</span></div>
<div class="tile"><b>{teacher["parameters"] / taught["parameters"]:.0f}× smaller</b><span>{taught["parameters"]:,}
parameters, the teacher has {teacher["parameters"]:,}</span></div>
<div class="tile"><b>{number(taught["ms_per_frame"])} ms a frame</b><span>one thread, network alone; the teacher takes
{number(teacher["ms_per_frame"])} ms</span></div>
</div>"""


def _loss(recipe: dict) -> str:
    distill = recipe["distill"]
    parts = ["mean squared error on the PPG’s change"]
    kinds = {
        "tat": f"TaT, softmax as in the {text(distill['softmax'])}", "fitnet": "FitNet’s hints",
        "at": "attention transfer",
    }
    if distill["kd"] in kinds:
        levels = ", ".join(f"{distill['weight_' + level]:g} {level}" for level in ("middle", "last")
                           if distill["levels"] in ("both", level))
        parts.append(f"features by {kinds[distill['kd']]} ({levels})")
    if distill["weight_pulse"]:
        parts.append(f"{distill['weight_pulse']:g} times that on the teacher’s answer")
    if recipe["shape_weight"]:
        parts.append(
            f"{recipe['shape_weight']:g} times 1 − r of the pulse over a clip (all networks)"
        )
    before = (
        f"; the student alone for {recipe['pretrain_epochs']} epochs before"
        if recipe["pretrain_epochs"]
        else ""
    )
    return " + ".join(parts) + before


def _method(metrics: dict) -> str:
    recipe, pairs, count = metrics["recipe"], metrics["pairs"], metrics["recordings"]
    pre, rate = metrics["preprocessing"], metrics["heart_rate"]
    facts = {
        "data hash": f"<code>{text(metrics['data_hash'])}</code>",
        "split hash": f"<code>{text(metrics['split_hash'])}</code>"
        if len(metrics["folds"]) == 1
        else "each fold’s own, in the headers of its checkpoints",
        "data": f"{count['train']} recordings to train ({pairs['train']:,} pairs of frames), "
                f"{count['test']} to test "
        f"({pairs['test']:,}), {metrics['people']} subjects",
        "frames": f"{text(pre['detector'])} in the first frame, box enlarged {pre['enlarge']:g} "
                  "times and held, "
        f"{pre['size']}×{pre['size']} area-averaged; "
        f"motion is (c₂ − c₁) / (c₂ + c₁), cut at {pre['cut_sd']:g} SD, unit variance",
        "heart rate": "cumulative sum, even grid by the frames’ own times, "
                      f"{rate['low_hz']:g}–{rate['high_hz']:g} Hz, "
        f"highest peak of the spectrum in {rate['window_s']:g} s windows, times 60",
        "loss": _loss(recipe),
        "training": f"AdamW, one cycle to {recipe['learning_rate']:g}, weight decay "
                    f"{recipe['weight_decay']:g}, "
        f"{recipe['batch_clips']} clips of {recipe['clip']} a step, seed {recipe['seed']}, "
        f"{'bfloat16 products' if metrics['bfloat16'] else 'float32'}",
        "machine": f"{text(metrics['device'])}, {metrics['threads']} threads, "
                   f"{text(metrics['machine'])}",
        "versions": text(", ".join(f"{k} {v}" for k, v in metrics["versions"].items())),
    }
    listed = "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in facts.items())
    bare = {k: v for k, v in metrics.items() if k not in ("methods", "folds", "seeds")}
    defects = "".join(f"<li>{text(one)}</li>" for one in metrics["defects"])
    return (
        f"<dl>{listed}</dl>"
        + (f"<p>Defects of the data, as published:</p><ul>{defects}</ul>" if defects else "")
        + "<details><summary>all "
          f"parameters</summary><pre>{text(json.dumps(bare, indent=1))}</pre></details>"
    )
