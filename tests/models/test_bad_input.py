"""What does not fit is refused, with a message that says what was passed and what is needed."""

import functools

import keras
import numpy as np
import pytest
import tiny_models
from harness import run

from keras_stprivacy.models import Recognizer

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
