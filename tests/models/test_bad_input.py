"""What does not fit is refused, with a message that says what was passed and what is needed."""

import functools

import keras
import numpy as np
import pytest
import tiny_models
from harness import run

from keras_stprivacy.models import Recognizer
from keras_stprivacy.models.tensor_values import lowest_and_highest

CLIPS = tiny_models.clips(1)
anonymizer = functools.cache(tiny_models.anonymizer)
recognizer = functools.cache(tiny_models.recognizer)
both = pytest.mark.parametrize("build", [anonymizer, recognizer])


def _spoiled(value):
    clip = CLIPS.copy()
    clip[0, 1, 2, 3, 0] = value
    return clip


@both
@pytest.mark.parametrize(
    ("clip", "error", "message"),
    [
        (CLIPS[0], ValueError, r"rank 5.*shape \(4, 16, 24, 3\); add a batch axis"),
        (CLIPS[..., 0], ValueError, "rank 5"),
        (CLIPS[:, :2], ValueError, r"\(4, 16, 24, 3\)\. Received: \(2, 16, 24, 3\)\. Resize"),
        (CLIPS[..., :1], ValueError, r"Received: \(4, 16, 24, 1\)"),
        ((CLIPS * 255).astype("uint8"), TypeError, r"dtype uint8; convert.*astype.*/ 255"),
        (CLIPS.astype("int32"), TypeError, "float pixels.*int32"),
        (CLIPS > 0.5, TypeError, "float pixels.*bool"),
        (_spoiled(np.nan), ValueError, r"finite pixels.*nan at index \(0, 1, 2, 3, 0\)"),
        (_spoiled(-np.inf), ValueError, "finite pixels.*-inf at index"),
        (CLIPS * 255, ValueError, r"pixels in \[0, 1\].*Divide 8-bit pixels by 255"),
    ],
)
def test_clips(build, clip, error, message):
    with pytest.raises(error, match=message):
        build()(clip)


PIXELS = [
    (_spoiled(np.nan), r"finite pixels.*nan at index \(0, 1, 2, 3, 0\)"),
    (_spoiled(np.inf), "finite pixels.*inf at index"),
]


@both
@pytest.mark.parametrize(("clip", "message"), PIXELS)
def test_pixels_of_tensors(build, clip, message):
    tensor = keras.ops.convert_to_tensor(clip)
    for options in ({}, {"training": False}):
        with pytest.raises(ValueError, match=message):
            build()(tensor, **options)
    with pytest.raises(ValueError, match=message):
        build()(keras.ops.cast(tensor, "bfloat16"))


def test_pixels_of_long_tensors():
    values = np.zeros(100_000, "float32")
    values[77_777] = np.nan  # some reductions of long arrays pass it over
    assert np.isnan(lowest_and_highest(keras.ops.convert_to_tensor(values))).all()
    assert lowest_and_highest(keras.ops.convert_to_tensor(np.nan_to_num(values) - 1)) == (-1, -1)


@both
@pytest.mark.parametrize("as_tensor", [False, True])
@pytest.mark.parametrize(("clip", "message"), PIXELS)
def test_pixels_given_to_predict(build, clip, message, as_tensor):
    clip = keras.ops.convert_to_tensor(clip) if as_tensor else clip
    model = build()
    with pytest.raises(ValueError, match=message):
        model.predict(clip, verbose=0)
    with pytest.raises(ValueError, match=message):
        model.predict(x=clip, batch_size=1, verbose=0)
    with pytest.raises(ValueError, match=message):
        model.predict_on_batch(clip)


def test_pixels_beside_a_mask_given_to_predict():
    inputs = {"clip": _spoiled(np.nan), "decision_mask": np.ones((1, 12), "float32")}
    with pytest.raises(ValueError, match="finite pixels"):
        recognizer().predict(inputs, verbose=0)
    # What an anonymizer without an activation writes has no range.
    inputs["clip"] = 3 * CLIPS - 2
    assert np.isfinite(recognizer().predict(inputs, verbose=0)).all()
    with pytest.raises(ValueError, match="Divide 8-bit pixels by 255"):
        recognizer().predict(3 * inputs["clip"], verbose=0)


@both
def test_tensors_of_bytes(build):
    with pytest.raises(TypeError, match="dtype uint8"):
        build()(keras.ops.convert_to_tensor((CLIPS * 255).astype("uint8")))


def test_the_range_of_tensors():
    clip = keras.ops.convert_to_tensor(CLIPS * 255)
    with pytest.raises(ValueError, match=r"pixels in \[0, 1\].*Divide 8-bit pixels by 255"):
        anonymizer()(clip)
    recognizer()(clip)  # may come from an anonymizer, whose output has no range


@both
def test_tensors_of_a_graph_have_no_values(build):
    model = build()
    seen = []

    def call(clip, ratio):
        seen.append(lowest_and_highest(clip) or lowest_and_highest(ratio))
        options = {"keep_ratio": ratio} if build is anonymizer else {}
        return keras.tree.flatten(model(clip, **options))[0]

    arguments = (_spoiled(np.nan), np.float32([2.0]))
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        call = tf.function(call)
    if keras.backend.backend() == "torch":
        import torch

        original = call

        def call(*tensors):
            return torch.func.vjp(original, *tensors)[0].detach()

    result = run(call, *arguments)
    assert seen == [None]
    assert np.isnan(result).any()


def test_tensors_in_training_are_not_looked_into(monkeypatch):
    def refuse(values):
        raise AssertionError("a training step waits for values")

    monkeypatch.setattr("keras_stprivacy.models.clips.lowest_and_highest", refuse)
    monkeypatch.setattr("keras_stprivacy.models.keep_counts.lowest_and_highest", refuse)
    ratio, clip = keras.ops.array([0.5]), keras.ops.convert_to_tensor(CLIPS)
    anonymizer()(clip, training=True, keep_ratio=ratio)
    recognizer()(clip, training=True)
    with pytest.raises(AssertionError, match="waits"):
        anonymizer()(clip)


@both
@pytest.mark.parametrize(
    ("shape", "dtype", "error", "message"),
    [
        ((2, 16, 24, 3), "float32", ValueError, r"Received: \(2, 16, 24, 3\)"),
        ((16, 24, 3), "float32", ValueError, "rank 5"),
        ((4, 16, 24, 3), "uint8", TypeError, "dtype uint8"),
    ],
)
def test_clips_while_a_graph_is_traced(build, shape, dtype, error, message):
    with pytest.raises(error, match=message):
        build()(keras.Input(shape, dtype=dtype))


@both
def test_floats_of_other_sizes_are_clips(build):
    model = build()
    expected = keras.tree.flatten(run(model, CLIPS))[0]
    got = keras.tree.flatten(model.predict(CLIPS.astype("float64"), verbose=0))[0]
    np.testing.assert_allclose(got, expected, atol=1e-5)


RATIO = r"keep_ratio must be a number in \(0, 1\].* Received: keep_ratio={}"


@pytest.mark.parametrize("ratio", [0, -0.1, 1.01, float("nan")])
def test_keep_ratio(ratio):
    message = RATIO.format(ratio)
    with pytest.raises(ValueError, match=message):
        tiny_models.anonymizer(keep_ratio=ratio)
    model = anonymizer()
    with pytest.raises(ValueError, match=message):
        model.keep_ratio = ratio
    with pytest.raises(ValueError, match=message):
        model.num_kept(ratio)
    with pytest.raises(ValueError, match=message):
        model(CLIPS, keep_ratio=ratio)
    assert model.keep_ratio == 0.7
    with pytest.raises(ValueError, match="keep_ratio must be a number in"):
        model(CLIPS, keep_ratio=np.float32([ratio]))
    for given in (keras.ops.array([ratio], "float32"), keras.ops.array([0.5, ratio], "float32")):
        with pytest.raises(ValueError, match="keep_ratio must be a number in"):
            model(CLIPS, keep_ratio=given)
        with pytest.raises(ValueError, match="keep_ratio must be a number in"):
            model(keras.ops.convert_to_tensor(CLIPS), None, given)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"image_size": (16, 20)}, r"image width must be a positive multiple.*Received.*=20"),
        ({"num_frames": 5}, "num_frames must be a positive multiple.*num_frames=5"),
        ({"image_size": (16, 24, 3)}, r"int or a pair .*Received: \(16, 24, 3\)"),
        ({"num_heads": 5}, "num_heads must divide.*num_heads=5, width=12"),
        ({"std": 0.0}, "std must be positive. Received: std=0.0"),
    ],
)
@both
def test_sizes(build, options, message):
    with pytest.raises(ValueError, match=message):
        build.__wrapped__(**options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"keep_rule": "frame"}, r"keep_rule must be one of \('row', 'clip'\).*'frame'"),
        ({"gate": "hard"}, "gate must be one of .*'hard'"),
        ({"hidden_dim": 16}, "multiple of 3.*width=16"),
        ({"output_activation": "tanh"}, "output_activation must be one of"),
        ({"temperature": 0}, "temperature must be positive"),
        ({"bottleneck_bits": 0}, "num_bits must be at least 1"),
    ],
)
def test_anonymizers_that_there_are_not(options, message):
    with pytest.raises(ValueError, match=message):
        tiny_models.anonymizer(**options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"training": True, "keep_ratio": 0.5}, "in training keep_ratio must be a tensor"),
        ({"fill_dropped": False}, "fill_dropped=False is for training"),
        ({"training": True, "remove_dropped": True}, 'needs gate="gumbel_top_k".*softmax'),
    ],
)
def test_options_that_do_not_go_together(options, message):
    with pytest.raises(ValueError, match=message):
        anonymizer()(CLIPS, **options)


def test_recognizers_that_there_are_not():
    with pytest.raises(ValueError, match="num_classes must be at least 1. Received: num_classes=0"):
        Recognizer(0)
    with pytest.raises(ValueError, match=r"a dict with \['decision_mask'\]"):
        recognizer()({"decision_mask": np.ones((1, 12), "float32")})
    mask = np.ones((1, 7), "float32")
    with pytest.raises(ValueError, match=r"decision_mask.*12 tubelets.*Received: shape \(1, 7\)"):
        recognizer()({"clip": CLIPS, "decision_mask": mask})


SIZES = [
    ({"image_size": 16.0}, "an int or a pair of ints.*Received: 16.0"),
    ({"image_size": (16.0, 24.5)}, r"an int or a pair of ints.*Received: \(16.0, 24.5\)"),
    ({"image_size": (16, 24, 3)}, "an int or a pair of ints"),
    ({"tubelet_size": 8}, r"three integers \(frames, height, width\).*tubelet_size=8"),
    ({"tubelet_size": (8, 8)}, r"three integers.*tubelet_size=\(8, 8\)"),
    ({"tubelet_size": (2, 8.0, 8)}, "three integers"),
]


@pytest.mark.any_backend
@pytest.mark.parametrize("make", [tiny_models.anonymizer, tiny_models.recognizer])
@pytest.mark.parametrize(("options", "message"), SIZES)
def test_sizes_that_are_none(make, options, message):
    with pytest.raises(ValueError, match=message):
        make(**options)
