"""The two training phases, their players and their schedules."""

from keras_stprivacy.training.adversarial import STPrivacy
from keras_stprivacy.training.conditional_code import ConditionalCode
from keras_stprivacy.training.initialization import Initialization
from keras_stprivacy.training.optimizer import PlayerOptimizer
from keras_stprivacy.training.restart import RestartPrivacyRecognizers
from keras_stprivacy.training.schedules import (
    InformationSchedule,
    KeepRatioSchedule,
    PrivacySchedule,
    WarmupCosine,
)
from keras_stprivacy.training.training_curves import TrainingCurves
from keras_stprivacy.training.word_reader import WordReader

__all__ = [
    "ConditionalCode",
    "InformationSchedule",
    "Initialization",
    "KeepRatioSchedule",
    "PlayerOptimizer",
    "PrivacySchedule",
    "RestartPrivacyRecognizers",
    "STPrivacy",
    "TrainingCurves",
    "WarmupCosine",
    "WordReader",
]
