"""Through a bottleneck of bits no faint trace passes."""

import numpy as np
import pytest
from keras import ops

from keras_stprivacy.layers import BitBottleneck
from keras_stprivacy.models import Anonymizer


def _tokens(seed=0, n=64, width=12):
    return np.random.default_rng(seed).normal(size=(2, n, width)).astype("float32")


def test_inference_is_a_threshold_of_the_reduced_token():
    layer = BitBottleneck(num_bits=2, seed=0)
    tokens = _tokens()
    out = ops.convert_to_numpy(layer(tokens))
    mean, std = tokens.mean(-1, keepdims=True), tokens.std(-1, keepdims=True)
    reduced = (tokens - mean) / std @ ops.convert_to_numpy(layer.reduce.kernel)
    bits = np.where(reduced > 0, 1.0, -1.0)
    np.testing.assert_allclose(
        out, bits @ ops.convert_to_numpy(layer.expand.kernel), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("training", [False, True])
def test_a_token_is_one_of_two_to_the_bits(training):
    layer = BitBottleneck(num_bits=2, seed=0)
    out = ops.convert_to_numpy(layer(_tokens(n=500), training=training))
    assert len(np.unique(out.reshape(-1, 12).round(3), axis=0)) == 4


def test_noise_is_drawn_in_training_alone():
    layer = BitBottleneck(num_bits=8, noise_scale=5.0, seed=0)
    tokens = _tokens()
    first, second = (ops.convert_to_numpy(layer(tokens, training=True)) for _ in range(2))
    assert np.abs(first - second).max() > 0.1
    np.testing.assert_array_equal(*(ops.convert_to_numpy(layer(tokens)) for _ in range(2)))


def test_fewer_than_one_bit_is_refused():
    with pytest.raises(ValueError, match="num_bits must be at least 1. Received: num_bits=0"):
        BitBottleneck(num_bits=0)


def test_an_anonymizer_writes_at_most_two_to_the_bits_patterns():
    anonymizer = Anonymizer.from_preset("motion_digits_8x32", bottleneck_bits=1, keep_ratio=1.0)
    clip = np.random.default_rng(0).random((4, 8, 32, 32, 3)).astype("float32")
    out = ops.convert_to_numpy(anonymizer(clip)["clip"])
    tubelets = out.reshape(4, 4, 2, 4, 8, 4, 8, 3).transpose(0, 1, 3, 5, 2, 4, 6, 7)
    assert len(np.unique(tubelets.reshape(4 * 64, -1).round(3), axis=0)) == 2
    loaded = Anonymizer.from_config(anonymizer.get_config())
    assert loaded.bottleneck_bits == 1
