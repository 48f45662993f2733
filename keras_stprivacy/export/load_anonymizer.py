"""Reading an anonymizer from a `.keras` file, with errors that say what is wrong with the file."""

import json
import os
import zipfile
from pathlib import Path
from typing import Any

_NEEDED = ("clip_shape", "grid_shape", "keep_ratio")
_MEMBERS = ("config.json", "model.weights.h5")


def check_model_file(path: str | os.PathLike) -> Path:
    """Checks that a file looks like a Keras model file, without importing a backend.

    Args:
        path: of the `.keras` file.

    Returns:
        The path.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file is no zip archive with a configuration and weights in it, or a
            damaged one.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"there is no model file {str(path)!r}. "
            "Pass the .keras file that anonymizer.save(...) wrote."
        )
    hint = "Pass a file written by anonymizer.save('anonymizer.keras')."
    if not zipfile.is_zipfile(path):
        raise ValueError(f"{str(path)!r} is not a .keras file (not a zip archive). {hint}")
    try:
        with zipfile.ZipFile(path) as archive:
            missing = [name for name in _MEMBERS if name not in archive.namelist()]
    except zipfile.BadZipFile as error:  # its end is that of an archive, and the list before it no
        raise ValueError(f"{str(path)!r} is damaged: {error}. {hint}") from error
    if missing:
        raise ValueError(
            f"{str(path)!r} is not a .keras file: {', '.join(missing)} is missing in it. {hint}"
        )
    return path


def check_anonymizer(model: Any, name: str) -> Any:
    """Returns `model` if it can anonymize clips.

    Args:
        model: anything.
        name: what to call it in messages.

    Raises:
        TypeError: if it is something else, or shows raw pixels of the tubelets that it keeps. The
            message names what it is.
    """
    missing = [attribute for attribute in _NEEDED if not hasattr(model, attribute)]
    if missing or not callable(model):
        raise TypeError(
            f"{name} must be an anonymizer, such as keras_stprivacy.models.Anonymizer: a model "
            f"with {', '.join(_NEEDED)}. Received: a {type(model).__name__}. Of a model under "
            "adversarial training, pass its `anonymizer`."
        )
    if not getattr(model, "rewrites", True):
        raise TypeError(
            f"{name} must rewrite the pixels that it shows, as "
            "keras_stprivacy.models.Anonymizer does. This one drops tubelets and shows those that "
            f"it keeps raw. Received: a {type(model).__name__}"
        )
    return model


def load_anonymizer(path: str | os.PathLike) -> Any:
    """Loads an anonymizer from a `.keras` file, on whatever backend is in use.

    Args:
        path: of the `.keras` file, written on any backend.

    Returns:
        The anonymizer, built and with its weights.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file is no `.keras` file, is damaged, or needs classes that are unknown.
        TypeError: if it holds another model than an anonymizer, or one that shows raw pixels.
    """
    path = check_model_file(path)
    import keras

    import keras_stprivacy.models  # noqa: F401  (registers its classes)

    try:
        model = keras.saving.load_model(path, compile=False)
    except (ValueError, TypeError, KeyError, AttributeError, OSError) as error:
        # JSON errors are ValueErrors; a damaged weights file ends in an OSError or a KeyError.
        raise ValueError(f"{str(path)!r} could not be loaded as a Keras model: {error}") from error
    except (zipfile.BadZipFile, EOFError, json.JSONDecodeError) as error:
        raise ValueError(f"{str(path)!r} is damaged: {error}") from error
    return check_anonymizer(model, f"the model in {str(path)!r}")
