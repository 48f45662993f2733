"""Bootstrap over videos: the fast scores are scikit-learn's, the intervals cover."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

from keras_stprivacy.evaluation.intervals import (
    Estimate,
    column_weight,
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


def test_videos_of_one_source_video_are_drawn_together():
    """Copies of a video say nothing new: intervals are those of the videos they are copies of."""
    alone = resample(100, 500, seed=2)
    copied = np.repeat(np.arange(100) + 7, 4)
    together = resample(400, 500, seed=2, source_video=copied)
    assert (together == np.repeat(alone, 4, axis=1)).all()
    right = np.random.default_rng(0).random(100)
    drawn = resampled_mean(np.repeat(right, 4), together)
    np.testing.assert_allclose(drawn, resampled_mean(right, alone), rtol=1e-12)
    apart = resampled_mean(np.repeat(right, 4), resample(400, 500, seed=2))
    assert np.std(drawn) == pytest.approx(2 * np.std(apart), rel=0.15)


def test_means_are_over_what_was_drawn():
    """Source videos have unequal numbers of videos, so samples are of unequal size."""
    source_video = np.array(["a"] * 30 + [f"b{i}" for i in range(25)])
    weight = resample(55, 200, seed=3, source_video=source_video)
    assert len(set(weight.sum(axis=1).tolist())) > 1
    assert (weight[:, :30] == weight[:, :1]).all()
    values = np.arange(55.0)
    expected = [np.repeat(values, row).mean() for row in weight]
    np.testing.assert_allclose(resampled_mean(values, weight), expected, rtol=1e-12)


def test_counts_beyond_float32_stay_exact():
    weight = np.full((1, 300), 65535, "uint16")
    assert column_weight(weight).dtype == "float64"
    assert column_weight(weight[:, :200]).dtype == "float32"
    labels, probability = np.arange(300) % 2, np.linspace(0, 1, 300)
    many = resampled_scores(labels, probability, weight)
    once = resampled_scores(labels, probability, np.ones((1, 300), "uint16"))
    for name, values in once.items():
        assert many[name] == pytest.approx(values, abs=1e-12)


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
