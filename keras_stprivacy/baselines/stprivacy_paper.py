"""STPrivacy by its publication's own recipe, without what this project adds."""

from __future__ import annotations

import dataclasses

from keras_stprivacy.baselines.stprivacy import STPrivacy


@dataclasses.dataclass(kw_only=True, eq=False)
class STPrivacyPaper(STPrivacy):
    """`STPrivacy` as eq. 13 has it, at every size; its arguments.

    The Gumbel-Softmax gate, unbounded pixels, no bottleneck, one privacy recognizer whose loss is
    negated. At the size of the embedded dataset the optimizers and the number of epochs are those
    of `STPrivacy` there: with the publication's, which are for pretrained networks, nothing is
    learned from scratch.

    Example:

    >>> from keras_stprivacy.baselines import build
    >>> build("stprivacy_paper", preset="embedded").privacy_objective
    'negated'
    """

    name = "stprivacy_paper"
    embedded = {
        key: STPrivacy.embedded[key]
        for key in (
            "batch_size",
            "tubelet_size",
            "hidden_dim",
            "num_heads",
            "layers_per_block",
            "initialization_epochs",
            "adversarial_epochs",
            "initialization_learning_rate",
            "anonymizer_learning_rate",
            "recognizer_learning_rate",
            "clip_norm",
        )
    }
