"""What stands beside an exported anonymizer, for those who put it to use."""

from collections.abc import Mapping
from typing import Any

from keras_stprivacy.version import __version__

_NOT_GUARANTEED = [
    "No proof of anonymity: what a stronger or better trained attacker reads from the output is "
    "unknown. Judge by fresh attackers trained on anonymized clips, beside their floors.",
    "Attributes other than the trained ones, and people, cameras or scenes unlike the training "
    "data, were not tested.",
    "The decision mask is part of the output and tells where something was found worth keeping.",
    "Sound, file metadata, timing and the number of frames are outside the model.",
    "Another keep ratio than the one in training changes both utility and leakage: measure again.",
]


def model_card(
    anonymizer: Any, keep_ratio: float, extra: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Describes an exported anonymizer as a dict that JSON can hold.

    Args:
        anonymizer: the built anonymizer.
        keep_ratio: the fixed share of `serving_default`.
        extra: further entries, such as metrics with their floors, or the training data.

    Returns:
        The card.

    Raises:
        ValueError: if `extra` has a key that the card itself fills.
    """
    rows, height, width = (int(size) for size in anonymizer.grid_shape)
    card: dict[str, Any] = {
        "name": anonymizer.name,
        "method": (
            "STPrivacy (Li et al., ICCV 2023, arXiv 2301.03046): a video transformer drops "
            "tubelets and rewrites the pixels of those it keeps."
        ),
        "keep_ratio": keep_ratio,
        "keep_rule": getattr(anonymizer, "keep_rule", None),
        "clip_shape": [int(size) for size in anonymizer.clip_shape],
        "tubelet_size": _ints(getattr(anonymizer, "tubelet_size", None)),
        "decision_mask_shape": [rows, height * width],
        "preprocessing": (
            "Give uint8 RGB clips of clip_shape, frames resized as a whole. Inside the graph: "
            "clip / 255, then the anonymizer's own (x - mean) / std."
        ),
        "postprocessing": (
            "Inside the graph: round(min(max(x, 0), 1) * 255) as uint8; a clip with values that "
            "are not finite becomes black."
        ),
        "signatures": {
            "serving_default": "clip uint8 (B, T, H, W, 3) -> clip uint8, decision_mask float32 "
            "(B, L, N), 1 = kept; the fixed keep_ratio, dropped tokens are not computed",
            "keep_ratio": "clip and keep_ratio float32 (B,), each in (0, 1] -> the same; a request "
            "with a ratio outside is refused",
        },
        "not_guaranteed": _NOT_GUARANTEED,
        "software": {"keras_stprivacy": __version__},
    }
    extra = dict(extra or {})
    taken = sorted(set(extra) & set(card))
    if taken:
        raise ValueError(
            f"card may add entries, but not replace the card's own. Received: {', '.join(taken)}"
        )
    return card | extra


def _ints(sizes: Any) -> list[int] | None:
    return None if sizes is None else [int(size) for size in sizes]
