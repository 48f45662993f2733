"""State dicts, read from files of several kinds without running what is in them."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops


def read_state(state: Any, layout: str) -> dict[str, np.ndarray]:
    """Names and arrays of a mapping, a file or a Keras model; see `load_weights_from`.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: for a layout or a kind of file that does not fit, and for a damaged file.
    """
    if isinstance(state, keras.Layer):
        if layout != "keras_hub":
            raise ValueError(
                f'a Keras model is read with layout="keras_hub". Received: layout={layout!r}'
            )
        return {v.path: ops.convert_to_numpy(v.value) for v in state.weights}
    if isinstance(state, Mapping):
        return {name: _to_numpy(value) for name, value in state.items()}
    path = Path(state)
    if not path.is_file():
        raise FileNotFoundError(f"there is no weights file at {path}")
    if path.suffix not in _READERS:
        raise ValueError(f"weights are read from {', '.join(_READERS)}. Received: {path.name}")
    return _READERS[path.suffix](path)


def _damaged(path: Path, error: Exception) -> ValueError:
    return ValueError(f"{path} could not be read: it is damaged, or no {path.suffix}. ({error})")


def _read_numpy_file(path: Path) -> dict[str, np.ndarray]:
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (ValueError, EOFError, OSError, zipfile.BadZipFile) as error:
        raise _damaged(path, error) from error


def _read_safetensors_file(path: Path) -> dict[str, np.ndarray]:
    try:
        from safetensors import SafetensorError
        from safetensors.numpy import load_file
    except ImportError as error:
        raise ImportError(
            "reading .safetensors needs the package safetensors: pip install "
            '"keras-stprivacy[weights]"'
        ) from error
    try:
        return dict(load_file(path))
    except SafetensorError as error:
        raise _damaged(path, error) from error


def _read_torch_file(path: Path) -> dict[str, np.ndarray]:
    try:
        import torch
    except ImportError as error:
        raise ImportError(
            'reading .pth needs PyTorch: pip install "keras-stprivacy[torch]"'
        ) from error
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ValueError(
            f"{path} holds more than tensors and was not loaded, since reading it could run code. "
            f"Save the state dict alone: torch.save(model.state_dict(), path). ({error})"
        ) from error
    except (RuntimeError, EOFError, OSError) as error:
        raise _damaged(path, error) from error
    for key in ("model", "state_dict"):  # what training scripts wrap it in
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    if not isinstance(content, Mapping):
        raise ValueError(
            f"{path} holds no state dict, a mapping of names to tensors. Received: a "
            f"{type(content).__name__}"
        )
    return {name: _to_numpy(value) for name, value in content.items()}


_READERS: dict[str, Callable[[Path], dict[str, np.ndarray]]] = {
    ".npz": _read_numpy_file,
    ".safetensors": _read_safetensors_file,
    ".pth": _read_torch_file,
    ".pt": _read_torch_file,
}


def _to_numpy(value: Any) -> np.ndarray:
    if hasattr(value, "detach"):  # a PyTorch tensor
        value = value.detach().cpu().float().numpy()
    return np.asarray(value)
