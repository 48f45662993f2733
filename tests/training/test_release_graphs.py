"""Networks that are trained and dropped leave memory, on every backend."""

import gc
import weakref

import keras
import numpy as np
import pytest

from keras_stprivacy.training.release_graphs import release_graphs

TENSORFLOW = keras.backend.backend() == "tensorflow"


class Network(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(3)

    def call(self, inputs):
        return self.dense(inputs)


def trained(steps=1):
    network = Network()
    network.compile("adamw", "mse", jit_compile=keras.backend.backend() == "jax")
    network.fit(np.ones((4, 2), "float32"), np.ones((4, 3), "float32"), epochs=steps, verbose=0)
    return network


def test_a_dropped_network_is_gone():
    network = weakref.ref(trained())
    release_graphs()
    keras.backend.clear_session()
    gc.collect()
    assert network() is None


@pytest.mark.skipif(not TENSORFLOW, reason="other backends register no gradients")
def test_graphs_of_trainings_are_released_and_other_gradients_stay():
    import tensorflow as tf
    from tensorflow.python.framework import ops, registry

    @tf.custom_gradient
    def tenfold(x):
        return x, lambda upstream: 10.0 * upstream

    @tf.function
    def inner(x):
        return tenfold(x)

    inner(tf.constant(1.0))  # its gradient is asked for below, after the release
    network = trained()
    graph = weakref.ref(network.train_function)
    before = set(ops.gradient_registry.list())
    release_graphs()
    after = set(ops.gradient_registry.list())
    assert isinstance(ops.gradient_registry, registry.Registry) and after < before
    assert all(name.startswith("CustomGradient-") for name in before - after)
    with tf.GradientTape() as tape:
        x = tf.constant(2.0)
        tape.watch(x)
        y = inner(x)
    assert float(tape.gradient(y, x)) == 10.0
    network.fit(np.ones((4, 2), "float32"), np.ones((4, 3), "float32"), verbose=0)
    del network
    gc.collect()
    assert graph() is None
