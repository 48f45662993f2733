"""The layers of STPrivacy, one a file."""

from keras_stprivacy.layers.anonymization_block import AnonymizationBlock
from keras_stprivacy.layers.anonymizer_head import AnonymizerHead
from keras_stprivacy.layers.bit_bottleneck import BitBottleneck
from keras_stprivacy.layers.gumbel_gate import GumbelGate
from keras_stprivacy.layers.masked_attention import MaskedSelfAttention
from keras_stprivacy.layers.retaining_predictor import RetainingPredictor
from keras_stprivacy.layers.sparsification_block import SparsificationBlock
from keras_stprivacy.layers.transformer_layer import TransformerLayer
from keras_stprivacy.layers.tubelet_embedding import TubeletEmbedding

__all__ = [
    "AnonymizationBlock",
    "AnonymizerHead",
    "BitBottleneck",
    "GumbelGate",
    "MaskedSelfAttention",
    "RetainingPredictor",
    "SparsificationBlock",
    "TransformerLayer",
    "TubeletEmbedding",
]
