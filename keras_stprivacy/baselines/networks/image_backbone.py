"""Image networks by name, from Keras where it has them."""

from __future__ import annotations

from typing import Any

import keras

from keras_stprivacy.baselines.networks.layers import BATCH_NORM, to_model_range
from keras_stprivacy.baselines.networks.small_resnet import SmallResNet
from keras_stprivacy.models.clips import normalize_image_size

BACKBONES = ("resnet50", "resnet50_v2", "mobilenet", "small_resnet", "small_resnet_v2")


def image_backbone(
    kind: str,
    image_size: int | tuple[int, int],
    width: float = 1.0,
    weights: str | None = None,
) -> keras.Model:
    """Features of images, without a classifier.

    Args:
        kind: `"resnet50"`, `"resnet50_v2"`, `"mobilenet"` (of `keras.applications`),
            `"small_resnet"` or `"small_resnet_v2"` (see `SmallResNet`).
        image_size: pixels, an int or `(H, W)`; at least 32 for those of Keras.
        width: channels are multiplied by it: the `alpha` of MobileNet; 1 for the ResNet-50s.
        weights: None: from scratch; `"imagenet"`: downloaded by Keras; or a file of weights that
            Keras wrote for this network. The small ones have none.

    Returns:
        A model from pixels (B, H, W, 3) in [0, 1], which it scales as its weights want them, to
        features (B, C).

    Raises:
        ValueError: for an unknown kind, a width that it does not have, weights where there are
            none.

    Example:

    >>> tuple(image_backbone("small_resnet", 32, width=0.5).output.shape)
    (None, 32)
    """
    if kind not in BACKBONES:
        raise ValueError(f"kind must be one of {BACKBONES}. Received: kind={kind!r}")
    size = normalize_image_size(image_size)
    inputs = keras.Input((*size, 3))
    if kind.startswith("small_resnet"):
        if weights is not None:
            raise ValueError(f"there are no weights for {kind}. Received: weights={weights!r}")
        network = SmallResNet(size, width, preactivation=kind.endswith("v2"))
        return keras.Model(inputs, network(to_model_range(inputs)), name=kind)
    if kind != "mobilenet" and width != 1.0:
        raise ValueError(f'{kind} has one width; take "small_resnet". Received: width={width}')
    applications: Any = keras.applications
    options: dict[str, Any] = {
        "include_top": False,
        "weights": weights,
        "input_shape": (*size, 3),
        "pooling": "avg",
    }
    if kind == "resnet50":
        network = applications.ResNet50(**options)
        pixels = applications.resnet50.preprocess_input(inputs * 255.0)
    elif kind == "resnet50_v2":
        network = applications.ResNet50V2(**options)
        pixels = to_model_range(inputs)
    else:
        network = applications.MobileNet(alpha=width, **options)
        pixels = to_model_range(inputs)
    if weights is None:  # statistics of a short training from scratch
        for layer in network.layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.momentum = BATCH_NORM["momentum"]
    return keras.Model(inputs, network(pixels), name=kind)
