"""The losses of STPrivacy and its rivals that Keras does not have."""

from keras_stprivacy.losses.entropy import negative_entropy, worst_negative_entropy
from keras_stprivacy.losses.sparsification import sparsification_loss

__all__ = ["negative_entropy", "sparsification_loss", "worst_negative_entropy"]
