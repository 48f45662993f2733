"""Named configurations: what the constructors are called with. Weights come from files."""

from typing import Any

_VIT_16X112 = {"num_frames": 16, "image_size": 112, "tubelet_size": (2, 16, 16), "mlp_ratio": 4.0}
_SIZES = ("num_frames", "image_size", "tubelet_size")
_DEPTH_12 = {
    "anonymizer": {"num_sparsification_blocks": 3, "layers_per_block": 3},
    "recognizer": {"num_layers": 12},
}
_MOTION_DIGITS = {"num_frames": 8, "image_size": 32, "tubelet_size": (2, 8, 8), "mlp_ratio": 4.0}

PRESETS: dict[str, dict[str, dict[str, Any]]] = {
    "vit_tiny_16x112": {
        "common": {**_VIT_16X112, "hidden_dim": 192, "num_heads": 3},
        **_DEPTH_12,
    },
    "vit_small_16x112": {
        "common": {**_VIT_16X112, "hidden_dim": 384, "num_heads": 6},
        **_DEPTH_12,
    },
    "vit_base_16x112": {
        "common": {**_VIT_16X112, "hidden_dim": 768, "num_heads": 12},
        **_DEPTH_12,
    },
    "motion_digits_8x32": {
        "common": {**_MOTION_DIGITS, "hidden_dim": 72, "num_heads": 4},
        "anonymizer": {"num_sparsification_blocks": 3, "layers_per_block": 1},
        "recognizer": {"num_layers": 4},
    },
}


def preset_arguments(name: str, role: str) -> dict[str, Any]:
    """Returns the constructor arguments of a preset.

    Args:
        name: a key of `PRESETS`.
        role: `"anonymizer"`, `"recognizer"`, or `"mask_recognizer"`, which has the sizes of clip
            and tubelet alone.

    Raises:
        ValueError: if there is no such preset.

    Example:

    >>> preset_arguments("vit_small_16x112", "recognizer")["num_layers"]
    12
    """
    if name not in PRESETS:
        raise ValueError(f"no preset is named {name!r}. There are: {', '.join(PRESETS)}")
    common = PRESETS[name]["common"]
    if role == "mask_recognizer":
        return {size: common[size] for size in _SIZES}
    return {**common, **PRESETS[name][role]}
