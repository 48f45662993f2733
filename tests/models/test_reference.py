"""The published modules' own numbers: outputs and gradients, training and inference."""

import json

import keras
import numpy as np
import pytest
from keras import ops

from keras_stprivacy.losses import sparsification_loss
from keras_stprivacy.models import Anonymizer, Recognizer, load_weights_from

OUTPUT_TOLERANCE = 1e-4  # absolute
GRADIENT_TOLERANCE = 1e-3  # relative to the largest entry of a gradient


@pytest.fixture(scope="module")
def reference(shared_dir):
    with np.load(shared_dir / "reference" / "stprivacy_reference_small.npz") as file:
        return {name: file[name] for name in file.files}


def _weights(reference, player):
    prefix = f"weights/{player}/"
    return {k[len(prefix) :]: v for k, v in reference.items() if k.startswith(prefix)}


@pytest.fixture(scope="module")
def config(reference):
    return json.loads(str(reference["config"]))


@pytest.fixture(scope="module")
def players(reference, config):
    common = {
        "num_frames": config["frames"],
        "image_size": config["image_size"],
        "tubelet_size": (config["tubelet_frames"], config["patch_size"], config["patch_size"]),
        "hidden_dim": config["embed_dim"],
        "num_heads": config["num_heads"],
    }
    anonymizer = Anonymizer(
        **common, layers_per_block=3, num_sparsification_blocks=3, keep_ratio=config["keep_ratio"]
    )
    action = Recognizer(config["num_actions"], num_layers=config["depth"], **common)
    privacy = Recognizer(config["num_attributes"], num_layers=config["depth"], **common)
    for player, model in (("anonymizer", anonymizer), ("action", action), ("privacy", privacy)):
        load_weights_from(model, _weights(reference, player), layout="released")
    return {"anonymizer": anonymizer, "action": action, "privacy": privacy}


def _pixels(reference):
    """Channels last, [-1, 1] to [0, 1]."""
    return (reference["input/clip"].transpose(0, 2, 3, 4, 1) + 1) / 2


def _channels_first(clip):
    return ops.convert_to_numpy(clip).transpose(0, 4, 1, 2, 3) * 2 - 1


def _numpy(x):
    return ops.convert_to_numpy(x)


def _use_noise(anonymizer, reference, monkeypatch):
    for m, block in enumerate(anonymizer.sparsification_blocks):
        noise = reference[f"train/gumbel_noise/{m}"]
        monkeypatch.setattr(
            block.gumbel_gate, "sample_noise", lambda shape, noise=noise: ops.array(noise)
        )


def _training_forward(players, reference, config):
    clip = ops.array(_pixels(reference))
    output = players["anonymizer"](clip, training=True, fill_dropped=False)
    inputs = {"clip": output["clip"], "decision_mask": output["decision_mask"]}
    action_logits = players["action"](inputs, training=True)
    privacy_logits = players["privacy"](inputs, training=True)
    sparsification = sparsification_loss(
        [stage["decision_mask"] for stage in output["sparsification"]],
        config["keep_ratio"],
        players["anonymizer"].num_rows,
    )
    action = ops.mean(
        keras.losses.sparse_categorical_crossentropy(
            ops.array(reference["input/action"]), action_logits, from_logits=True
        )
    )
    privacy = ops.mean(
        keras.losses.binary_crossentropy(
            ops.array(reference["input/privacy"]), privacy_logits, from_logits=True
        )
    )
    total = sparsification + config["action_weight"] * action - config["privacy_weight"] * privacy
    return output, action_logits, privacy_logits, (sparsification, action, privacy, total)


def test_training_outputs(players, reference, config, monkeypatch):
    _use_noise(players["anonymizer"], reference, monkeypatch)
    output, action_logits, privacy_logits, losses = _training_forward(players, reference, config)
    close = {"rtol": 0, "atol": OUTPUT_TOLERANCE}
    for m, stage in enumerate(output["sparsification"]):
        expected = reference[f"train/decision/{m}"].reshape(2, -1)
        np.testing.assert_array_equal(_numpy(stage["decision_mask"]), expected)
        before = 1 if m == 0 else reference[f"train/decision/{m - 1}"].reshape(2, -1)
        np.testing.assert_allclose(
            _numpy(stage["retaining_probability"]),
            np.exp(reference[f"train/log_probability/{m}"][..., 0]) * before,
            **close,
        )
    np.testing.assert_allclose(
        _channels_first(output["clip"]), reference["train/anonymized_clip_all_tokens"], **close
    )
    np.testing.assert_allclose(_numpy(action_logits), reference["train/action_logits"], **close)
    np.testing.assert_allclose(_numpy(privacy_logits), reference["train/privacy_logits"], **close)
    names = ("sparsification", "action", "privacy", "total")
    for name, value in zip(names, losses, strict=True):
        np.testing.assert_allclose(_numpy(value), reference[f"train/loss_{name}"], **close)


def _gradients(function, variables):
    """Gradients of a scalar function of no arguments, on whatever backend is under test."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            loss = function()
        return tape.gradient(loss, [v.value for v in variables])
    if keras.backend.backend() == "torch":
        import torch

        return torch.autograd.grad(function(), [v.value for v in variables], allow_unused=True)
    import jax

    def stateless(values):
        with keras.StatelessScope(state_mapping=list(zip(variables, values, strict=True))):
            return function()

    return jax.grad(stateless)([v.value for v in variables])


@pytest.mark.parametrize("player", ["anonymizer", "action", "privacy"])
def test_gradients(player, players, reference, config, monkeypatch):
    from keras_stprivacy.models.weight_layouts import released_entries

    _use_noise(players["anonymizer"], reference, monkeypatch)
    place = {"anonymizer": 3, "action": 1, "privacy": 2}[player]
    prefix = f"train/grad/{player}/"  # there are gradients for some of the blocks
    entries = [e for e in released_entries(players[player]) if prefix + e.name in reference]
    assert len(entries) == sum(name.startswith(prefix) for name in reference)

    def loss():
        return _training_forward(players, reference, config)[3][place]

    gradients = _gradients(loss, [entry.variable for entry in entries])
    for entry, gradient in zip(entries, gradients, strict=True):
        expected = entry.convert(reference[f"train/grad/{player}/{entry.name}"])
        scale = np.abs(expected).max()
        error = np.abs(_numpy(gradient) - expected).max()
        assert error <= GRADIENT_TOLERANCE * scale + 1e-8, (entry.name, error, scale)


def test_inference(players, reference, config):
    anonymizer = players["anonymizer"]
    output = anonymizer(_pixels(reference))
    mask = _numpy(output["decision_mask"])
    np.testing.assert_array_equal(mask, reference["eval/decision"])
    expected = reference["eval/anonymized_clip"]
    kept = np.abs(expected).max(axis=1, keepdims=True) > 0  # dropped tubelets are 0 there
    ours = _channels_first(output["clip"])
    np.testing.assert_allclose(ours * kept, expected, rtol=0, atol=OUTPUT_TOLERANCE)
    # Ours are black, -1 in the range of the reference.
    np.testing.assert_array_equal(np.broadcast_to(~kept, ours.shape), ours == -1)

    before = np.ones_like(mask) > 0
    for m, stage in enumerate(output["sparsification"]):
        probability = _numpy(stage["retaining_probability"])
        theirs = np.exp(reference[f"eval/log_probability/{m}"][..., 0])
        for b in range(len(mask)):
            np.testing.assert_allclose(
                np.sort(probability[b][before[b]]), np.sort(theirs[b]), rtol=0, atol=1e-4
            )
        before = _numpy(stage["decision_mask"]) > 0.5

    inputs = {"clip": output["clip"], "decision_mask": output["decision_mask"]}
    for player in ("action", "privacy"):
        gather = Recognizer.from_config(
            {**players[player].get_config(), "num_kept": int(mask[0].sum())}
        )
        gather.set_weights(players[player].get_weights())
        expected = reference[f"eval/{player}_logits"]
        np.testing.assert_allclose(_numpy(gather(inputs)), expected, rtol=0, atol=OUTPUT_TOLERANCE)
    np.testing.assert_allclose(
        _numpy(players["action"](inputs)),
        reference["eval/action_logits_masked"],
        rtol=0,
        atol=OUTPUT_TOLERANCE,
    )
