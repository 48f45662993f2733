"""The metrics that run inside training steps, on every backend."""

import keras
import numpy as np
import pytest
from keras import ops
from sklearn.metrics import average_precision_score

from keras_stprivacy.metrics import ClassMeanAveragePrecision, RetainedRatio


def _clips(seed=0, count=200):
    rng = np.random.default_rng(seed)
    labels = (rng.random((count, 3)) < [0.2, 0.5, 0.7]).astype("float32")
    logits = rng.normal(size=(count, 3)).astype("float32") + labels
    return labels, logits


def _sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x.astype("float64")))


def test_binned_precision_is_scikit_learns_of_the_rounded_probabilities():
    labels, logits = _clips()
    metric = ClassMeanAveragePrecision(3, num_bins=50)
    probability = (np.floor(_sigmoid(logits) * 50) + 0.5) / 50
    for start in range(0, 200, 64):
        metric.update_state(labels[start : start + 64], probability[start : start + 64])
    expected = average_precision_score(labels, probability, average="macro")
    assert float(metric.result()) == pytest.approx(expected, abs=1e-5)


def test_default_bins_come_close_to_the_exact_value():
    labels, logits = _clips(1)
    metric = ClassMeanAveragePrecision(3, from_logits=True)
    metric.update_state(labels, logits)
    expected = average_precision_score(labels, _sigmoid(logits), average="macro")
    assert float(metric.result()) == pytest.approx(expected, abs=5e-3)
    metric.reset_state()
    assert float(metric.result()) == 0.0


def test_attributes_without_positives_are_left_out():
    labels, logits = _clips(2)
    labels[:, 0] = 0
    metric = ClassMeanAveragePrecision(3, from_logits=True)
    metric.update_state(labels, logits)
    expected = average_precision_score(labels[:, 1:], _sigmoid(logits[:, 1:]), average="macro")
    assert float(metric.result()) == pytest.approx(expected, abs=5e-3)


def test_sample_weight_zero_is_absence():
    labels, logits = _clips(3)
    weighted, plain = (ClassMeanAveragePrecision(3, from_logits=True) for _ in range(2))
    weighted.update_state(labels, logits, sample_weight=(np.arange(200) < 90).astype("float32"))
    plain.update_state(labels[:90], logits[:90])
    assert float(weighted.result()) == pytest.approx(float(plain.result()), abs=1e-6)


def test_probability_of_one_and_zero_stay_in_the_bins():
    metric = ClassMeanAveragePrecision(1, num_bins=4)
    metric.update_state([[1.0], [0.0]], [[1.0], [0.0]])
    assert float(metric.result()) == 1.0


def test_retained_ratio():
    metric = RetainedRatio()
    metric.update_state(np.array([[1, 1, 0, 0], [1, 0, 0, 0]], "float32"))
    metric.update_state(np.array([[1, 1, 1, 1]], "float32"))
    assert float(metric.result()) == pytest.approx((0.5 + 0.25 + 1.0) / 3)
    metric.reset_state()
    metric.update_state(np.array([[1, 1], [0, 0]], "float32"), sample_weight=[1.0, 0.0])
    assert float(metric.result()) == 1.0


def test_config_round_trip():
    metric = ClassMeanAveragePrecision(3, num_bins=20, from_logits=True, name="cmap")
    again = keras.metrics.deserialize(keras.metrics.serialize(metric))
    assert again.get_config() == metric.get_config()
    assert isinstance(
        keras.metrics.deserialize(keras.metrics.serialize(RetainedRatio())), RetainedRatio
    )
    with pytest.raises(ValueError, match="num_bins"):
        ClassMeanAveragePrecision(3, num_bins=0)


def test_inside_a_compiled_fit():
    labels, logits = _clips(4, count=64)
    layer = keras.layers.Dense(3, kernel_initializer="identity", trainable=False)
    model = keras.Sequential([keras.Input((3,)), layer, keras.layers.Dense(3)])
    model.layers[-1].set_weights([np.eye(3), np.zeros(3)])
    metric = ClassMeanAveragePrecision(3, from_logits=True, name="cmap")
    model.compile(
        keras.optimizers.SGD(0.0),
        keras.losses.BinaryCrossentropy(from_logits=True),
        metrics=[metric],
    )
    history = model.fit(logits, labels, batch_size=16, epochs=1, verbose=0)
    expected = average_precision_score(labels, _sigmoid(logits), average="macro")
    assert history.history["cmap"][0] == pytest.approx(expected, abs=1e-2)
    assert ops.convert_to_numpy(metric.result()).shape == ()
