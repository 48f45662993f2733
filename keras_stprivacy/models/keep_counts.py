"""The keep ratio of an anonymizer, and how many tubelets it leaves."""

# The attributes used here are those of Anonymizer, which this class is mixed into.
# mypy: disable-error-code="attr-defined"

from __future__ import annotations

from typing import Any

import numpy as np
from keras import ops

from keras_stprivacy.keep_ratio import check_keep_ratio
from keras_stprivacy.models.tensor_values import lowest_and_highest
from keras_stprivacy.models.token_paths import floor_count


class KeepCounts:
    """`α` and what follows from it; see `Anonymizer`."""

    @property
    def keep_ratio(self) -> float:
        """`α`, the ratio of tubelets that remain after each PSB; may be set between calls.

        Not while `fit` trains with `remove_dropped`: a compiled step keeps the ratio that it was
        compiled for until the next call of `fit`.
        """
        return self._keep_ratio

    @keep_ratio.setter
    def keep_ratio(self, keep_ratio: float) -> None:
        self._keep_ratio = check_keep_ratio(keep_ratio)
        self.training_keep_ratio.assign(self._keep_ratio)
        # Compiled functions hold the old ratio as a constant.
        self.train_function = self.test_function = self.predict_function = None

    def kept_per_row(self, keep_ratio: Any = None) -> list[Any]:
        """How many tubelets of a row remain after each PSB under `keep_rule="row"`.

        Args:
            keep_ratio: a number in (0, 1], a float tensor `(B,)`, or None: `self.keep_ratio`.

        Returns:
            A list of ints, or of tensors `(B,)`: `floor(N·α^m)`, at least 1.
        """
        keep_ratio = self._keep_ratio if keep_ratio is None else keep_ratio
        blocks = range(1, self.num_sparsification_blocks + 1)
        return [floor_count(self.tubelets_per_row, keep_ratio, m) for m in blocks]

    def num_kept(self, keep_ratio: float | None = None, training: bool = False) -> int:
        """How many tubelets of a clip remain; the same for every clip.

        Args:
            keep_ratio: a number in (0, 1], or None: `self.keep_ratio`.
            training: True: in training with `remove_dropped`, which keeps as many in each row
                whatever the `keep_rule`; False: in inference.
        """
        keep_ratio = self._keep_ratio if keep_ratio is None else check_keep_ratio(float(keep_ratio))
        grid = (self.num_rows, self.tubelets_per_row)
        by_row = self.keep_rule == "row" or training
        return tubelets_kept(grid, self.num_sparsification_blocks, keep_ratio, by_row)

    def target_keep_ratio(self, training: bool) -> Any:
        """`α` as training pursues it now (schedules move it), or as inference applies it."""
        return ops.convert_to_tensor(self.training_keep_ratio) if training else self._keep_ratio


def tubelets_kept(grid: tuple[int, int], num_blocks: int, keep_ratio: float, by_row: bool) -> int:
    """How many tubelets of a clip remain.

    Args:
        grid: rows of a clip, and tubelets of a row.
        num_blocks: PSBs.
        keep_ratio: α.
        by_row: whether each row keeps as many.

    Example:

    >>> [tubelets_kept((4, 16), 3, keep_ratio, by_row=True) for keep_ratio in (0.7, 0.4, 0.3)]
    [20, 4, 4]
    """
    rows, per_row = grid
    if not num_blocks:
        return rows * per_row
    if by_row:
        return rows * floor_count(per_row, keep_ratio, num_blocks)
    return floor_count(rows * per_row, keep_ratio, num_blocks)


def check_ratio_of_each_clip(keep_ratio: Any, training: bool | None = None) -> None:
    """Checks the ratios that a call takes for each clip.

    Args:
        keep_ratio: array or tensor `(B,)`, list or tuple; anything else passes.
        training: True spares tensors, which programs draw and whose values a device may hold.

    Raises:
        ValueError: if one is not in (0, 1].
    """
    if isinstance(keep_ratio, (np.ndarray, list, tuple)):
        ratios = keep_ratio
    else:
        ends = None if training else lowest_and_highest(keep_ratio)
        if ends is None or 0.0 < ends[0] <= ends[1] <= 1.0:  # NaN fails the comparison too
            return
        ratios = ops.convert_to_numpy(ops.cast(keep_ratio, "float32"))
    for ratio in np.unique(ratios):
        check_keep_ratio(float(ratio))
