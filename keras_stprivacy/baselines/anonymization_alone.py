"""The second half of STPrivacy: every tubelet is rewritten, none is dropped."""

from __future__ import annotations

import dataclasses

from keras_stprivacy.baselines.stprivacy import STPrivacy


@dataclasses.dataclass(kw_only=True, eq=False)
class AnonymizationAlone(STPrivacy):
    """`STPrivacy` with α = 1; its arguments.

    Nothing is dropped, so there is no keep ratio to choose in deployment.

    Example:

    >>> AnonymizationAlone().keep_ratio
    1.0
    """

    keep_ratio: float = 1.0

    name = "anonymization_alone"
    has_keep_ratio = False
    fixed = ("keep_ratio", "keep_ratios")
