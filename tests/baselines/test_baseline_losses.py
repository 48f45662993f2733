"""Losses of the compared systems, against NumPy."""

import numpy as np
import pytest
from harness import gradients, run

from keras_stprivacy.baselines import losses
from keras_stprivacy.losses import negative_entropy, worst_negative_entropy

RNG = np.random.default_rng(0)


def unit(count, length):
    x = RNG.normal(size=(count, length))
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype("float32")


@pytest.mark.parametrize("temperature", [0.1, 0.5])
def test_nt_xent(temperature):
    first, second = unit(5, 7), unit(5, 7)
    both = np.concatenate([first, second]).astype("float64")
    terms = []
    for i in range(10):
        partner = (i + 5) % 10
        others = [np.exp(both[i] @ both[j] / temperature) for j in range(10) if j != i]
        terms.append(-np.log(np.exp(both[i] @ both[partner] / temperature) / np.sum(others)))
    got = run(lambda x, y: losses.nt_xent(x, y, temperature), first, second)
    assert float(got) == pytest.approx(np.mean(terms), abs=1e-4)


def test_nt_xent_ends():
    """0 where every pair is alike and unlike all others; log(2B - 1) where all are alike."""
    eye = np.eye(4, dtype="float32")
    assert float(run(lambda x: losses.nt_xent(x, x, 0.01), eye)) < 1e-3
    same = np.ones((4, 1), "float32")
    assert float(run(lambda x: losses.nt_xent(x, x), same)) == pytest.approx(np.log(7), abs=1e-5)


def test_negative_entropy_and_the_worst_of_an_ensemble():
    logits = RNG.normal(size=(3, 4, 5)).astype("float32") * 3
    p = 1 / (1 + np.exp(-logits.astype("float64")))
    each = (p * np.log(p) + (1 - p) * np.log(1 - p)).sum(axis=-1)
    np.testing.assert_allclose(run(negative_entropy, logits), each, atol=1e-5)
    got = run(lambda *one: worst_negative_entropy(one), *logits)
    assert float(got) == pytest.approx(each.max(axis=0).mean(), abs=1e-5)


def test_negative_entropy_of_sure_models_is_finite():
    logits = np.array([[80.0, -80.0], [1e4, -1e4]], "float32")
    np.testing.assert_allclose(run(negative_entropy, logits), 0.0, atol=1e-6)
    (gradient,) = gradients(lambda x: worst_negative_entropy([x]), arguments=[logits])
    assert np.isfinite(gradient).all()


def test_negative_entropy_pulls_towards_doubt():
    logits = np.array([[2.0, -2.0]], "float32")
    (gradient,) = gradients(lambda x: worst_negative_entropy([x]), arguments=[logits])
    assert gradient[0, 0] > 0 > gradient[0, 1]


def test_gram_and_style():
    x = RNG.normal(size=(2, 3, 4, 5)).astype("float32")
    y = RNG.normal(size=(2, 2, 2, 6)).astype("float32")

    def gram(z):
        return np.einsum("nhwc,nhwd->ncd", z, z) / np.prod(z.shape[1:])

    np.testing.assert_allclose(run(losses.gram_matrix, x), gram(x), atol=1e-5)
    targets = [RNG.normal(size=(2, 5, 5)), RNG.normal(size=(2, 6, 6))]
    targets = [target.astype("float32") for target in targets]
    expected = sum(
        ((gram(z) - target) ** 2).mean() for z, target in zip((x, y), targets, strict=True)
    )
    got = run(lambda a, b, s, t: losses.style_loss([a, b], [s, t]), x, y, *targets)
    assert float(got) == pytest.approx(expected, rel=1e-5)


def test_content_reconstruction_and_variation():
    x, y = RNG.normal(size=(2, 2, 4, 5, 3)).astype("float32")
    assert float(run(losses.content_loss, x, y)) == pytest.approx(((x - y) ** 2).mean(), rel=1e-5)
    expected = np.abs(x - y).mean()
    assert float(run(losses.reconstruction_loss, x, y)) == pytest.approx(expected, rel=1e-5)
    expected = (np.diff(x, axis=1) ** 2).mean() + (np.diff(x, axis=2) ** 2).mean()
    assert float(run(losses.total_variation, x)) == pytest.approx(expected, rel=1e-5)
