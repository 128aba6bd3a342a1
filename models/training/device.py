"""Where to train, and in which precision."""

import torch

from acquire.errors import Fix, TrainingError

DEVICES = ("auto", "cpu", "cuda")
PRECISIONS = ("auto", "float32", "bfloat16")


def pick_device(device: str) -> torch.device:
    """Turn "auto", "cpu" or "cuda" into a device that is there.

    Raises
    ------
    TrainingError : another word, or "cuda" where torch can use no CUDA device
    """
    if device not in DEVICES:
        raise TrainingError(expected=f"one of the devices {', '.join(DEVICES)}", found=device)
    if device == "cuda" and not torch.cuda.is_available():
        raise TrainingError(
            expected="a CUDA device", found="none that torch can use", fix=Fix.USE_CPU
        )
    return torch.device("cuda" if device != "cpu" and torch.cuda.is_available() else "cpu")


def uses_bfloat16(precision: str, device: torch.device) -> bool:
    """Return whether training multiplies in bfloat16; "auto": where the hardware does it.

    There it is twice as fast. Elsewhere bfloat16 is emulated, and slower than float32. Losses,
    weights and tests are float32 in any case.

    Raises
    ------
    ValueError : not one of `PRECISIONS`
    """
    if precision not in PRECISIONS:
        raise ValueError(f"expected a precision {', '.join(PRECISIONS)}, got {precision!r}")
    if precision != "auto":
        return precision == "bfloat16"
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    is_supported = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return bool(is_supported and is_supported())
