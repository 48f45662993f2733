"""Clips whose labels can be read from their colours, and an attacker that is small enough."""

import numpy as np

CLIP_SHAPE = (4, 8, 8, 3)
GRID_SHAPE = (2, 2, 2)
ATTACKER = {
    "num_frames": 4,
    "image_size": 8,
    "tubelet_size": (2, 4, 4),
    "hidden_dim": 24,
    "num_heads": 2,
    "num_layers": 1,
}


def colored_clips(count, seed):
    """Clips with the action in the red, and two attributes in the green and blue of all pixels."""
    rng = np.random.default_rng(seed)
    action = rng.integers(2, size=count)
    privacy = (rng.random((count, 2)) < [0.5, 0.4]).astype("int64")
    shown = np.concatenate([action[:, None], privacy], axis=1)
    level = 0.3 + 0.4 * shown + 0.05 * rng.normal(size=(count, 3))
    clip = level[:, None, None, None, :] + 0.05 * rng.normal(size=(count, *CLIP_SHAPE))
    return np.clip(clip, 0.0, 1.0).astype("float32"), {"action": action, "privacy": privacy}
