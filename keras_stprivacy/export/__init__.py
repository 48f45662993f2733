"""An anonymizer out of training: files that load elsewhere. Importing this imports no backend."""

from keras_stprivacy.export.saved_model import ExportError, saved_model

__all__ = ["ExportError", "saved_model"]
