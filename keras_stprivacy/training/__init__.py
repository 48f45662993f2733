"""The two training phases, their players and their schedules."""

from keras_stprivacy.training.adversarial import STPrivacy
from keras_stprivacy.training.initialization import Initialization
from keras_stprivacy.training.optimizer import PlayerOptimizer
from keras_stprivacy.training.restart import RestartPrivacyRecognizers
from keras_stprivacy.training.schedules import KeepRatioSchedule, WarmupCosine

__all__ = [
    "Initialization",
    "KeepRatioSchedule",
    "PlayerOptimizer",
    "RestartPrivacyRecognizers",
    "STPrivacy",
    "WarmupCosine",
]
