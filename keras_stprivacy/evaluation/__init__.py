"""Phase 3: what fresh attackers read from anonymized clips, beside raw clips and floors."""

from keras_stprivacy.evaluation.privacy_probe import PrivacyProbe
from keras_stprivacy.evaluation.protocol import evaluate
from keras_stprivacy.evaluation.report import Report

__all__ = ["PrivacyProbe", "Report", "evaluate"]
