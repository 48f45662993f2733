"""How VITA's transform network first learns to give back what it sees."""

from __future__ import annotations

import logging
from typing import Any

import keras
from keras import ops

from keras_stprivacy.baselines.learning_system import per_frame
from keras_stprivacy.baselines.losses import content_loss, reconstruction_loss, total_variation
from keras_stprivacy.baselines.turn import Turn

CONTENT_WEIGHT, VARIATION_WEIGHT = 7.5, 200.0
_LEAST_SIDE = 32  # of what VGG19 reads, in pixels

_log = logging.getLogger(__name__)


def pretraining_turn(
    transform: keras.Model, kind: str, vgg_weights: str, adam: keras.optimizers.Optimizer
) -> Turn:
    """The update of the pretraining.

    Args:
        transform: from images (B, H, W, 3) to images.
        kind: `"vgg19"`: 7.5 x content loss at relu4_2 + 200 x total variation, in units of 8-bit
            pixels; `"l1"`: mean absolute distance; or `"auto"`: `"vgg19"`, or, where `"imagenet"`
            is not to be had, `"l1"`, which is logged.
        vgg_weights: `"imagenet"`, or a file, of `keras.applications.VGG19` without the top.
        adam: of the transform network.

    Raises:
        ValueError: if the weights of VGG19 are not to be had, unless `kind` allows for it.
    """
    network = _content_network(kind, transform.input_shape[1:3], vgg_weights)

    def losses(clips: Any, labels: Any) -> tuple[list, dict]:
        made = per_frame(transform, clips, training=True)
        if network is None:
            loss = reconstruction_loss(made, clips)
            return [loss], {"reconstruction_loss": loss}
        frames, original = (ops.reshape(x, (-1, *x.shape[2:])) * 255.0 for x in (made, clips))
        content = content_loss(
            network(_caffe(frames)), ops.stop_gradient(network(_caffe(original)))
        )
        variation = total_variation(frames)
        return [CONTENT_WEIGHT * content + VARIATION_WEIGHT * variation], {
            "content_loss": content,
            "total_variation": variation,
        }

    networks = {"transform": transform}
    if network is not None:
        networks["vgg19"] = network
    return Turn(networks, [("transform",)], losses, {"transform": adam})


def _content_network(
    kind: str, image_size: tuple[int, int], vgg_weights: str
) -> keras.Model | None:
    if kind == "l1":
        return None
    if min(image_size) < _LEAST_SIDE:
        raise ValueError(
            f"VGG19 reads images of at least {_LEAST_SIDE} pixels a side. Received: "
            f'{image_size[0]}x{image_size[1]}. Pass pretraining="l1"'
        )
    try:
        return _relu_4_2(image_size, vgg_weights)
    except ValueError as error:
        if kind != "auto" or vgg_weights != "imagenet":  # a file that was named is meant
            raise
        _log.warning(
            "the weights of VGG19 could not be had (%s): the transform network is pretrained by "
            'L1 reconstruction. pretraining="vgg19" makes this an error.',
            error.__cause__,
        )
        return None


def _relu_4_2(image_size: tuple[int, int], weights: str) -> keras.Model:
    try:
        vgg = keras.applications.VGG19(
            include_top=False, weights=weights, input_shape=(*image_size, 3)
        )
    except MemoryError:
        raise
    except Exception as error:  # Keras raises bare exceptions where a download fails
        raise ValueError(
            f"the weights of VGG19 could not be had ({error}). Pass vgg_weights= a file of "
            'keras.applications.VGG19 without the top, or pretraining="l1". Received: '
            f"vgg_weights={weights!r}"
        ) from error
    vgg.trainable = False
    return keras.Model(vgg.input, vgg.get_layer("block4_conv2").output)


def _caffe(pixels: Any) -> Any:
    """RGB of 0 to 255 as VGG19 was trained: BGR around the mean of ImageNet."""
    return ops.flip(pixels, axis=-1) - ops.convert_to_tensor([103.939, 116.779, 123.68])
