"""8-bit clips in, 8-bit clips out."""

import numpy as np
import pytest
from keras import ops
from tiny_anonymizer import GRID, HEIGHT, NUM_FRAMES, WIDTH, tiny_anonymizer

from keras_stprivacy.export.deployed import DeployedAnonymizer


@pytest.fixture(scope="module")
def anonymizer():
    anonymizer = tiny_anonymizer()
    gamma = anonymizer.head.norm.gamma
    gamma.assign(gamma * 8.0)  # so that pixels leave [0, 1]
    return anonymizer


@pytest.fixture(scope="module")
def clip():
    shape = (3, NUM_FRAMES, HEIGHT, WIDTH, 3)
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def to_numpy(outputs):
    return {name: ops.convert_to_numpy(value) for name, value in outputs.items()}


def test_is_the_anonymizer_on_pixels_over_255_clipped_and_rounded(anonymizer, clip):
    outputs = to_numpy(DeployedAnonymizer(anonymizer).predict_on_batch(clip))
    direct = anonymizer.predict_on_batch(clip.astype("float32") / 255)
    floats = ops.convert_to_numpy(direct["clip"])
    assert floats.min() < 0 and floats.max() > 1
    expected = np.round(np.clip(floats, 0, 1) * 255)
    assert outputs["clip"].dtype == np.uint8
    assert np.abs(outputs["clip"].astype(int) - expected).max() <= 1
    mask = ops.convert_to_numpy(direct["decision_mask"]).reshape(3, GRID[0], GRID[1] * GRID[2])
    np.testing.assert_array_equal(outputs["decision_mask"], mask)
    assert outputs["finite"].tolist() == [True] * 3


def test_fixed_ratio_and_one_ratio_a_clip_agree(anonymizer, clip):
    deployed = DeployedAnonymizer(anonymizer)
    assert deployed.keep_ratio == 0.75
    ratios = np.array([0.4, 0.75, 1.0], "float32")
    mixed = to_numpy(deployed(clip, keep_ratio=ops.convert_to_tensor(ratios)))
    for i, ratio in enumerate(ratios.tolist()):
        fixed = DeployedAnonymizer(anonymizer, keep_ratio=ratio)
        alone = to_numpy(fixed.predict_on_batch(clip[i : i + 1]))
        np.testing.assert_array_equal(mixed["decision_mask"][i], alone["decision_mask"][0])
        difference = mixed["clip"][i].astype(int) - alone["clip"][0].astype(int)
        assert np.abs(difference).max() <= 1
    assert mixed["decision_mask"].sum(axis=(1, 2)).tolist() == [
        anonymizer.num_kept(ratio) for ratio in ratios.tolist()
    ]


def test_a_broken_model_gives_black_and_says_so(clip):
    broken = tiny_anonymizer()
    broken.head.set_weights([np.full_like(w, np.nan) for w in broken.head.get_weights()])
    outputs = to_numpy(DeployedAnonymizer(broken).predict_on_batch(clip))
    assert not outputs["finite"].any()
    assert outputs["clip"].max() == 0


@pytest.mark.parametrize("keep_ratio", [0, -0.1, 1.01, float("nan"), "half", True])
def test_keep_ratio_outside_is_refused(anonymizer, keep_ratio):
    with pytest.raises(ValueError, match=r"keep_ratio must be a number in \(0, 1\]"):
        DeployedAnonymizer(anonymizer, keep_ratio=keep_ratio)
