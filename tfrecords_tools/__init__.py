"""Turns video datasets into TFRecords that `keras_stprivacy.data.clip_dataset` reads.

Importing this package does not import TensorFlow; a conversion does.
"""

# A function that has the name of its module must be bound after the module.
from tfrecords_tools.convert import convert
from tfrecords_tools.report import ConversionReport
from tfrecords_tools.settings import ConversionSettings
from tfrecords_tools.source import SourceDataset, SourceEntry

__all__ = [
    "ConversionReport",
    "ConversionSettings",
    "SourceDataset",
    "SourceEntry",
    "convert",
]
