"""Trainings that are short, without the time that TensorFlow takes to trace them, or nothing."""

import collections

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


Update = collections.namedtuple("Update", "turn players clips labels rates")


def _one_weight(*arguments):
    import keras

    return keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])


@pytest.fixture
def updates(monkeypatch):
    """Every update that a system asks for, in order. None is made, so networks can be nothing."""
    from harness import numpy

    from keras_stprivacy.baselines.turn import Turn

    asked = []
    for network in ("TransformNetwork", "FrameClassifier", "action_network"):
        monkeypatch.setattr(f"keras_stprivacy.baselines.vita.{network}", _one_weight)

    def update(turn, clips, labels):
        parts = turn.optimizer.parts
        rates = {player: float(numpy(part.learning_rate)) for player, part in parts.items()}
        asked.append(Update(turn, tuple(parts), clips, labels, rates))
        return {"loss": 0.0}

    monkeypatch.setattr(Turn, "update", update)
    return asked


@pytest.fixture
def accuracies(monkeypatch):
    """Accuracies to measure, in order, then 1; and the clips that they were measured on."""
    from keras_stprivacy.baselines.vita import _Accuracy

    given, seen = [], []

    def of(self, clips, labels):
        seen.append(clips)
        return given.pop(0) if given else 1.0

    monkeypatch.setattr(_Accuracy, "of", of)
    return given, seen
