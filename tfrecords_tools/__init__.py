"""Turns video datasets into TFRecords that `keras_stprivacy.data.clip_dataset` reads.

Neither importing this package nor converting to a local folder imports TensorFlow.
"""

# A function that has the name of its module must be bound after the module.
from tfrecords_tools.convert import TooManyQuarantinedError, convert
from tfrecords_tools.dry_run import ConversionPlan, dry_run
from tfrecords_tools.report import ConversionReport
from tfrecords_tools.settings import ConversionSettings
from tfrecords_tools.source import SourceDataset, SourceEntry

__all__ = [
    "ConversionPlan",
    "ConversionReport",
    "ConversionSettings",
    "SourceDataset",
    "SourceEntry",
    "TooManyQuarantinedError",
    "convert",
    "dry_run",
]
