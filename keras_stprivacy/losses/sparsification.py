"""How far the share of kept tubelets is from its target."""

from collections.abc import Sequence
from typing import Any

from keras import ops


def sparsification_loss(decision_masks: Sequence[Any], keep_ratio: Any, num_rows: int) -> Any:
    """Sparsification loss of "STPrivacy" (ICCV 2023), eq. 7.

    Mean over PSBs, tubelet rows and clips of `(mean_n Î_m(l, n) − α^m)²`.

    Args:
        decision_masks: the masks after PSB 1, 2, ..., each `(B, L·N)`, 1 = kept.
        keep_ratio: `α`, float, scalar tensor, or tensor `(B,)` with that of each clip.
        num_rows: tubelet rows `L`.

    Returns:
        Scalar, float32; 0 where there is no PSB.

    Example:

    >>> from keras import ops
    >>> float(sparsification_loss([ops.ones((2, 8))], keep_ratio=0.5, num_rows=2))
    0.25
    """
    target = ops.reshape(ops.cast(ops.convert_to_tensor(keep_ratio), "float32"), (-1, 1))
    terms = []
    for m, mask in enumerate(decision_masks, start=1):
        rows = ops.reshape(ops.cast(mask, "float32"), (-1, num_rows, mask.shape[1] // num_rows))
        kept = ops.mean(rows, axis=-1)  # (B, L)
        terms.append(ops.mean(ops.square(kept - target**m)))
    if not terms:
        return ops.zeros((), "float32")
    return sum(terms[1:], start=terms[0]) / len(terms)
