"""Which video transformer attacks: as told, as the target, as a preset, or by the clips' size."""

from __future__ import annotations

from typing import Any

from keras_stprivacy.models.presets import PRESETS, preset_arguments

# Of a `Recognizer`, and of an `Anonymizer` too.
SHARED_ARGUMENTS = (
    "num_frames",
    "image_size",
    "tubelet_size",
    "hidden_dim",
    "num_heads",
    "mlp_ratio",
    "mean",
    "std",
)
_LARGE, _SMALL = "vit_small_16x112", "motion_digits_8x32"
_LEAST_TUBELETS = 4  # along a side of a frame; with fewer of its tubelets, ViT-S sees little


def transformer_arguments(attacker: dict[str, Any] | None, target: Any) -> dict[str, Any]:
    """The `Recognizer` arguments that `attacker` names, filled up from the target's shape.

    Where neither says anything, the clips decide: the preset for their shape (of several, ViT-S),
    or, where there is none, `arguments_by_size`.

    Args:
        attacker: None, or `Recognizer` arguments, with "preset" those of a preset.
        target: see `Attacker`.

    Raises:
        ValueError: if there is no shape to take, a preset does not exist, or no tubelet divides
            the clips.
    """
    given = dict(attacker or {})
    if "preset" in given:
        return {**preset_arguments(given.pop("preset"), "recognizer"), **given}
    wanted = [name for name in SHARED_ARGUMENTS if name not in given]
    shape, missing = _shape_of(target, wanted)
    if "num_layers" not in given:
        shape |= layers_of(target)
    if not missing or given:
        return {**shape, **given}
    clip_shape = getattr(target, "clip_shape", None)
    if clip_shape is None:
        raise ValueError(
            f"{type(target).__name__} has no {', '.join(missing)} for an attacker to take "
            "over. Pass attacker= a preset, a dict of Recognizer arguments, or a callable."
        )
    preset, tubelet_size = _preset_for(clip_shape), _tubelet_of_grid(target)
    if "tubelet_size" not in shape and tubelet_size is not None:
        shape["tubelet_size"] = tubelet_size
    if preset is not None:
        return {**preset, **shape}
    return {**arguments_by_size(clip_shape, shape.get("tubelet_size")), **shape}


def arguments_by_size(
    clip_shape: tuple[int, ...], tubelet_size: tuple[int, int, int] | None = None
) -> dict[str, Any]:
    """`Recognizer` arguments for clips that no preset is for.

    The network is ViT-S, the method's, where height and width hold at least four of its tubelets
    (64 pixels), and otherwise that of the embedded dataset. Along each axis the tubelet is the
    divisor of the clip that is nearest to that network's, (2, 16, 16) or (2, 8, 8), of two as near
    the smaller; it is never less than half or more than twice as long.

    Args:
        clip_shape: `(T, H, W, 3)`.
        tubelet_size: `(δT, δH, δW)` where the tubelets are known; None: by the rule.

    Raises:
        ValueError: if an axis has no such divisor.

    Example:

    >>> arguments = arguments_by_size((15, 90, 120, 3))
    >>> arguments["tubelet_size"], arguments["image_size"], arguments["hidden_dim"]
    ((1, 15, 15), (90, 120), 384)
    >>> arguments_by_size((8, 48, 48, 3))["tubelet_size"]
    (2, 8, 8)
    """
    frames, height, width = clip_shape[:3]
    large = PRESETS[_LARGE]["common"]["tubelet_size"][1] * _LEAST_TUBELETS
    arguments = preset_arguments(_LARGE if min(height, width) >= large else _SMALL, "recognizer")
    if tubelet_size is None:
        tubelet_size = _nearest_tubelet((frames, height, width), arguments["tubelet_size"])
    sizes = {"num_frames": frames, "image_size": (height, width), "tubelet_size": tubelet_size}
    return {**arguments, **sizes}


def built_by_size(target: Any) -> bool:
    """Whether the size of the clips decides what `transformer_arguments(None, target)` is."""
    clip_shape = getattr(target, "clip_shape", None)
    if clip_shape is None or "hidden_dim" in _shape_of(target, SHARED_ARGUMENTS)[0]:
        return False
    return _preset_for(clip_shape) is None


def layers_of(target: Any) -> dict[str, int]:
    """`num_layers` of a target that has its layers in blocks; nothing of others.

    Example:

    >>> from keras_stprivacy.baselines import build
    >>> layers_of(build("stprivacy", preset="embedded")), layers_of(build("raw"))
    ({'num_layers': 4}, {})
    """
    if not hasattr(target, "layers_per_block"):
        return {}
    return {"num_layers": target.layers_per_block * (target.num_sparsification_blocks + 1)}


def _shape_of(target: Any, wanted: Any) -> tuple[dict[str, Any], list[str]]:
    """What the target says of these arguments, and the names of those it does not."""
    shape = {name: getattr(target, name) for name in wanted if hasattr(target, name)}
    if not hasattr(target, "num_heads"):  # then it is the width of something else
        shape.pop("hidden_dim", None)
    return shape, [name for name in wanted if name not in shape]


def _preset_for(clip_shape: tuple[int, ...]) -> dict[str, Any] | None:
    """Arguments of the preset for clips of that shape; of several, ViT-S."""
    fitting = [
        name
        for name, preset in PRESETS.items()
        if (preset["common"]["num_frames"], *[preset["common"]["image_size"]] * 2, 3)
        == tuple(clip_shape)
    ]
    if not fitting:
        return None
    return preset_arguments(_LARGE if _LARGE in fitting else fitting[0], "recognizer")


def _tubelet_of_grid(target: Any) -> tuple[int, int, int] | None:
    """The tubelets that a target's decision masks speak of; None where it has none."""
    grid = getattr(target, "grid_shape", None)
    if grid is None:
        return None
    t, h, w = (size // cells for size, cells in zip(target.clip_shape[:3], grid, strict=True))
    return t, h, w


def _nearest_tubelet(
    clip_size: tuple[int, int, int], usual: tuple[int, int, int]
) -> tuple[int, int, int]:
    t, h, w = (_nearest_divisor(*pair) for pair in zip(clip_size, usual, strict=True))
    if t and h and w:
        return t, h, w
    frames, *sides = clip_size
    pairs = list(zip(sides, usual[1:], (h, w), strict=True))
    height, width = (
        size if fits else max(1, round(size / side)) * side for size, side, fits in pairs
    )
    raise ValueError(
        "no tubelet for a video transformer divides the clips: height and width need a divisor "
        f"from {usual[1] // 2} to {2 * usual[1]}. Received: clips of {frames} frames of "
        f"{sides[0]}x{sides[1]} pixels. Take {height}x{width}, or leave out the attackers "
        "video_transformer and reconstruction (conv3d and frame take any size), or pass attacker= "
        "a dict of Recognizer arguments with num_frames, image_size and tubelet_size."
    )


def _nearest_divisor(size: int, usual: int) -> int | None:
    fitting = [d for d in range(-(-usual // 2), 2 * usual + 1) if size % d == 0]
    return min(fitting, key=lambda divisor: (abs(divisor - usual), divisor), default=None)
