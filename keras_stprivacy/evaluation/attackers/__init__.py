"""Attackers: fresh networks, one a file, trained on what an anonymizer gives out."""

from keras_stprivacy.evaluation.attackers.attacker import Attacker
from keras_stprivacy.evaluation.attackers.conv3d import Conv3DAttacker
from keras_stprivacy.evaluation.attackers.frame import FrameAttacker
from keras_stprivacy.evaluation.attackers.linear_probe import LinearProbe
from keras_stprivacy.evaluation.attackers.mask import MaskAttacker
from keras_stprivacy.evaluation.attackers.registry import (
    ATTACKERS,
    RECONSTRUCTION,
    attacker_label,
    check_attackers,
    make_attacker,
)
from keras_stprivacy.evaluation.attackers.video_transformer import VideoTransformerAttacker

__all__ = [
    "ATTACKERS",
    "RECONSTRUCTION",
    "Attacker",
    "Conv3DAttacker",
    "FrameAttacker",
    "LinearProbe",
    "MaskAttacker",
    "VideoTransformerAttacker",
    "attacker_label",
    "check_attackers",
    "make_attacker",
]
