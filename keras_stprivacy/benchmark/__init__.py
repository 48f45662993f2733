"""The systems of the paper beside each other: protocols, cells that resume, one report."""

from keras_stprivacy.benchmark.protocols import (
    PROTOCOLS,
    fapder,
    frames,
    known,
    ospar,
    unseen,
)
from keras_stprivacy.benchmark.report import BenchmarkReport
from keras_stprivacy.benchmark.settings import Settings
from keras_stprivacy.benchmark.sweeps import ABLATIONS, ablations, deployment

__all__ = [
    "ABLATIONS",
    "PROTOCOLS",
    "BenchmarkReport",
    "Settings",
    "ablations",
    "deployment",
    "fapder",
    "frames",
    "known",
    "ospar",
    "unseen",
]
