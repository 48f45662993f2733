"""Both models: configuration, files, unknown batch size, precision, fit, gradients."""

import functools

import harness
import keras
import numpy as np
import pytest
import tiny_models
from harness import run
from keras import ops

from keras_stprivacy.models import PRESETS, Anonymizer, MaskRecognizer, Recognizer

ARGUMENTS = {
    Anonymizer: {
        "num_frames": 4,
        "image_size": (16, 24),
        "tubelet_size": (2, 8, 8),
        "hidden_dim": 12,
        "num_heads": 2,
        "mlp_ratio": 2.0,
        "layers_per_block": 1,
        "num_sparsification_blocks": 2,
        "keep_ratio": 0.6,
        "keep_rule": "clip",
        "gate": "gumbel_top_k",
        "temperature": 0.5,
        "noise_scale": 0.25,
        "keep_bias": 0.0,
        "attention_epsilon": 1e-5,
        "fill_value": 0.25,
        "mean": (0.4, 0.5, 0.6),
        "std": (0.2, 0.3, 0.4),
        "output_activation": "sigmoid",
        "bottleneck_bits": 4,
        "seed": 0,
        "weights_source": "timm",
    },
    MaskRecognizer: {
        "num_classes": 3,
        "num_frames": 4,
        "image_size": 16,
        "tubelet_size": (2, 8, 8),
        "hidden_dim": 12,
        "num_layers": 1,
    },
    Recognizer: {
        "num_classes": 3,
        "num_frames": 4,
        "image_size": 16,
        "tubelet_size": (2, 8, 8),
        "hidden_dim": 12,
        "num_heads": 2,
        "mlp_ratio": 2.0,
        "num_layers": 1,
        "num_kept": 5,
        "attention_epsilon": 1e-5,
        "mean": (0.4, 0.5, 0.6),
        "std": (0.2, 0.3, 0.4),
        "dropout": 0.25,
        "seed": 0,
        "weights_source": "timm",
    },
}
BUILDERS = {"anonymizer": tiny_models.anonymizer, "recognizer": tiny_models.recognizer}
both = pytest.mark.parametrize("build", BUILDERS.values(), ids=BUILDERS)


@pytest.mark.parametrize("cls", ARGUMENTS)
def test_every_argument_returns(cls):
    harness.check_every_argument_returns(cls, ARGUMENTS[cls])


@pytest.mark.parametrize("values", [[0.4, 0.5, 0.6], np.float32([0.4, 0.5, 0.6])], ids=type)
def test_pixel_ranges_may_be_lists_and_arrays(values, tmp_path):
    model = tiny_models.anonymizer(mean=values)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded.mean, [0.4, 0.5, 0.6], rtol=1e-6)


@both
@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_outputs_are_as_announced_for_an_unknown_batch_size(build, policy):
    harness.check_outputs_are_as_announced(build(dtype=policy), (tiny_models.clips(),))


@both
def test_save_and_load_within_another_model(build, tmp_path):
    harness.check_save_and_load(build(), (tiny_models.clips(),), tmp_path / "model.keras")


@both
def test_save_and_load(build, tmp_path):
    model, clip = build(), tiny_models.clips()
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert type(loaded) is type(model)
    got, expected = (keras.tree.flatten(run(m, clip)) for m in (loaded, model))
    for x, y in zip(got, expected, strict=True):
        np.testing.assert_array_equal(x, y)


@both
def test_fit(build):
    harness.check_fit(build(), (tiny_models.clips(),))


@both
def test_gradients(build):
    harness.check_gradients(build(), (tiny_models.clips(),), training=True)


@both
@pytest.mark.parametrize(("policy", "atol"), [("mixed_bfloat16", 0.2), ("mixed_float16", 0.02)])
def test_precision(build, policy, atol):
    if build is tiny_models.anonymizer:
        build = functools.partial(build, keep_ratio=1.0)  # a rounding may decide between two
    harness.check_precision(build, policy, (tiny_models.clips(),), atol)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_training_outputs_are_finite_and_exact_masks(policy):
    output = run(lambda x: tiny_models_anonymizer(policy)(x, training=True), tiny_models.clips())
    assert np.isfinite(output["clip"]).all()
    assert set(np.unique(output["decision_mask"])) <= {0.0, 1.0}


@functools.cache
def tiny_models_anonymizer(policy):
    return tiny_models.anonymizer(dtype=policy)


def test_recognizer_of_clip_and_mask_for_an_unknown_batch_size():
    model = tiny_models.recognizer()
    inputs = {
        "clip": keras.Input(tiny_models.clips().shape[1:], name="clip"),
        "decision_mask": keras.Input((12,), name="decision_mask"),
    }
    logits = keras.Model(inputs, model(inputs))
    mask = np.ones((3, 12), "float32")
    mask[:, ::2] = 0
    clip = tiny_models.clips()
    got, expected = run(
        lambda c, m: (
            logits({"clip": c, "decision_mask": m}),
            model({"clip": c, "decision_mask": ops.reshape(m, (3, 2, 6))}),
        ),
        clip,
        mask,
    )
    assert got.shape == (3, 3)
    np.testing.assert_allclose(got, expected, atol=1e-6)


def test_recognizer_of_masks(tmp_path):
    model = tiny_models.randomize(MaskRecognizer(3, **tiny_models.SIZE, hidden_dim=8))
    mask = (np.random.default_rng(0).random((4, 12)) > 0.4).astype("float32")
    logits = run(lambda m: model({"decision_mask": m}), mask)
    assert logits.shape == (4, 3) and len(np.unique(logits.round(4), axis=0)) == 4
    rows = run(lambda m: model({"decision_mask": ops.reshape(m, (4, 2, 6))}), mask)
    np.testing.assert_array_equal(rows, logits)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(run(lambda m: loaded({"decision_mask": m}), mask), logits)
    with pytest.raises(ValueError, match='takes a dict with "decision_mask". Received: '):
        model(mask)
    with pytest.raises(ValueError, match="each of the 12 tubelets"):
        model({"decision_mask": mask[:, :5]})


@pytest.mark.parametrize("name", PRESETS)
def test_presets_are_as_the_paper_says(name):
    if name != "motion_digits_8x32":
        frames, size = (int(n) for n in name.rsplit("_", 1)[1].split("x"))
        assert PRESETS[name]["common"]["num_frames"] == frames
        assert PRESETS[name]["common"]["image_size"] == size
        assert PRESETS[name]["common"]["tubelet_size"] == (2, 16, 16)
    small = {"hidden_dim": 12, "num_heads": 2, "keep_ratio": 0.5, "name": "mine"}
    model = Anonymizer.from_preset(name, **small)
    assert (model.hidden_dim, model.keep_ratio, model.name) == (12, 0.5, "mine")
    model = Recognizer.from_preset(name, num_classes=7, hidden_dim=12, num_heads=2, num_layers=1)
    assert (model.num_classes, model.num_layers) == (7, 1)


def test_the_small_preset_is_deit_small():
    common = PRESETS["vit_small_16x112"]["common"]
    assert (common["hidden_dim"], common["num_heads"], common["mlp_ratio"]) == (384, 6, 4.0)
    assert PRESETS["vit_small_16x112"]["recognizer"]["num_layers"] == 12
    of_anonymizer = PRESETS["vit_small_16x112"]["anonymizer"]
    assert (of_anonymizer["num_sparsification_blocks"] + 1) * of_anonymizer[
        "layers_per_block"
    ] == 12


@pytest.mark.parametrize("cls", [Anonymizer, Recognizer])
def test_a_preset_that_there_is_not(cls):
    options = {"num_classes": 2} if cls is Recognizer else {}
    with pytest.raises(ValueError, match="no preset is named 'vit_huge'. There are: vit_tiny"):
        cls.from_preset("vit_huge", **options)
