"""FitNet and attention transfer: what costs nothing, what costs something."""

import pytest

torch = pytest.importorskip("torch")

from models.distillation.hints import AttentionTransferLoss, FitNetLoss
from models.distillation.tat import prepare_target


def test_a_student_that_is_the_teacher_up_to_scale_has_no_loss():
    torch.manual_seed(0)
    teacher = torch.randn(6, 4, 5, 5) * 3
    loss = FitNetLoss(4)
    with torch.no_grad():
        loss.regressor.weight.copy_(10 * torch.eye(4)[:, :, None, None])
    assert loss(prepare_target(teacher, 2, scaled=True) / 10, teacher, clip=2) < 1e-6
    assert AttentionTransferLoss()(2 * prepare_target(teacher, 1, scaled=True), teacher) < 1e-6


def test_attention_transfer_by_hand():
    student = torch.tensor([[[[1.0, 2.0]]], [[[1.0, -2.0]]]])        # (2, 1, 1, 2), energies (1, 4)
    teacher = torch.tensor([[[[3.0, 1.0]]], [[[1.0, 3.0]]]])  # standardised to +-1: energies (1, 1)
    said, wanted = torch.tensor([1.0, 4.0]) / 17**0.5, torch.tensor([1.0, 1.0]) / 2**0.5
    torch.testing.assert_close(
        AttentionTransferLoss()(student, teacher), (said - wanted).square().sum(), rtol=1e-4,
        atol=1e-4,
    )


@pytest.mark.parametrize("loss", [FitNetLoss(4), AttentionTransferLoss()])
def test_what_does_not_change_within_a_clip_is_not_compared(loss):
    torch.manual_seed(0)
    student, teacher, still = (
        torch.randn(6, 4, 5, 5), torch.randn(6, 4, 5, 5), torch.randn(2, 4, 5, 5),
    )
    moved = teacher + still.repeat_interleave(3, dim=0)
    torch.testing.assert_close(
        loss(student, moved, clip=3), loss(student, teacher, clip=3), rtol=1e-4, atol=1e-5
    )
    assert (loss(student, moved) - loss(student, teacher)).abs() > 1e-3
