"""Which clips that an anonymizer gave may be shown."""

from collections.abc import Mapping
from typing import Any

from keras import ops


def valid_clips(output: Mapping[str, Any]) -> Any:
    """Tells clips from what a broken model makes of them, which may look like black ones.

    Args:
        output: of an anonymizer in inference: `"clip"` `(B, T, H, W, 3)` and, where it has them,
            `"decision_mask"` `(B, ...)` and `"sparsification"`, see `Anonymizer`.

    Returns:
        bool tensor `(B,)`: every pixel and every retaining probability of the clip is finite, and
        at least one tubelet was kept.

    Example:

    >>> output = {"clip": ops.zeros((2, 1, 1, 1, 3)), "decision_mask": [[1.0, 0.0], [0.0, 0.0]]}
    >>> ops.convert_to_numpy(valid_clips(output)).tolist()
    [True, False]
    """
    valid = _all_finite(output["clip"])
    if output.get("decision_mask") is not None:
        mask = ops.cast(output["decision_mask"], "float32")
        kept_one = ops.any(mask > 0.5, axis=_all_but_first(mask))
        valid = ops.logical_and(valid, ops.logical_and(_all_finite(mask), kept_one))
    # Where a gate has NaN to decide on, nothing is kept, and pixels alone need not tell.
    for stage in output.get("sparsification") or ():
        valid = ops.logical_and(valid, _all_finite(stage["retaining_probability"]))
    return valid


def _all_finite(values: Any) -> Any:
    return ops.all(ops.isfinite(ops.cast(values, "float32")), axis=_all_but_first(values))


def _all_but_first(values: Any) -> tuple[int, ...]:
    return tuple(range(1, len(values.shape)))
