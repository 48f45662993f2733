"""PyTorch: tensors have values, unless a compiler or a transformation looks on."""

from typing import Any

import torch


def lowest_and_highest(values: Any) -> tuple[float, float] | None:
    """The lowest and the highest value of a tensor.

    Args:
        values: anything; read are plain tensors of real numbers, outside of `torch.compile`,
            `torch.export`, `torch.jit.trace` and the transformations of `torch.func`.

    Returns:
        Both, NaN if any value is NaN; None if there is nothing to read.
    """
    if torch.compiler.is_compiling() or torch.jit.is_tracing():
        return None
    # Subclasses may be fake, or spread over several machines.
    if type(values) not in (torch.Tensor, torch.nn.Parameter) or values.is_meta:
        return None
    if not values.numel() or torch._C._functorch.is_functorch_wrapped_tensor(values):
        return None
    low, high = torch.stack(torch.aminmax(values.detach())).tolist()  # NaN makes both NaN
    return float(low), float(high)
