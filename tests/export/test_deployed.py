"""8-bit clips in, 8-bit clips out."""

import functools

import harness
import keras
import numpy as np
import pytest
from broken_models import PARTS, BothPaths, spoil
from harness import run
from keras import ops
from tiny_anonymizer import GRID, HEIGHT, NUM_FRAMES, WIDTH, tiny_anonymizer

from keras_stprivacy.baselines import build
from keras_stprivacy.baselines.sparsifying_anonymizer import SparsifyingAnonymizer
from keras_stprivacy.evaluation.eight_bit import EightBitTransform
from keras_stprivacy.export.deployed import DeployedAnonymizer

JIT = keras.backend.backend() == "jax"


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


@harness.not_on_jax
def test_what_is_asked_and_trained_is_what_is_deployed_under_every_policy(anonymizer, clip):
    """A clip or a ratio in half precision would be another: 0.7 is 0.6992 in bfloat16."""
    expected = to_numpy(DeployedAnonymizer(anonymizer)(clip))
    ratio = np.full(len(clip), 0.7, "float32")
    mask = to_numpy(DeployedAnonymizer(anonymizer)(clip, keep_ratio=ratio))["decision_mask"]
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        half = DeployedAnonymizer(anonymizer)
        given, _ = EightBitTransform(anonymizer, jit_compile=JIT)(clip.astype("float32") / 255)
    finally:
        keras.config.set_dtype_policy(before)
    assert half.compute_dtype == "bfloat16"
    np.testing.assert_array_equal(to_numpy(half(clip))["clip"], expected["clip"])
    found = to_numpy(half(clip, keep_ratio=ratio))["decision_mask"]
    np.testing.assert_array_equal(found, mask)
    np.testing.assert_array_equal(given, expected["clip"])


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


@functools.cache
def gray_deployed():
    """Dropped tubelets are gray: where it gives black, it refuses the clip."""
    return BothPaths(DeployedAnonymizer(tiny_anonymizer(fill_value=0.5)))


@pytest.mark.parametrize("part", PARTS)
def test_a_broken_model_gives_black_and_says_so(clip, part):
    deployed = gray_deployed()
    for outputs in deployed.when_broken(deployed.model.anonymizer, part, clip):
        assert not outputs["finite"].any()
        assert outputs["clip"].max() == 0
    for outputs in deployed.predict_on_batch(clip):
        assert outputs["finite"].all()


class Copies(keras.Model):
    """Another model that obeys the contract: clips as they are, dropped where they are black."""

    clip_shape, grid_shape, keep_ratio = (NUM_FRAMES, HEIGHT, WIDTH, 3), GRID, 0.5

    def call(self, clip, training=None, keep_ratio=None):
        kept = ops.cast(ops.max(clip, axis=(1, 2, 3, 4)) > 0, "float32")
        return {"clip": clip, "decision_mask": ops.tile(kept[:, None], (1, 12))}


@pytest.mark.parametrize("shown", ["deployed", "evaluated"])
def test_a_clip_of_which_nothing_was_kept_is_not_valid(clip, shown):
    dark = clip.copy()
    dark[1] = 0
    if shown == "deployed":
        outputs = run(DeployedAnonymizer(Copies()), dark)
        assert outputs["finite"].tolist() == [True, False, True]
        np.testing.assert_array_equal(outputs["clip"], dark)
        return
    transform = EightBitTransform(Copies(), batch_size=4, jit_compile=False)
    np.testing.assert_array_equal(transform(clip.astype("float32") / 255)[0], clip)
    with pytest.raises(FloatingPointError, match="kept no tubelet, for 1 of 3 clips"):
        transform(dark.astype("float32") / 255)


def test_evaluation_refuses_a_broken_model(clip):
    anonymizer = tiny_anonymizer()
    transform = EightBitTransform(anonymizer, batch_size=3, jit_compile=JIT)
    clip = clip.astype("float32") / 255
    transform(clip)
    weights = anonymizer.get_weights()
    for part in PARTS:
        anonymizer.set_weights(weights)
        spoil(anonymizer, part)
        with pytest.raises(FloatingPointError, match="NaN or infinity.* for 3 of 3 clips"):
            transform(clip)


@pytest.mark.any_backend
@pytest.mark.parametrize("part", ["embedding", "middle layer"])
def test_evaluation_refuses_a_broken_system(clip, part):
    system = build(
        "sparsification_alone",
        clip_shape=(NUM_FRAMES, HEIGHT, WIDTH, 3),
        tubelet_size=(2, 8, 8),
        batch_size=3,
    )
    arguments = tiny_anonymizer().get_config()
    system.network = spoil(SparsifyingAnonymizer.from_config(arguments), part)
    with pytest.raises(FloatingPointError, match="for 3 of 3 clips"):
        EightBitTransform(system, batch_size=3)(clip.astype("float32") / 255)


@pytest.mark.parametrize("keep_ratio", [0, -0.1, 1.01, float("nan"), "half", True])
def test_keep_ratio_outside_is_refused(anonymizer, keep_ratio):
    with pytest.raises(ValueError, match=r"keep_ratio must be a number in \(0, 1\]"):
        DeployedAnonymizer(anonymizer, keep_ratio=keep_ratio)
