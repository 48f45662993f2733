"""How well an action is read and how much of an attribute is."""

from keras_stprivacy.metrics.class_mean_average_precision import ClassMeanAveragePrecision
from keras_stprivacy.metrics.image_quality import psnr, ssim
from keras_stprivacy.metrics.macro_f1 import MacroF1
from keras_stprivacy.metrics.retained_ratio import RetainedRatio
from keras_stprivacy.scores import (
    AttributeScore,
    average_precision,
    f1,
    roc_auc,
    top_1,
    top_5,
)

__all__ = [
    "AttributeScore",
    "ClassMeanAveragePrecision",
    "MacroF1",
    "RetainedRatio",
    "average_precision",
    "f1",
    "psnr",
    "roc_auc",
    "ssim",
    "top_1",
    "top_5",
]
