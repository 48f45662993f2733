"""What each player's loss is, number for number."""

import keras
import numpy as np
import pytest
from harness import gradients, run

from keras_stprivacy.training.players import (
    action_loss,
    action_metric,
    privacy_loss,
    privacy_players,
    scale_gradient,
)

RNG = np.random.default_rng(0)
LOGITS = RNG.normal(size=(4, 3)).astype("float32") * 3


def test_action_loss_is_the_mean_cross_entropy():
    labels = np.array([0, 2, 1, 2], "int32")
    shifted = np.exp(LOGITS - LOGITS.max(-1, keepdims=True)).astype("float64")
    probability = shifted / shifted.sum(-1, keepdims=True)
    expected = -np.log(probability[np.arange(4), labels]).mean()
    assert run(action_loss, labels, LOGITS) == pytest.approx(expected, rel=1e-5)
    assert run(action_loss, labels.astype("int64"), LOGITS) == pytest.approx(expected, rel=1e-5)


def test_the_loss_of_several_actions_is_the_mean_over_clips_and_classes():
    labels = np.array([[1, 0, 1], [0, 0, 0], [1, 1, 1], [0, 1, 0]])
    p = 1 / (1 + np.exp(-LOGITS.astype("float64")))
    expected = -np.where(labels, np.log(p), np.log(1 - p)).mean()
    for dtype in ("float32", "int32"):
        given = labels.astype(dtype)
        assert run(action_loss, given, LOGITS) == pytest.approx(expected, rel=1e-5)
        assert run(lambda x, y: action_loss(x, y, True), given, LOGITS) == pytest.approx(
            expected, rel=1e-5
        )
    (found,) = gradients(
        lambda logits: action_loss(keras.ops.array(labels, "float32"), logits), arguments=(LOGITS,)
    )
    np.testing.assert_allclose(found, (p - labels) / labels.size, atol=1e-6)
    assert np.isnan(run(action_loss, 2 * labels, LOGITS))
    with pytest.raises(ValueError, match=r"labels of shape \(4, 2\), logits of shape \(4, 3\)"):
        action_loss(keras.ops.array(labels[:, :2]), keras.ops.array(LOGITS))
    with pytest.raises(ValueError, match=r"labels of shape \(4,\)"):
        action_loss(keras.ops.array(labels[:, 0]), keras.ops.array(LOGITS), multi_label=True)


def test_the_metric_of_actions_fits_their_labels():
    assert action_metric(3, multi_label=False).name == "action_accuracy"
    several = action_metric(3, multi_label=True)
    several.update_state(np.float32([[1, 1, 0], [0, 1, 0]]), np.float32([[-1, 3, 0], [1, 2, 0]]))
    # The third action was never seen; the first was preferred in the clip without it.
    assert float(several.result()) == pytest.approx((0.5 + 1.0) / 2, abs=1e-3)


def test_privacy_loss_is_the_mean_over_clips_and_attributes():
    labels = (RNG.random((4, 3)) < 0.5).astype("float32")
    p = 1 / (1 + np.exp(-LOGITS.astype("float64")))
    expected = -(labels * np.log(p) + (1 - labels) * np.log(1 - p)).mean()
    for dtype in ("float32", "int32", "bool"):
        assert run(privacy_loss, labels.astype(dtype), LOGITS) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("label", [-1, 3, 1000])
def test_a_label_outside_the_classes_gives_nan(label):
    assert np.isnan(run(action_loss, np.array([0, label, 1, 2], "int32"), LOGITS))


@pytest.mark.parametrize("label", [-0.5, 2.0, np.nan])
def test_an_attribute_that_is_not_binary_gives_nan(label):
    labels = np.zeros((4, 3), "float32")
    labels[2, 1] = label
    assert np.isnan(run(privacy_loss, labels, LOGITS))


def test_scale_gradient_is_the_identity_forwards():
    value, scale = np.float32([1.5, -2.0, 1e30]), -0.25
    np.testing.assert_array_equal(run(lambda x: scale_gradient(x, scale), value), value)
    (found,) = gradients(lambda x: keras.ops.sum(scale_gradient(x, scale)), arguments=(value,))
    np.testing.assert_array_equal(found, [scale] * 3)


def test_names_of_privacy_recognizers():
    assert privacy_players(1) == ["privacy_recognizer"]
    assert privacy_players(3)[2] == "privacy_recognizer_3"
