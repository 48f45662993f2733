"""The losses of STPrivacy that Keras does not have."""

from keras_stprivacy.losses.sparsification import sparsification_loss

__all__ = ["sparsification_loss"]
