"""Anonymizer, recognizer, and where their configurations and weights come from."""

from keras_stprivacy.models.anonymizer import Anonymizer
from keras_stprivacy.models.mask_recognizer import MaskRecognizer
from keras_stprivacy.models.presets import PRESETS
from keras_stprivacy.models.recognizer import Recognizer
from keras_stprivacy.models.weights import load_weights_from

__all__ = ["PRESETS", "Anonymizer", "MaskRecognizer", "Recognizer", "load_weights_from"]
