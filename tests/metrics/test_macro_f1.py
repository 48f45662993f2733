"""Macro F1 in training is scikit-learn's."""

import keras
import numpy as np
import pytest
from sklearn.metrics import f1_score

from keras_stprivacy.metrics import MacroF1


def _clips(seed, count=90):
    rng = np.random.default_rng(seed)
    labels = (rng.random((count, 3)) < [0.2, 0.5, 0.7]).astype("float32")
    return labels, rng.normal(size=(count, 3)).astype("float32") + labels - 0.5


@pytest.mark.parametrize("threshold", [0.5, 0.3])
def test_it_is_scikit_learns_over_all_batches(threshold):
    labels, logits = _clips(0)
    metric = MacroF1(3, threshold, from_logits=True)
    for start in range(0, 90, 32):
        metric.update_state(labels[start : start + 32], logits[start : start + 32])
    said = 1.0 / (1.0 + np.exp(-logits)) >= threshold
    assert float(metric.result()) == pytest.approx(
        f1_score(labels, said, average="macro"), abs=1e-6
    )


def test_absent_attributes_are_left_out_and_nothing_is_zero():
    labels, logits = _clips(1)
    labels[:, 1] = 0.0
    metric = MacroF1(3, from_logits=True)
    assert float(metric.result()) == 0.0
    metric.update_state(labels, logits)
    kept = [0, 2]
    expected = f1_score(labels[:, kept], logits[:, kept] >= 0.0, average="macro")
    assert float(metric.result()) == pytest.approx(expected, abs=1e-6)
    metric.reset_state()
    assert float(metric.result()) == 0.0


def test_weights_and_configuration():
    labels, logits = _clips(2)
    weighted, plain = MacroF1(3, from_logits=True), MacroF1(3, from_logits=True)
    weighted.update_state(labels, logits, sample_weight=(np.arange(90) < 40).astype("float32"))
    plain.update_state(labels[:40], logits[:40])
    assert float(weighted.result()) == pytest.approx(float(plain.result()), abs=1e-6)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(weighted))
    assert again.get_config() == weighted.get_config() and again.from_logits
    with pytest.raises(ValueError, match="num_attributes=0"):
        MacroF1(0)
    with pytest.raises(ValueError, match="threshold=2"):
        MacroF1(1, threshold=2)
