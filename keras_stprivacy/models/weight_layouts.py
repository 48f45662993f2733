"""Which variable of a model stands under which name elsewhere, and in which shape."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_stprivacy.models.anonymizer import Anonymizer
from keras_stprivacy.models.recognizer import Recognizer
from keras_stprivacy.models.weight_inflation import inflate_kernel, resize_position_embedding


@dataclass(frozen=True)
class Entry:
    """One variable of the model: its name in the source, and how the value there becomes ours."""

    name: str
    variable: Any
    convert: Callable[[np.ndarray], np.ndarray]


def _same(value: np.ndarray) -> np.ndarray:
    return value


def _linear(value: np.ndarray) -> np.ndarray:
    """PyTorch keeps a Linear as (out, in)."""
    return value.T


def _dense(name: str, layer: Any) -> list[Entry]:
    return [
        Entry(f"{name}.weight", layer.kernel, _linear),
        Entry(f"{name}.bias", layer.bias, _same),
    ]


def _norm(name: str, layer: Any) -> list[Entry]:
    return [
        Entry(f"{name}.weight", layer.gamma, _same),
        Entry(f"{name}.bias", layer.beta, _same),
    ]


def _transformer_entries(model: Any) -> list[Entry]:
    if isinstance(model, Anonymizer):
        blocks: list[Any] = list(model.sparsification_blocks)
        if model.rewrites:
            blocks.append(model.anonymization_block)
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


def released_entries(model: Any) -> list[Entry]:
    """Every variable, under its name in the published PyTorch modules."""
    embedding = model.embedding
    entries = [
        Entry("pos_embed", embedding.position_embedding, lambda v: v.reshape(v.shape[-2:])),
        # (D, C, δT, δH, δW) to (δT, δH, δW, C, D)
        Entry("patch_embed.proj.weight", embedding.kernel, lambda v: v.transpose(2, 3, 4, 1, 0)),
        Entry("patch_embed.proj.bias", embedding.bias, _same),
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
    if not model.rewrites:
        return entries
    # The published head writes (δT, δH, δW, 3), as ours does.
    return (
        entries + _norm("norm_recon", model.head.norm) + _dense("head_recon", model.head.projection)
    )


def is_of_rewriting(model: Any, name: str) -> bool:
    """Whether a name is of the block or head that an anonymizer which rewrites nothing lacks."""
    if getattr(model, "rewrites", True):
        return False
    parts = name.split(".")
    if parts[0] != "blocks" or len(parts) < 2 or not parts[1].isdecimal():
        return parts[0] in ("norm_recon", "head_recon")
    first = model.num_sparsification_blocks * model.layers_per_block
    return first <= int(parts[1]) < first + model.layers_per_block


def timm_entries(model: Any, inflation: str) -> list[Entry]:
    """Embedding and transformer layers, under their names in timm's ViT and DeiT."""
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
        Entry("pos_embed", embedding.position_embedding, resize),
        Entry("patch_embed.proj.weight", embedding.kernel, inflate),
        Entry("patch_embed.proj.bias", embedding.bias, _same),
        *_transformer_entries(model),
    ]
