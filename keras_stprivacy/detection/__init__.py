"""Detectors of persons behind one small interface: frames → boxes per frame.

KerasHub and KerasCV are loaded when a detector of theirs is built, not before.
"""

from keras_stprivacy.detection.keras_cv_detector import KerasCVDetector
from keras_stprivacy.detection.keras_hub_detector import KerasHubDetector
from keras_stprivacy.detection.load_detector import load_detector
from keras_stprivacy.detection.person_detector import PersonDetector

__all__ = ["KerasCVDetector", "KerasHubDetector", "PersonDetector", "load_detector"]
