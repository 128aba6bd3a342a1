"""TaT against its two formulas, written out position by position."""

import pytest

torch = pytest.importorskip("torch")

from models.distillation.tat import (
    TatLoss,
    distance,
    prepare_target,
    reconfigure,
    subtract_clip_mean,
)


def slow(query, value, teacher, softmax, temperature):
    """The two formulas of the module's docstring, position by position."""
    n, c, h, w = teacher.shape
    out = torch.zeros_like(teacher)
    for b in range(n):
        s, v, t = (x[b].reshape(c, h * w) for x in (query, value, teacher))
        for i in range(h * w):
            scores = []
            for j in range(h * w):
                if softmax == "paper":
                    scores.append(sum(t[k, i] * s[k, j] for k in range(c)) / temperature)
                else:
                    scores.append(sum(s[k, i] * t[k, j] for k in range(c)) / temperature)
            biggest = max(scores)
            weights = [torch.exp(score - biggest) for score in scores]
            for j in range(h * w):
                out[b].reshape(c, h * w)[:, i] += weights[j] / sum(weights) * v[:, j]
    return out


@pytest.mark.parametrize("softmax", ["paper", "code"])
@pytest.mark.parametrize("temperature", [1.0, 2.5])
def test_equals_the_loop(softmax, temperature):
    torch.manual_seed(0)
    query, value, teacher = (torch.randn(2, 3, 2, 3, dtype=torch.float64) for _ in range(3))
    fast = reconfigure(query, value, teacher, softmax=softmax, temperature=temperature)
    torch.testing.assert_close(fast, slow(query, value, teacher, softmax, temperature))


def test_the_two_differ():
    query, value, teacher = (torch.randn(1, 4, 3, 3) for _ in range(3))
    paper = reconfigure(query, value, teacher, softmax="paper")
    assert not torch.allclose(paper, reconfigure(query, value, teacher, softmax="code"))


def test_one_place_only_gives_the_value():
    value = torch.randn(2, 5, 1, 1)
    rebuilt = reconfigure(torch.randn(2, 5, 1, 1), value, torch.randn(2, 5, 1, 1), softmax="paper")
    torch.testing.assert_close(rebuilt, value)


@pytest.mark.parametrize("softmax", ["paper", "code"])
def test_large_scores_do_not_overflow(softmax):
    query = (1000 * torch.randn(1, 8, 4, 4)).requires_grad_()
    teacher = 1000 * torch.randn(1, 8, 4, 4)
    rebuilt = reconfigure(query, torch.randn(1, 8, 4, 4), teacher, softmax=softmax)
    rebuilt.square().mean().backward()
    assert torch.isfinite(rebuilt).all()
    assert torch.isfinite(query.grad).all()


def test_sharp_weights_choose_one_place():
    # Student place j answers only to teacher channel j: with a large query each teacher place picks
    # its own value.
    query = 1e4 * torch.eye(4).reshape(1, 4, 2, 2)
    teacher = torch.eye(4)[[2, 0, 3, 1]].T.reshape(1, 4, 2, 2)
    value = torch.randn(1, 4, 2, 2)
    rebuilt = reconfigure(query, value, teacher, softmax="paper").flatten(2)
    torch.testing.assert_close(rebuilt, value.flatten(2)[:, :, [2, 0, 3, 1]])


@pytest.mark.parametrize("softmax", ["paper", "code"])
def test_loss_is_relative_to_the_teacher_and_reaches_every_weight(softmax):
    torch.manual_seed(0)
    loss = TatLoss(4, softmax=softmax)
    student = torch.randn(3, 4, 5, 5, requires_grad=True)
    teacher = torch.randn(3, 4, 5, 5)
    value = loss(student, teacher)
    mean, sd = (
        f(teacher, dim=(0, 2, 3), keepdim=True)
        for f in (torch.mean, lambda t, **k: t.std(correction=0, **k))
    )
    wanted = (teacher - mean) / sd
    rebuilt = reconfigure(loss.query(student), loss.value(student), wanted, softmax=softmax)
    torch.testing.assert_close(value, ((rebuilt - wanted) ** 2).mean(), atol=1e-4, rtol=1e-4)
    value.backward()
    assert student.grad.abs().sum() > 0
    for name, parameter in loss.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


def test_scale_of_the_teacher_does_not_matter_and_its_mean_explains_nothing():
    loss = TatLoss(4, softmax="paper").eval()
    teacher = torch.randn(3, 4, 5, 5)
    # an embedding that gives zero: the rebuilt map is zero
    for embedding in (loss.query, loss.value):
        torch.nn.init.zeros_(embedding[0].weight)
    for scale in (1.0, 0.01):
        value = loss(torch.randn(3, 4, 5, 5), scale * teacher + 7)
        # batch norm's epsilon at the small scale
        torch.testing.assert_close(value, torch.tensor(1.0), atol=0.15, rtol=0)


@pytest.mark.parametrize(
    ("norm", "expected"),
    # two frames, whose differences are 3 and 4, and 0 and 12, of two numbers each
    [("mean", (9 + 16 + 144) / 4), ("sum", (25 + 144) / 2), ("root", (5 + 12) / 2)],
)
def test_the_norm_is_read_in_three_ways(norm, expected):
    maps = torch.tensor([[3.0, 4.0], [0.0, 12.0]]).reshape(2, 1, 1, 2).requires_grad_()
    value = distance(maps, torch.zeros(2, 1, 1, 2), norm)
    assert value.item() == pytest.approx(expected)
    value.backward()
    assert torch.isfinite(maps.grad).all()
    same = maps.detach().clone().requires_grad_()
    distance(same, maps.detach(), norm).backward()              # where nothing is left to learn
    assert torch.isfinite(same.grad).all()


def test_a_target_that_is_not_scaled_is_the_teachers_map_itself():
    torch.manual_seed(0)
    teacher = 0.02 * torch.randn(3, 4, 5, 5) + 1
    assert torch.equal(prepare_target(teacher, 1, scaled=False), teacher)
    loss = TatLoss(4, softmax="code", norm="sum", scaled=False)
    student = torch.randn(3, 4, 5, 5)
    rebuilt = reconfigure(loss.query(student), loss.value(student), teacher, softmax="code")
    expected = (rebuilt - teacher).square().sum(dim=(1, 2, 3)).mean()
    torch.testing.assert_close(loss(student, teacher), expected)


def test_what_does_not_change_within_a_clip_is_taken_out():
    still = torch.randn(2, 1, 4, 3, 3).expand(2, 5, 4, 3, 3).flatten(0, 1)
    moving = torch.randn(10, 4, 3, 3)
    torch.testing.assert_close(subtract_clip_mean(still, 5), torch.zeros_like(still))
    torch.testing.assert_close(subtract_clip_mean(still + moving, 5), subtract_clip_mean(moving, 5))


def test_unknown_softmax():
    with pytest.raises(ValueError, match="rows"):
        TatLoss(4, softmax="rows")
