"""Short trainings without the time that TensorFlow takes to trace them."""

import pytest


@pytest.fixture(scope="module")
def eager():
    """TensorFlow runs without graphs; that updates compile is tested in test_turn.

    It reminds that tf.data goes on with graphs: tests ignore that warning.
    """
    import keras

    if keras.backend.backend() != "tensorflow":
        yield
        return
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)
