"""The small anonymizer that the tests of files, exports and commands share."""

from typing import Any

NUM_FRAMES, HEIGHT, WIDTH = 4, 16, 24
GRID = (2, 2, 3)  # tubelets of 2 x 8 x 8


def tiny_anonymizer(**overrides: Any) -> Any:
    """A built anonymizer of 4x16x24 clips, random weights from a fixed seed."""
    import keras

    from keras_stprivacy.models import Anonymizer

    keras.utils.set_random_seed(11)
    arguments = {
        "num_frames": NUM_FRAMES,
        "image_size": (HEIGHT, WIDTH),
        "tubelet_size": (2, 8, 8),
        "hidden_dim": 12,
        "num_heads": 2,
        "layers_per_block": 1,
        "num_sparsification_blocks": 2,
        "keep_ratio": 0.75,
        "seed": 5,
    }
    return Anonymizer(**(arguments | overrides))
