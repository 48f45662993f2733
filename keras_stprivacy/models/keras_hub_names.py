"""Names of KerasHub's variables, and those of timm for the same."""

import re

import numpy as np


def keras_hub_to_timm(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
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
