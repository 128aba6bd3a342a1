import re
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from dataset.common.drawings import Drawing, drawing_style
from models.report import accuracy, pulses, training
from models.report.drawing import MOST_POINTS, new_axes, window_step
from models.report.training import curves
from tests.support.made_reports import metrics_of, networks, results
from tests.support.pages import Page, in_one_line, words_of

TWO = results("S01", "S02")


def test_limits_of_agreement_stand_over_each_method():
    with drawing_style():
        page = Page(accuracy.agreement(TWO, metrics_of(TWO)))
    assert len(page.alts) == 9
    # Off by 2 in 10 of 21 windows of either subject: mean 0.95, SD within subjects 1.02.
    assert (
        "Bland-Altman plot of student + KD: mean difference and limits of agreement 0.95 [−1.1, "
        "3.0] bpm"
        in page.alts
    )


def test_a_long_run_draws_some_windows_and_says_so():
    assert window_step(MOST_POINTS) == 1
    assert window_step(3 * MOST_POINTS) == 3
    every = {name: videos * 20 for name, videos in TWO.items()}
    long = {name: every[name] for name in ("teacher", "student")}
    with drawing_style():
        drawn = accuracy.scatter(long, metrics_of(every))
    assert "One window in 2 is drawn" in drawn
    points = drawn.count("<use ")
    assert 2 * 400 < points < 2 * 500  # of 840 windows of each method, and ticks


def test_subjects_have_the_best_method_without_training_beside():
    with drawing_style():
        page = accuracy.subjects(TWO, metrics_of(TWO))
    assert "Without training, POS is the best on these windows" in page
    assert re.findall(r"</i>([^<]*)</span>", page) == [
        "teacher", "student", "student + KD", "PhysNet", "POS",
    ]
    assert Page(page).alts == ["absolute error of the subjects S01, S02"]


def test_good_and_bad_windows_are_the_extremes_of_different_recordings():
    with drawing_style():
        good, bad = pulses.draw_windows(networks(TWO), metrics_of(TWO))
    heads = [
        re.findall(r"<b>(.*?)</b>: PPG ([\d.]+) bpm, .*?student \+ KD ([\d.]+)", part)
        for part in map(in_one_line, (good, bad))
    ]
    for which, off in zip(heads, (0.0, 2.0), strict=True):
        assert {re.match(r"S\d\d", head)[0] for head, _, _ in which} == {"S01", "S02"}
        assert {round(float(said) - float(meant), 1) for _, meant, said in which} == {off}
    spans = [re.match(r"(.*), (\d+) to (\d+) s", head).groups() for head, _, _ in heads[0]]
    for n, (where, first, _) in enumerate(spans):  # no two share a second
        assert all(
            where != other or abs(int(first) - int(begin)) >= 10 for other, begin, _ in spans[:n]
        )
    for alt in Page(good).alts:
        assert "teacher 66.0" in alt or "teacher 90.0" in alt


def test_few_windows_are_either_good_or_bad():
    found = results("S01")
    for videos in found.values():
        rates = ("predicted_bpm", "reference_bpm")
        for field in ("start_s", "snr_db", "snr_de_haan_db", "macc", *rates):
            object.__setattr__(videos[0], field, getattr(videos[0], field)[10:11])
    with drawing_style():
        good, bad = pulses.draw_windows(networks(found), metrics_of(found))
    assert good.count("<figure>") == 1
    assert bad == "<p>No window is worse than the median.</p>"


def test_training_curves_know_the_epochs_before_the_teacher_joined():
    with drawing_style():
        page = curves(networks(TWO, before=2), metrics_of(TWO))
    assert "student + KD 5 epochs" in page
    assert "triangles, its answer" in page
    assert "PhysNet, 1 − r over the clip." in " ".join(page.split())


def test_one_epoch_is_drawn_at_one_and_each_part_of_the_distance_has_a_mark_of_its_own(monkeypatch):
    drawn, trained = [], networks(TWO)

    def keep(figure, *, alt):
        drawn.append(figure.axes[0])
        return Drawing(alt)

    monkeypatch.setattr(training, "as_svg", keep)
    for network in trained.values():
        del network.curve[1:]
    curves(trained, metrics_of(TWO))
    ticks = [[n for n in axis.get_xticks() if 0.5 <= n <= 1.5] for axis in drawn]
    assert ticks == [[1], [1]]
    assert len({line.get_marker() for line in drawn[1].lines}) == len(drawn[1].lines) == 3


def test_a_network_without_any_prediction_is_drawn_at_the_mean_rate():
    found = results("S01")
    silent = found["student_kd"][0]
    object.__setattr__(silent, "predicted_bpm", np.full(21, np.nan))
    object.__setattr__(silent, "mean_rate_bpm", 60.0)
    object.__setattr__(silent, "pulse", np.zeros_like(silent.pulse))
    object.__setattr__(silent, "snr_db", np.full(21, np.nan))
    object.__setattr__(silent, "macc", np.full(21, np.nan))
    metrics = metrics_of(found)
    with drawing_style():
        assert "−6.00 [−6.0, −6.0]" in accuracy.agreement(found, metrics)
        assert "SNR acq [dB] over windows" in accuracy.spreads(found, metrics)
        assert "student + KD –" in pulses.draw_windows(networks(found), metrics)[0]


def test_windows_that_are_all_far_off_are_not_called_close():
    far = {
        name: [replace(one, predicted_bpm=one.reference_bpm + 9.1) for one in videos]
        for name, videos in TWO.items()
    }
    with drawing_style():
        closest, _ = pulses.draw_windows(networks(far), metrics_of(far))
        near, _ = pulses.draw_windows(networks(TWO), metrics_of(TWO))
    assert "None is close: the smallest error is 9.1 bpm" in words_of(closest)
    assert "None is close" not in words_of(near)


def test_an_axis_shows_its_numbers_without_an_offset():
    with drawing_style():
        figure, axis = new_axes(4, 3)
        axis.plot([40.00001, 40.00002, 40.00003], [1e5, 1.00001e5, 1.00002e5])
        figure.canvas.draw()
        assert axis.xaxis.get_offset_text().get_text() == ""
        assert axis.yaxis.get_offset_text().get_text() == ""
