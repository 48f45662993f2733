"""The first half of STPrivacy: tubelets are dropped, none is rewritten."""

from __future__ import annotations

import dataclasses

from keras_stprivacy.baselines.sparsifying_anonymizer import SparsifyingAnonymizer
from keras_stprivacy.baselines.stprivacy import STPrivacy


@dataclasses.dataclass(kw_only=True, eq=False)
class SparsificationAlone(STPrivacy):
    """`STPrivacy` without anonymization block and head; its arguments.

    Dropped tubelets are filled, kept ones are the pixels of the clip. The gates learn in both
    phases, from the action and from the recognizers, through the decision mask.

    Raises:
        ValueError: as `STPrivacy`; for `output_activation` and `bottleneck_bits`, which are about
            rewriting, when it is trained.

    Example:

    >>> SparsificationAlone().output_activation is None
    True
    """

    output_activation: str | None = None
    bottleneck_bits: int | None = None
    bits_information_weight: float = 0.0

    name = "sparsification_alone"
    fixed = ("output_activation", "bottleneck_bits", "bits_information_weight")

    def _new_anonymizer(self) -> SparsifyingAnonymizer:
        return SparsifyingAnonymizer(**self._anonymizer_arguments())
