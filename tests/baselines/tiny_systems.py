"""Systems that learn as small as they can be, and clips to tell training from validation."""

import numpy as np

from keras_stprivacy.baselines import build

SHAPE = (4, 32, 32, 3)
_C3D = {"action_network": "c3d", "action_width": 0.03125}
SIZES = {
    "vita": {
        **_C3D,
        "width": 0.0625,
        "num_blocks": 1,
        "privacy_networks": [["small_resnet", 0.125], ["small_resnet_v2", 0.125]],
    },
    "spact": {
        "width": 0.03125,
        "action_width": 0.0625,
        "privacy_width": 0.125,
        "hidden_dim": 8,
        "output_dim": 4,
    },
    "collective": {**_C3D, "width": 0.25},
}
TINY = {
    "vita": {
        **SIZES["vita"],
        "pretraining_steps": 2,
        "action_pretraining_steps": 3,
        "privacy_pretraining_steps": 4,
        "steps": 3,
        "privacy_updates": 2,
        "monitor_updates": 2,
        "restart_every": None,
        "restart_steps": 5,
        "pretraining_learning_rate": 0.5,
        "opponent_learning_rate": 0.25,
        "learning_rate": 0.125,
        "action_learning_rate": 0.0625,
        "privacy_learning_rate": 0.03125,
    },
    "spact": {
        **SIZES["spact"],
        "warmup_epochs": 1,
        "opponent_epochs": 2,
        "epochs": 2,
        "warmup_learning_rate": 0.5,
        "learning_rate": 0.25,
    },
    "collective": {
        **SIZES["collective"],
        "action_epochs": 1,
        "epochs": 2,
        "action_learning_rate": 0.5,
        "learning_rate": 0.25,
    },
}
ENSEMBLE = ("privacy_1", "privacy_2")
BRIGHT = 200  # pixels of training clips are below, of validation clips above


def tiny(name, **settings):
    common = {"clip_shape": SHAPE, "batch_size": 2, "seed": 3}
    return build(name, preset="embedded", **{**common, **TINY[name], **settings})


def clips_of(low, high, count=6):
    random = np.random.default_rng(low)
    clips = random.integers(low, high, (count, *SHAPE)).astype("uint8")
    labels = {"action": np.arange(count) % 3, "privacy": random.integers(0, 2, (count, 5))}
    return clips, labels


TRAIN, VALIDATION = clips_of(0, BRIGHT), clips_of(BRIGHT, 256)
