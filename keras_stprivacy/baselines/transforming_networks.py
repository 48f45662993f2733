"""Imports every network that transforms, so that Keras knows their names when it loads a file."""

from keras_stprivacy.baselines.networks.collective_network import CollectiveNetwork
from keras_stprivacy.baselines.networks.transform_network import TransformNetwork
from keras_stprivacy.baselines.networks.unet import UNet
from keras_stprivacy.baselines.sparsifying_anonymizer import SparsifyingAnonymizer
from keras_stprivacy.models import Anonymizer

__all__ = ["Anonymizer", "CollectiveNetwork", "SparsifyingAnonymizer", "TransformNetwork", "UNet"]
