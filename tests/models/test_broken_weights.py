"""NaN in a model or its clips comes out as NaN, and never as a black clip."""

import functools

import keras
import numpy as np
import pytest
import tiny_models
from broken_models import PARTS, BothPaths
from harness import run
from keras import ops

from keras_stprivacy.models.valid_clips import valid_clips

CLIPS = tiny_models.clips(2)


@functools.cache
def both_paths(keep_rule):
    return BothPaths(tiny_models.anonymizer(keep_rule=keep_rule, fill_value=0.5))


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("keep_rule", ["row", "clip"])
def test_nan_weights_give_nan(keep_rule, part):
    model = both_paths(keep_rule)
    for output in model.when_broken(model.model, part, CLIPS):
        assert np.isnan(output["clip"]).any(axis=(1, 2, 3, 4)).all()
        assert not ops.convert_to_numpy(valid_clips(output)).any()
    for output in model.predict_on_batch(CLIPS):
        assert ops.convert_to_numpy(valid_clips(output)).all()


def test_weights_that_are_infinite_give_nan():
    model = tiny_models.anonymizer(fill_value=0.5)
    model.sparsification_blocks[0].retaining_predictor.decide.bias.assign([-np.inf, 0.0])
    output = run(lambda clip: model(clip, training=False), CLIPS)
    assert np.isnan(output["clip"]).all()


def test_nan_for_one_tubelet_alone_is_seen():
    model = tiny_models.anonymizer()
    predictor = model.sparsification_blocks[0].retaining_predictor
    decide = predictor.call

    def one_nan(tokens, decision_mask=None):
        first = ops.arange(tokens.shape[1])[None, :, None] == 0
        return ops.where(first, float("nan"), decide(tokens, decision_mask))

    predictor.call = one_nan
    output = run(lambda clip: model(clip, training=False), CLIPS)
    assert output["sparsification"][0]["decision_mask"][:, 1:].any()  # the others go on
    assert np.isnan(output["clip"]).any(axis=(1, 2, 3, 4)).all()


@pytest.mark.parametrize("keep_rule", ["row", "clip"])
def test_a_nan_pixel_that_no_check_sees_spoils_its_own_clip_alone(keep_rule):
    model = tiny_models.anonymizer(keep_rule=keep_rule)
    spoiled = CLIPS.copy()
    spoiled[0, 0, 0, 0, 0] = np.nan

    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return 1

        def __getitem__(self, index):
            return (spoiled,)

    if keras.backend.backend() == "torch":  # nothing is traced there
        with pytest.raises(ValueError, match="finite pixels"):
            model.predict(Batches(), verbose=0)
        return
    output = model.predict(Batches(), verbose=0)
    assert np.isnan(output["clip"][0]).all()
    assert np.isfinite(output["clip"][1]).all()
    assert ops.convert_to_numpy(valid_clips(output)).tolist() == [False, True]


@pytest.mark.parametrize(
    ("changed", "value"),
    [
        (None, 0.0),
        ("clip", np.nan),
        ("clip", np.inf),
        ("decision_mask", 0.0),
        ("decision_mask", np.nan),
        ("retaining_probability", np.nan),
    ],
)
def test_valid_clips(changed, value):
    output = {
        "clip": np.zeros((2, 2, 4, 4, 3), "float32"),
        "decision_mask": np.ones((2, 4), "float32"),
        "retaining_probability": np.ones((2, 4), "float32"),
    }
    if changed is not None:
        output[changed][0] = value
    stage = {"retaining_probability": output.pop("retaining_probability")}
    given = ops.convert_to_numpy(valid_clips({**output, "sparsification": [stage]}))
    assert given.tolist() == [changed is None, True]
    if changed != "retaining_probability":
        assert ops.convert_to_numpy(valid_clips(output)).tolist() == [changed is None, True]
    if changed in (None, "clip"):
        without = {"clip": output["clip"]}
        assert ops.convert_to_numpy(valid_clips(without)).tolist() == [changed is None, True]
