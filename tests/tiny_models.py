"""Models and batches as small as they can be, with weights that are far from their start."""

from typing import Any

import keras
import numpy as np

SIZE = {"num_frames": 4, "image_size": (16, 24), "tubelet_size": (2, 8, 8)}
GRID = (2, 2, 3)  # L = 2 rows of N = 6 tubelets
ROWS, PER_ROW = 2, 6
WIDTH = {"hidden_dim": 12, "num_heads": 2, "mlp_ratio": 2.0}
NUM_ACTIONS, NUM_ATTRIBUTES = 3, 2


def randomize(model: Any, seed: int = 0, scale: float = 0.3) -> Any:
    """Draws every trainable weight; the same on all backends."""
    rng = np.random.default_rng(seed)
    for variable in model.trainable_variables:
        value = rng.normal(scale=scale, size=variable.shape)
        if variable.path.endswith("gamma"):
            value = 1 + value
        variable.assign(value.astype("float32"))
    return model


def anonymizer(seed: int = 0, **overrides: Any) -> Any:
    from keras_stprivacy.models import Anonymizer

    arguments = {"layers_per_block": 1, "num_sparsification_blocks": 2, "keep_ratio": 0.7}
    model = Anonymizer(**{**SIZE, **WIDTH, **arguments, "seed": 1, **overrides})
    return randomize(model, seed)


def recognizer(num_classes: int = NUM_ACTIONS, seed: int = 1, **overrides: Any) -> Any:
    from keras_stprivacy.models import Recognizer

    model = Recognizer(num_classes, **{**SIZE, **WIDTH, "num_layers": 1, **overrides})
    return randomize(model, seed)


def clips(count: int = 3, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((count, 4, 16, 24, 3)).astype("float32")


def labels(count: int = 3, multi_label: bool = False) -> dict[str, np.ndarray]:
    """Every class, and both values of each attribute, within three clips.

    Of several actions, the first clip shows one, the second two, the third none.
    """
    index = np.arange(count)
    privacy = np.stack([index % 3 != 0, index % 3 == 1], -1)
    action = (index % NUM_ACTIONS).astype("int32")
    if multi_label:
        action = np.stack([index % 3 == 0, index % 3 == 1, index % 3 == 1], -1).astype("float32")
    return {"action": action, "privacy": privacy.astype("float32")}


def tubelets(clip: np.ndarray) -> np.ndarray:
    """`(B, T, H, W, 3)` as `(B, L·N, pixels of a tubelet)`."""
    t, h, w = SIZE["tubelet_size"]
    rows, down, across = GRID
    cut = clip.reshape(len(clip), rows, t, down, h, across, w, 3)
    return cut.transpose(0, 1, 3, 5, 2, 4, 6, 7).reshape(len(clip), rows * down * across, -1)


def use_noise(model: Any, batch: int, seed: int = 0) -> None:
    """Gives the gates of an anonymizer the same noise on every backend and in every step."""
    rng = np.random.default_rng(seed)
    for block in model.sparsification_blocks:
        noise = rng.gumbel(size=(batch, ROWS * PER_ROW, 2)).astype("float32")
        block.gumbel_gate.sample_noise = lambda shape, noise=noise: keras.ops.array(noise)


def players(count: int = 1, **overrides: Any) -> tuple[Any, Any, Any]:
    """An anonymizer and its opponents; `count` privacy recognizers."""
    privacy = [recognizer(NUM_ATTRIBUTES, seed=2 + i) for i in range(count)]
    return anonymizer(**overrides), recognizer(), privacy if count > 1 else privacy[0]


def reconstructor(seed: int = 7, **overrides: Any) -> Any:
    """An anonymizer that drops nothing, to rebuild raw clips."""
    options = {"num_sparsification_blocks": 0, "output_activation": "sigmoid", **overrides}
    return anonymizer(seed, **options)


def adversarial(
    count: int = 1, anonymizer_options: Any = None, rebuilds: bool = False, **options: Any
) -> Any:
    """`STPrivacy` of tiny players, without schedules, with fixed noise for batches of 3."""
    from keras_stprivacy.training import STPrivacy

    models = players(count, **(anonymizer_options or {}))
    use_noise(models[0], 3)
    if rebuilds:
        options["reconstructor"] = reconstructor()
    return STPrivacy(*models, **{"schedule": None, **options})
