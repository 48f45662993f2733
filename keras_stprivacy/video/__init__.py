"""Whole video files through an anonymizer. Importing this imports neither a backend nor PyAV."""

from keras_stprivacy.video.anonymize import AnonymizedVideo, anonymize
from keras_stprivacy.video.errors import VideoWriteError

__all__ = ["AnonymizedVideo", "VideoWriteError", "anonymize"]
