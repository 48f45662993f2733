"""The anonymizer as it leaves the house: 8-bit pixels in, 8-bit pixels out."""

from typing import Any

import keras
from keras import ops

from keras_stprivacy.keep_ratio import check_keep_ratio
from keras_stprivacy.models.valid_clips import valid_clips


class DeployedAnonymizer(keras.Model):
    """An anonymizer between 8-bit clips: what the SavedModel and the anonymized files run.

    Scaling stands inside: `uint8 / 255` on the way in, `round(clip(x, 0, 1) * 255)` on the way
    out. A clip of which a pixel or a retaining probability is not finite, or no tubelet was kept,
    becomes black as a whole, and `finite` says so.

    Args:
        anonymizer: a built anonymizer with clips of `(T, H, W, 3)` and a grid of `(L, Hg, Wg)`.
        keep_ratio: share of the tokens that each block keeps, in (0, 1]; None: the anonymizer's.

    Call arguments:
        clip: uint8 tensor `(B, T, H, W, 3)`.
        keep_ratio: float tensor `(B,)`, one share a clip; None: the fixed one, with which dropped
            tokens really leave the computation.

    Output shape:
        A dict of `clip`, uint8 `(B, T, H, W, 3)`; `decision_mask`, float32 `(B, L, N)`, 1 = kept;
        `finite`, bool `(B,)`, False for a clip that must not be used, see `valid_clips`.

    Raises:
        ValueError: if `keep_ratio` is not in (0, 1].
    """

    def __init__(self, anonymizer: Any, keep_ratio: float | None = None, **kwargs: Any) -> None:
        kwargs.setdefault("autocast", False)  # ratios are for counting
        super().__init__(**kwargs)
        self.anonymizer = anonymizer
        ratio = anonymizer.keep_ratio if keep_ratio is None else keep_ratio
        self.keep_ratio = check_keep_ratio(ratio)
        self.built = True

    def call(self, clip: Any, keep_ratio: Any = None) -> dict[str, Any]:
        pixels = ops.cast(clip, "float32") / 255.0
        ratio = self.keep_ratio if keep_ratio is None else keep_ratio
        outputs = self.anonymizer(pixels, training=False, keep_ratio=ratio)
        result = ops.cast(outputs["clip"], "float32")  # (B, T, H, W, 3)
        valid = valid_clips(outputs)
        result = ops.where(ops.reshape(valid, (-1, 1, 1, 1, 1)), result, 0.0)
        rows, height, width = self.anonymizer.grid_shape
        mask = ops.cast(outputs["decision_mask"], "float32")
        return {
            "clip": ops.cast(ops.round(ops.clip(result, 0.0, 1.0) * 255.0), "uint8"),
            "decision_mask": ops.reshape(mask, (-1, rows, height * width)),
            "finite": valid,
        }
