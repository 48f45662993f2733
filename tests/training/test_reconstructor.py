"""An opponent that learns to give the raw clip back."""

import harness
import keras
import numpy as np
import pytest
import tiny_models
from keras import ops

from keras_stprivacy.training import (
    InformationSchedule,
    Initialization,
    PlayerOptimizer,
    PrivacySchedule,
)
from keras_stprivacy.training.players import RECONSTRUCTOR

COMPILED = {"jit_compile": harness.COMPILED}


def _model(anonymizer_rate=0.01, how=harness.EAGER, **options):
    model = tiny_models.adversarial(rebuilds=True, **options)
    model.compile(
        anonymizer_optimizer=keras.optimizers.Adam(anonymizer_rate),
        recognizer_optimizer=keras.optimizers.Adam(0.01),
        **how,
    )
    return model


def _values(model):
    return {
        player: [harness.numpy(v).copy() for v in variables]
        for player, variables in model.player_variables().items()
    }


def test_it_learns_to_rebuild_and_is_kept(tmp_path):
    """Against an anonymizer that stands still, its error falls; a file keeps all."""
    model = _model(anonymizer_rate=0.0, how=COMPILED)
    clips, labels = tiny_models.clips(3), tiny_models.labels(3)
    options = {"batch_size": 3, "epochs": 25, "validation_data": (clips, labels), "verbose": 0}
    losses = model.fit(clips, labels, **options).history
    assert losses["reconstruction_loss"][-1] < 0.8 * losses["reconstruction_loss"][0]
    assert np.isfinite(losses["val_reconstruction_loss"]).all()
    assert model.predict(clips, verbose=0)["reconstruction_error"].shape == (3,)

    model.save(tmp_path / "phase.keras")
    again = keras.saving.load_model(tmp_path / "phase.keras")
    assert again.players == (*model.players[:3], RECONSTRUCTOR)
    assert isinstance(again.optimizer, PlayerOptimizer)
    for player, values in _values(model).items():
        for old, new in zip(values, _values(again)[player], strict=True):
            np.testing.assert_array_equal(old, new)


@harness.not_on_jax
def test_it_sees_what_leaves_and_no_dropped_tubelet():
    """In training the head writes into dropped tubelets, too; the reconstructor sees their fill."""
    seen = {}
    model = tiny_models.adversarial(rebuilds=True, anonymizer_options={"fill_value": 0.25})
    rebuild = model.reconstructor.call

    def call(clip, *args, **kwargs):
        seen["clip"] = harness.numpy(ops.stop_gradient(clip))
        return rebuild(clip, *args, **kwargs)

    model.reconstructor.call = call
    output = harness.run(lambda x: model(x, training=True), tiny_models.clips(3))
    given, kept = (tiny_models.tubelets(seen["clip"]), output["decision_mask"] > 0.5)
    assert 0 < kept.mean() < 1
    np.testing.assert_array_equal(given[~kept], 0.25)
    np.testing.assert_allclose(given[kept], tiny_models.tubelets(output["clip"])[kept], atol=1e-6)


@harness.not_on_jax
def test_its_weight_moves_the_anonymizer_and_no_opponent():
    moved = []
    for weight in (0.0, 5.0):
        model = _model(reconstruction_weight=weight)
        model.train_on_batch(tiny_models.clips(3), tiny_models.labels(3))
        moved.append(_values(model))
    for player, values in moved[0].items():
        same = [np.allclose(a, b, atol=1e-5) for a, b in zip(values, moved[1][player], strict=True)]
        assert all(same) == (player != "anonymizer"), player


def test_the_weights_of_opponents_rise():
    clips, labels = tiny_models.clips(3), tiny_models.labels(3)
    scales = []
    watch = keras.callbacks.LambdaCallback(
        on_train_batch_begin=lambda batch, logs: scales.append(
            float(harness.numpy(model.privacy_scale))
        )
    )
    model = _model(reconstruction_weight=5.0)
    rising = PrivacySchedule(end=0.5)
    model.fit(
        clips, labels, batch_size=3, shuffle=False, epochs=4, callbacks=[rising, watch], verbose=0
    )
    np.testing.assert_allclose(scales, [0.0, 0.5, 1.0, 1.0])
    assert float(harness.numpy(model.privacy_scale)) == 1.0


@pytest.mark.any_backend
@pytest.mark.parametrize("schedule", [PrivacySchedule, InformationSchedule])
def test_a_phase_without_such_weights_says_so(schedule):
    phase = Initialization(tiny_models.anonymizer(), tiny_models.NUM_ACTIONS, schedule=None)
    phase.compile(optimizer="sgd", **harness.EAGER)
    with pytest.raises(ValueError, match="is for .*STPrivacy.*Received: Initialization"):
        phase.fit(tiny_models.clips(3), tiny_models.labels(3), callbacks=[schedule()], verbose=0)


@harness.not_on_jax
def test_before_they_rise_a_step_is_that_without_opponents():
    clips, labels = tiny_models.clips(3), tiny_models.labels(3)
    steps = []
    full = {"privacy_weight": 2.0, "reconstruction_weight": 5.0}
    for weights, callbacks, how in (
        (dict.fromkeys(full, 0.0), [], harness.EAGER),
        (full, [PrivacySchedule()], COMPILED),
        (full, [], harness.EAGER),
    ):
        model = _model(**weights, how=how)
        model.fit(clips, labels, batch_size=3, shuffle=False, callbacks=callbacks, verbose=0)
        steps.append(np.concatenate([v.ravel() for v in _values(model)["anonymizer"]]))
    np.testing.assert_allclose(steps[1], steps[0], atol=1e-5)
    assert np.abs(steps[2] - steps[0]).max() > 1e-3


@harness.not_on_jax
def test_of_a_clip_in_half_precision_the_error_is_finite():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = _model()
        logs = model.train_on_batch(tiny_models.clips(3), tiny_models.labels(3), return_dict=True)
    finally:
        keras.config.set_dtype_policy("float32")
    assert all(np.isfinite(float(value)) for value in logs.values())
    assert 0 < float(logs["reconstruction_loss"]) <= 1
