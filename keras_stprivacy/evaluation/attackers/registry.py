"""Attackers by name."""

from __future__ import annotations

from typing import Any

from keras_stprivacy.evaluation.attackers.attacker import Attacker
from keras_stprivacy.evaluation.attackers.conv3d import Conv3DAttacker
from keras_stprivacy.evaluation.attackers.frame import FrameAttacker
from keras_stprivacy.evaluation.attackers.linear_probe import LinearProbe
from keras_stprivacy.evaluation.attackers.mask import MaskAttacker
from keras_stprivacy.evaluation.attackers.video_transformer import (
    VideoTransformerAttacker,
    VideoTransformerFromScratch,
)

ATTACKERS: dict[str, type[Attacker]] = {
    attacker.name: attacker
    for attacker in (
        VideoTransformerAttacker,
        VideoTransformerFromScratch,
        Conv3DAttacker,
        FrameAttacker,
        LinearProbe,
        MaskAttacker,
    )
}
RECONSTRUCTION = "reconstruction"  # rebuilds pixels, and reads no label by itself


def check_attackers(names: Any) -> tuple[str, ...]:
    """Checks the names of attackers; the first one is the main attacker.

    Raises:
        ValueError: if one is unknown, named twice, or the first cannot read actions.

    Example:

    >>> check_attackers(["video_transformer", "mask"])
    ('video_transformer', 'mask')
    """
    names = (names,) if isinstance(names, str) else tuple(names)
    known = (*ATTACKERS, RECONSTRUCTION)
    unknown = [name for name in names if name not in known]
    if unknown or not names or len(set(names)) != len(names):
        raise ValueError(
            f"attackers must be different names of {', '.join(known)}. Received: {names}"
        )
    if names[0] == RECONSTRUCTION or ATTACKERS[names[0]].needs_mask:
        raise ValueError(
            "the first of attackers reads the action too, from pixels; put 'video_transformer' "
            f"first. Received: {names}"
        )
    return names


def attacker_label(name: str) -> str:
    """How tables call an attacker.

    Example:

    >>> attacker_label("conv3d")
    '3-D CNN'
    """
    return ATTACKERS[name].label if name in ATTACKERS else name


def make_attacker(
    name: str,
    task: str,
    num_classes: int,
    target: Any,
    attacker: Any = None,
    weights: Any = None,
    **kwargs: Any,
) -> Attacker:
    """Makes a fresh attacker.

    Args:
        name: a key of `ATTACKERS`.
        task: see `Attacker`.
        num_classes: see `Attacker`.
        target: see `Attacker`.
        attacker: of video transformers, see `VideoTransformerAttacker`.
        weights: likewise.
        **kwargs: see `Attacker`.

    Raises:
        ValueError: if it does not fit the target.
    """
    cls = ATTACKERS[name]
    if issubclass(cls, VideoTransformerAttacker):
        kwargs.update(attacker=attacker, weights=weights)
    return cls(task, num_classes, target, **kwargs)
