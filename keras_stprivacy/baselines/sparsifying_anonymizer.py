"""An anonymizer that drops tubelets and rewrites none."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_stprivacy.models import Anonymizer


@keras.saving.register_keras_serializable("keras_stprivacy")
class SparsifyingAnonymizer(Anonymizer):
    """`Anonymizer` without anonymization block and head: kept tubelets show the pixels of the clip.

    The half of "STPrivacy" (ICCV 2023) that its ablation calls sparsification alone. Everything
    else, arguments and results, is as in `Anonymizer`; `output_activation` and `bottleneck_bits`,
    which are about rewriting, must be None. It is for comparison in evaluations: since it shows raw
    pixels, `keras_stprivacy.video` and `keras_stprivacy.export` refuse it.

    Raises:
        ValueError: as `Anonymizer`, and for arguments about rewriting.

    Example:

    >>> anonymizer = SparsifyingAnonymizer.from_preset("motion_digits_8x32")
    >>> output = anonymizer(np.ones((1, 8, 32, 32, 3), "float32"))
    >>> float(ops.mean(output["clip"])) == anonymizer.num_kept() / 64
    True
    """

    rewrites = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.output_activation is not None or self.bottleneck_bits is not None:
            raise ValueError(
                "nothing is rewritten here: output_activation and bottleneck_bits must be None. "
                f"Received: output_activation={self.output_activation!r}, "
                f"bottleneck_bits={self.bottleneck_bits}"
            )

    def build(self, input_shape: tuple) -> None:
        if self.built:  # type: ignore[has-type]
            return
        # What would rewrite goes before it has weights.
        for name in ("anonymization_block", "head"):
            delattr(self, name)
            setattr(self, name, _Through(name=f"no_{name}", dtype=self.dtype_policy))
        super().build(input_shape)

    def write(self, clip: Any, tokens: Any, mask: Any) -> Any:
        return ops.cast(clip, "float32")


class _Through(keras.layers.Layer):
    """Tokens as they are."""

    def build(self, input_shape: tuple) -> None:
        self.built = True

    def call(self, tokens: Any, decision_mask: Any = None) -> Any:
        return tokens
