"""The scores equal scikit-learn's; what is undefined is named, never NaN."""

import numpy as np
import pytest
from sklearn.metrics import (
    average_precision_score,
    f1_score,
    roc_auc_score,
    top_k_accuracy_score,
)

from keras_stprivacy.metrics import average_precision, f1, roc_auc, top_1, top_5

pytestmark = pytest.mark.any_backend


def _sample(seed, ties):
    rng = np.random.default_rng(seed)
    labels = (rng.random((60, 4)) < [0.2, 0.5, 0.8, 0.4]).astype("float32")
    probability = rng.random((60, 4))
    return labels, np.round(probability, 1) if ties else probability


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_scores_equal_scikit_learn(seed, ties):
    labels, probability = _sample(seed, ties)
    for ours, theirs, scores in (
        (average_precision, average_precision_score, probability),
        (roc_auc, roc_auc_score, probability),
        (f1, f1_score, probability >= 0.5),
    ):
        score = ours(labels, probability)
        assert score.mean == pytest.approx(theirs(labels, scores, average="macro"), abs=1e-12)
        assert score.excluded == {}
        for j in range(4):
            assert score.values[j] == pytest.approx(theirs(labels[:, j], scores[:, j]))


def test_a_class_absent_is_left_out_and_named():
    labels, probability = _sample(0, ties=False)
    labels[:, 1] = 0
    labels[:, 2] = 1
    kept = [0, 2, 3]
    score = average_precision(labels, probability)
    assert score.excluded == {1: "no clip has it"}
    assert score.values[1] is None and score.values[2] == 1.0
    expected = np.mean([average_precision_score(labels[:, j], probability[:, j]) for j in kept])
    assert score.mean == pytest.approx(expected)
    assert f1(labels, probability).excluded == {1: "no clip has it"}
    area = roc_auc(labels, probability)
    assert area.excluded == {1: "no clip has it", 2: "every clip has it"}
    assert area.mean == pytest.approx(roc_auc_score(labels[:, [0, 3]], probability[:, [0, 3]]))


def test_without_any_defined_attribute_the_mean_is_none():
    score = average_precision(np.zeros((3, 2)), np.full((3, 2), 0.5))
    assert score.mean is None and set(score.excluded) == {0, 1}


def test_f1_is_of_the_probability_never_of_the_logit():
    with pytest.raises(ValueError, match="sigmoid"):
        f1(np.array([[1], [0]]), np.array([[2.0], [-1.0]]))
    # 0.5 itself counts as present; predicting nothing scores 0, not a warning.
    assert f1(np.array([[1], [1]]), np.array([[0.5], [0.5]])).mean == 1.0
    assert f1(np.array([[1], [1]]), np.array([[0.1], [0.1]])).mean == 0.0


@pytest.mark.parametrize(
    ("labels", "probability", "words"),
    [
        (np.ones(3), np.ones(3), "shape"),
        (np.ones((0, 2)), np.ones((0, 2)), "at least"),
        (np.full((2, 2), 2), np.ones((2, 2)), "0 or 1"),
        (np.full((2, 2), np.nan), np.ones((2, 2)), "0 or 1"),
        (np.ones((2, 2)), np.ones((2, 3)), "same shape"),
        (np.ones((2, 2)), np.full((2, 2), np.nan), "finite"),
    ],
)
def test_bad_input(labels, probability, words):
    with pytest.raises(ValueError, match=words):
        average_precision(labels, probability)


def test_top_1():
    probability = np.array([[0.2, 0.5, 0.3], [0.6, 0.3, 0.1], [0.1, 0.1, 0.8]])
    assert top_1(np.array([1, 1, 2]), probability) == pytest.approx(2 / 3)
    with pytest.raises(ValueError, match=r"0\.\.2"):
        top_1(np.array([0, 1, 3]), probability)
    with pytest.raises(ValueError, match="N at least 1"):
        top_1(np.zeros(0, int), np.zeros((0, 3)))


def test_top_5_is_scikit_learns():
    rng = np.random.default_rng(0)
    probability = rng.random((80, 9))
    labels = rng.integers(9, size=80)
    expected = top_k_accuracy_score(labels, probability, k=5, labels=np.arange(9))
    assert top_5(labels, probability) == pytest.approx(expected)
    assert top_5(np.array([3, 1]), rng.random((2, 4))) == 1.0
    # Of equal probabilities the lower class goes first, so that a constant is no perfect guess.
    assert top_5(np.arange(10), np.ones((10, 10))) == 0.5
