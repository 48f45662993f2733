"""VITA with a negated loss in place of an entropy."""

from __future__ import annotations

import dataclasses

from keras_stprivacy.baselines.vita import VITA


@dataclasses.dataclass(kw_only=True, eq=False)
class VITAReversal(VITA):
    """`VITA` by gradient reversal; its arguments.

    Example:

    >>> VITAReversal().objective
    'reversal'
    """

    objective: str = "reversal"

    name = "vita_reversal"
