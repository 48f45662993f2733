"""Weights from elsewhere: the method's published modules, timm / DeiT, KerasHub."""

from __future__ import annotations

import os
import pickle
import re
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_stprivacy.models.anonymizer import Anonymizer
from keras_stprivacy.models.recognizer import Recognizer

LAYOUTS = ("released", "timm", "keras_hub")
INFLATIONS = ("averaging", "central")

State = Mapping[str, Any]


@dataclass(frozen=True)
class _Entry:
    """One variable of the model: its name in the source, and how the value there becomes ours."""

    name: str
    variable: Any
    convert: Callable[[np.ndarray], np.ndarray]


def load_weights_from(
    model: Anonymizer | Recognizer,
    state: State | str | os.PathLike,
    layout: str,
    inflation: str = "averaging",
) -> None:
    """Loads weights that another program trained.

    `"released"`: state dicts of the method's published PyTorch modules, with every variable of
    the model. `"timm"`: ViT and DeiT state dicts, and `"keras_hub"`: DeiT backbones: their
    image transformer becomes the transformer layers of the model, in order; predictors, heads and
    classifiers keep their own values. 2-D patch kernels are inflated over the frames of a tubelet,
    position embeddings lose class and distillation token and are resized bicubically.

    Args:
        model: `Anonymizer` or `Recognizer`.
        state: mapping of names to arrays, or a file: `.npz`, `.safetensors`, or `.pth` / `.pt`
            (read by PyTorch with `weights_only=True`). With `"keras_hub"` also a KerasHub
            backbone.
        layout: `"released"`, `"timm"` or `"keras_hub"`.
        inflation: how a 2-D kernel becomes 3-D: `"averaging"` repeats it over the frames and
            divides by their number, `"central"` puts it in the middle frame alone.

    Raises:
        ValueError: if names are missing, left over or of a wrong shape: all are listed, and the
            model is left as it was. Also for an unknown layout, inflation or file kind.
        FileNotFoundError: if `state` is a path without a file.

    Example:

    >>> from keras_stprivacy.models import Recognizer
    >>> model = Recognizer(3, num_frames=2, image_size=8, tubelet_size=(2, 4, 4),
    ...                    hidden_dim=12, num_heads=2, num_layers=1)
    >>> load_weights_from(model, {}, layout="released")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ValueError: the state does not fit the model (layout "released")...
    """
    if layout not in LAYOUTS:
        raise ValueError(f"layout must be one of {LAYOUTS}. Received: layout={layout!r}")
    if inflation not in INFLATIONS:
        raise ValueError(
            f"inflation must be one of {INFLATIONS}. Received: inflation={inflation!r}"
        )
    arrays = _read_state(state, layout)
    if layout == "keras_hub":
        arrays = _keras_hub_to_timm(arrays)
    if layout == "released":
        entries, ignored = _released_entries(model), re.compile(r"$^")
    else:
        entries = _timm_entries(model, inflation)
        # What an image classifier has and a video transformer of this kind does not.
        ignored = re.compile(
            r"(cls_token|dist_token|mask_token|reg_token|norm\..*|fc_norm\..*|head\..*"
            r"|head_dist\..*|pre_logits\..*)$"
        )

    missing, wrong, values = [], [], []
    for entry in entries:
        if entry.name not in arrays:
            missing.append(entry.name)
            continue
        try:
            value = entry.convert(arrays[entry.name])
        except (ValueError, IndexError) as error:
            wrong.append(f"{entry.name}: {error}")
            continue
        if value.shape != tuple(entry.variable.shape):
            wrong.append(
                f"{entry.name}: {arrays[entry.name].shape} gives {value.shape}, needed "
                f"{tuple(entry.variable.shape)}"
            )
        values.append((entry.variable, value))
    wanted = {entry.name for entry in entries}
    left_over = [name for name in arrays if name not in wanted and not ignored.match(name)]
    problems = [
        f"{label}: {', '.join(sorted(names))}"
        for label, names in (
            ("not found", missing),
            ("left over", left_over),
            ("wrong shape", wrong),
        )
        if names
    ]
    if problems:
        raise ValueError(
            f'the state does not fit the model (layout "{layout}"); nothing was loaded. '
            + "; ".join(problems)
        )
    for variable, value in values:
        variable.assign(value)
    model.weights_source = layout


def _read_state(state: Any, layout: str) -> dict[str, np.ndarray]:
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


# Names of the published modules ---------------------------------------------------------------


def _same(value: np.ndarray) -> np.ndarray:
    return value


def _linear(value: np.ndarray) -> np.ndarray:
    """PyTorch keeps a Linear as (out, in)."""
    return value.T


def _dense(name: str, layer: Any) -> list[_Entry]:
    return [
        _Entry(f"{name}.weight", layer.kernel, _linear),
        _Entry(f"{name}.bias", layer.bias, _same),
    ]


def _norm(name: str, layer: Any) -> list[_Entry]:
    return [
        _Entry(f"{name}.weight", layer.gamma, _same),
        _Entry(f"{name}.bias", layer.beta, _same),
    ]


def _transformer_entries(model: Any) -> list[_Entry]:
    if isinstance(model, Anonymizer):
        blocks: tuple[Any, ...] = (*model.sparsification_blocks, model.anonymization_block)
        layers = [layer for block in blocks for layer in block.transformer_layers]
    else:
        layers = list(model.transformer_layers)
    entries = []
    for i, layer in enumerate(layers):
        entries += _norm(f"blocks.{i}.norm1", layer.attention_norm)
        entries += _dense(f"blocks.{i}.attn.qkv", layer.attention.query_key_value)
        entries += _dense(f"blocks.{i}.attn.proj", layer.attention.projection)
        entries += _norm(f"blocks.{i}.norm2", layer.mlp_norm)
        entries += _dense(f"blocks.{i}.mlp.fc1", layer.mlp_in)
        entries += _dense(f"blocks.{i}.mlp.fc2", layer.mlp_out)
    return entries


def _released_entries(model: Any) -> list[_Entry]:
    embedding = model.embedding
    entries = [
        _Entry("pos_embed", embedding.position_embedding, lambda v: v.reshape(v.shape[-2:])),
        # (D, C, δT, δH, δW) to (δT, δH, δW, C, D)
        _Entry("patch_embed.proj.weight", embedding.kernel, lambda v: v.transpose(2, 3, 4, 1, 0)),
        _Entry("patch_embed.proj.bias", embedding.bias, _same),
    ]
    entries += _transformer_entries(model)
    if isinstance(model, Recognizer):
        return entries + _norm("fc_norm", model.norm) + _dense("head_new", model.classifier)
    for m, block in enumerate(model.sparsification_blocks):
        name, predictor = f"score_predictor.{m}", block.retaining_predictor
        entries += _norm(f"{name}.in_conv.0", predictor.norm)
        entries += _dense(f"{name}.in_conv.1", predictor.embed)
        entries += _dense(f"{name}.out_conv.0", predictor.hidden_1)
        entries += _dense(f"{name}.out_conv.2", predictor.hidden_2)
        entries += _dense(f"{name}.out_conv.4", predictor.decide)
    # The published head writes (δT, δH, δW, 3), as ours does.
    return (
        entries + _norm("norm_recon", model.head.norm) + _dense("head_recon", model.head.projection)
    )


# Image transformers ---------------------------------------------------------------------------


def _timm_entries(model: Any, inflation: str) -> list[_Entry]:
    frames = model.tubelet_size[0]
    rows, down, across = model.grid_shape

    def inflate(kernel: np.ndarray) -> np.ndarray:
        """(D, C, δH, δW) to (δT, δH, δW, C, D)."""
        if kernel.ndim != 4:
            raise ValueError(f"{kernel.shape} is no 2-D patch kernel (D, C, height, width)")
        return inflate_kernel(kernel.transpose(2, 3, 1, 0), frames, inflation)

    def resize(embedding: np.ndarray) -> np.ndarray:
        grid = resize_position_embedding(embedding, (down, across))
        return np.tile(grid, (rows, 1))

    embedding = model.embedding
    return [
        _Entry("pos_embed", embedding.position_embedding, resize),
        _Entry("patch_embed.proj.weight", embedding.kernel, inflate),
        _Entry("patch_embed.proj.bias", embedding.bias, _same),
        *_transformer_entries(model),
    ]


def inflate_kernel(kernel: np.ndarray, frames: int, inflation: str = "averaging") -> np.ndarray:
    """Makes a tubelet kernel of an image patch kernel.

    Args:
        kernel: `(δH, δW, C, D)`.
        frames: `δT`.
        inflation: `"averaging"`: repeated and divided by `δT`; `"central"`: in frame `δT // 2`
            alone, zeros elsewhere.

    Returns:
        `(δT, δH, δW, C, D)`.

    Raises:
        ValueError: for an unknown inflation.

    Example:

    >>> inflate_kernel(np.ones((1, 1, 1, 1)), 2).ravel().tolist()
    [0.5, 0.5]
    """
    if inflation not in INFLATIONS:
        raise ValueError(
            f"inflation must be one of {INFLATIONS}. Received: inflation={inflation!r}"
        )
    if inflation == "averaging":
        return np.repeat(kernel[None], frames, axis=0) / frames
    inflated = np.zeros((frames, *kernel.shape), kernel.dtype)
    inflated[frames // 2] = kernel
    return inflated


def resize_position_embedding(embedding: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resizes the position embedding of an image transformer, bicubically.

    Args:
        embedding: `(1, n, D)` or `(n, D)`; `n` is a square number of positions, with up to two
            class or distillation tokens in front, which are dropped.
        size: `(H / δH, W / δW)`.

    Returns:
        `(H/δH · W/δW, D)`.

    Raises:
        ValueError: if no square number of positions is in it.

    Example:

    >>> resize_position_embedding(np.ones((1, 197, 4), "float32"), (7, 7)).shape
    (49, 4)
    """
    embedding = embedding.reshape(-1, embedding.shape[-1])
    n = embedding.shape[0]
    extra = next((k for k in (0, 1, 2) if round((n - k) ** 0.5) ** 2 == n - k), None)
    if extra is None or n == extra:
        raise ValueError(f"{n} positions are no square, with or without class tokens")
    side = round((n - extra) ** 0.5)
    grid = embedding[extra:].reshape(side, side, -1)
    for axis in (0, 1):
        grid = np.tensordot(_bicubic(side, size[axis]), grid, axes=(1, axis))
        grid = np.moveaxis(grid, 0, axis)
    return grid.reshape(size[0] * size[1], -1).astype(embedding.dtype)


def _bicubic(length: int, new_length: int) -> np.ndarray:
    """Weights `(new_length, length)` of PyTorch's bicubic interpolation, which DeiT's users apply.

    Cubic convolution with a = -0.75, pixel centres aligned, borders repeated; the backends of Keras
    disagree on it.
    """
    a = -0.75
    centre = (np.arange(new_length) + 0.5) * length / new_length - 0.5
    weights = np.zeros((new_length, length))
    for tap in range(-1, 3):
        index = np.floor(centre).astype(int) + tap
        x = np.abs(centre - index)
        near = ((a + 2) * x - (a + 3)) * x * x + 1
        far = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
        value = np.where(x <= 1, near, np.where(x < 2, far, 0.0))
        np.add.at(weights, (np.arange(new_length), index.clip(0, length - 1)), value)
    return weights


def _keras_hub_to_timm(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Renames the variables of a KerasHub DeiT or ViT backbone, and restores PyTorch layouts."""
    out: dict[str, np.ndarray] = {}
    attention: dict[str, dict[str, np.ndarray]] = {}
    for path, value in arrays.items():
        if path.endswith("patch_embedding/kernel"):
            out["patch_embed.proj.weight"] = value.transpose(3, 2, 0, 1)
        elif path.endswith("patch_embedding/bias"):
            out["patch_embed.proj.bias"] = value
        elif path.endswith(("/position_embedding", "/position_embedding/embeddings")):
            out["pos_embed"] = value
        elif path.endswith(("/class_token", "/distillation_token")):
            out["cls_token" if path.endswith("class_token") else "dist_token"] = value
        elif match := re.search(r"encoder/ln/(gamma|beta)$", path):
            out[f"norm.{match[1]}"] = value
        elif match := re.search(r"transformer_block_(\d+)/(.+)$", path):
            block, part = f"blocks.{int(match[1]) - 1}", match[2]
            if projection := re.fullmatch(r"mha/(query|key|value)/(kernel|bias)", part):
                of_block = attention.setdefault(f"{block}.attn.qkv.{projection[2]}", {})
                of_block[projection[1]] = value
            elif part in _KERAS_HUB_PARTS:
                name = _KERAS_HUB_PARTS[part]
                if part == "mha/attention_output/kernel":  # (heads, d, D)
                    value = value.reshape(-1, value.shape[-1])
                out[f"{block}.{name}"] = value.T  # a vector stays as it is
            else:
                out[path] = value  # reported as left over
        else:
            out[path] = value
    for name, parts in attention.items():
        if len(parts) < 3:
            continue  # reported as not found
        three = [parts[part] for part in ("query", "key", "value")]
        if name.endswith("kernel"):  # (D, heads, d)
            qkv = np.concatenate([x.reshape(x.shape[0], -1).T for x in three])
            out[name.replace("kernel", "weight")] = qkv
        else:
            out[name] = np.concatenate([x.reshape(-1) for x in three])
    return out


_KERAS_HUB_PARTS = {
    "ln_1/gamma": "norm1.weight",
    "ln_1/beta": "norm1.bias",
    "mha/attention_output/kernel": "attn.proj.weight",
    "mha/attention_output/bias": "attn.proj.bias",
    "ln_2/gamma": "norm2.weight",
    "ln_2/beta": "norm2.bias",
    # DeiT
    "mlp/dense/kernel": "mlp.fc1.weight",
    "mlp/dense/bias": "mlp.fc1.bias",
    "output_layer/output/kernel": "mlp.fc2.weight",
    "output_layer/output/bias": "mlp.fc2.bias",
    # ViT
    "mlp/dense_1/kernel": "mlp.fc1.weight",
    "mlp/dense_1/bias": "mlp.fc1.bias",
    "mlp/dense_2/kernel": "mlp.fc2.weight",
    "mlp/dense_2/bias": "mlp.fc2.bias",
}
