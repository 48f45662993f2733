"""STPrivacy by its publication's own recipe, without what this project adds."""

from __future__ import annotations

import dataclasses

from keras_stprivacy.baselines.stprivacy import STPrivacy


@dataclasses.dataclass(kw_only=True, eq=False)
class STPrivacyPaper(STPrivacy):
    """`STPrivacy` as eq. 13 has it, at every size; its arguments.

    The Gumbel-Softmax gate, unbounded pixels, no bottleneck, one privacy recognizer whose loss is
    negated. Some things are not the publication's, which starts from pretrained networks: gates
    begin open (`keep_bias`), without `weights` the initialization has `KeepRatioSchedule`, and at
    the size of the embedded dataset optimizers, their bound on the norm of gradients and the number
    of epochs are those of `STPrivacy` there. Without them nothing is learned from scratch.

    Example:

    >>> from keras_stprivacy.baselines import build
    >>> build("stprivacy_paper", preset="embedded").privacy_objective
    'negated'
    """

    gate: str = "gumbel_softmax"
    noise_scale: float = 1.0
    output_activation: str | None = None
    bottleneck_bits: int | None = None
    action_weight: float = 0.5
    privacy_objective: str = "negated"
    eight_bit: bool = False
    remove_dropped: bool = False
    deterministic: bool = False
    mask_information_weight: float = 0.0
    bits_information_weight: float = 0.0
    clip_norm: float | None = None

    name = "stprivacy_paper"
    embedded = {**STPrivacy.embedded, "clip_norm": 1.0}
