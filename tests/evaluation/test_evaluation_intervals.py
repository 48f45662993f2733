"""Bootstrap over videos: the fast scores are scikit-learn's, the intervals cover."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

from keras_stprivacy.evaluation.intervals import (
    Estimate,
    estimate,
    resample,
    resampled_mean,
    resampled_scores,
)

pytestmark = pytest.mark.any_backend


@pytest.mark.parametrize("ties", [False, True])
def test_scores_of_samples_are_scikit_learns_on_repeated_videos(ties):
    rng = np.random.default_rng(3)
    labels = (rng.random(50) < 0.3).astype(int)
    probability = rng.random(50)
    if ties:
        probability = np.round(probability, 1)
    weight = resample(50, 20, seed=1)
    scores = resampled_scores(labels, probability, weight)
    for row in range(20):
        index = np.repeat(np.arange(50), weight[row])
        y, p = labels[index], probability[index]
        assert scores["ap"][row] == pytest.approx(average_precision_score(y, p), abs=1e-12)
        assert scores["auroc"][row] == pytest.approx(roc_auc_score(y, p), abs=1e-12)
        assert scores["f1"][row] == pytest.approx(f1_score(y, p >= 0.5), abs=1e-12)


def test_samples_without_a_class_are_undefined():
    labels = np.array([1, 0, 0])
    weight = np.array([[0, 2, 1], [3, 0, 0], [1, 1, 1]])
    scores = resampled_scores(labels, np.array([0.9, 0.4, 0.1]), weight)
    assert np.isnan(scores["ap"]).tolist() == [True, False, False]
    assert np.isnan(scores["auroc"]).tolist() == [True, True, False]
    assert np.isnan(scores["f1"]).tolist() == [True, False, False]


def test_resample_is_seeded_and_complete():
    weight = resample(30, 200, seed=5)
    assert (weight.sum(axis=1) == 30).all()
    assert (weight == resample(30, 200, seed=5)).all()
    assert (weight != resample(30, 200, seed=6)).any()
    assert weight.mean() == pytest.approx(1.0)


def test_the_interval_of_a_share_is_the_binomial_one():
    right = (np.arange(400) < 300).astype(float)
    drawn = resampled_mean(right, resample(400, 2000, seed=0))
    result = estimate(right.mean(), drawn)
    half = 1.96 * np.sqrt(0.75 * 0.25 / 400)
    assert result.low == pytest.approx(0.75 - half, abs=0.006)
    assert result.high == pytest.approx(0.75 + half, abs=0.006)


def test_without_samples_there_is_no_interval():
    assert estimate(0.5, np.zeros(0)) == Estimate(0.5)
    assert estimate(None, np.ones(9)) == Estimate(None)
    assert estimate(0.5, np.array([np.nan, np.nan, 0.5])) == Estimate(0.5)
    empty = resampled_scores(np.array([1, 0]), np.array([0.2, 0.1]), resample(2, 0, seed=0))
    assert all(len(values) == 0 for values in empty.values())
