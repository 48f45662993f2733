"""Schedules: their values, and that they reach the step, also where JAX holds the state apart."""

import functools

import harness
import keras
import numpy as np
import pytest
import tiny_models
from harness import numpy

from keras_stprivacy.training import (
    Initialization,
    KeepRatioSchedule,
    RestartPrivacyRecognizers,
    WarmupCosine,
)

CLIPS, LABELS = tiny_models.clips(3), tiny_models.labels(3)


def test_keep_ratio_values():
    anonymizer = tiny_models.anonymizer(keep_ratio=0.6)
    schedule = KeepRatioSchedule(anonymizer, start=0.25, end=0.75)
    got = [schedule.ratio_at(progress) for progress in (0.0, 0.25, 0.5, 0.75, 0.99)]
    assert got == pytest.approx([1.0, 1.0, 0.8, 0.6, 0.6])


def test_warmup_cosine_values():
    schedule = WarmupCosine(warmup=0.2, floor=0.1)
    got = [schedule.factor_at(progress) for progress in (0.0, 0.1, 0.2, 0.6, 1.0)]
    assert got == pytest.approx([0.0, 0.5, 1.0, 0.55, 0.1])
    assert WarmupCosine(warmup=0.0).factor_at(0.0) == 1.0


def _initialization(schedule, keep_ratio=0.5):
    anonymizer = tiny_models.anonymizer(keep_ratio=keep_ratio)
    tiny_models.use_noise(anonymizer, 3)
    model = Initialization(anonymizer, tiny_models.NUM_ACTIONS, schedule=schedule)
    model.compile(optimizer=keras.optimizers.SGD(0.0), **harness.EAGER)
    return model


def test_the_keep_ratio_reaches_the_loss():
    model = _initialization(None)
    output = harness.run(lambda x: model.anonymizer(x, training=True), CLIPS)
    kept = [stage["decision_mask"].reshape(3, 2, 6).mean(-1) for stage in output["sparsification"]]
    schedule = KeepRatioSchedule(model.anonymizer, start=0.25, end=0.75)
    logged = model.fit(CLIPS, LABELS, batch_size=3, epochs=4, callbacks=[schedule], verbose=0)
    for epoch, ratio in enumerate((1.0, 1.0, 0.75, 0.5)):
        expected = np.mean([(kept[m] - ratio ** (m + 1)) ** 2 for m in range(2)])
        assert logged.history["sparsification_loss"][epoch] == pytest.approx(expected, abs=1e-5)
    assert float(numpy(model.anonymizer.training_keep_ratio)) == 0.5


def test_the_keep_ratio_moves_within_an_epoch_and_sets_the_count_of_top_k():
    anonymizer = tiny_models.anonymizer(keep_ratio=0.5, gate="gumbel_top_k")
    tiny_models.use_noise(anonymizer, 3)
    schedule = KeepRatioSchedule(anonymizer, start=0.0, end=1.0)
    model = Initialization(anonymizer, tiny_models.NUM_ACTIONS, schedule=[schedule])
    model.compile(optimizer=keras.optimizers.SGD(0.0), **harness.EAGER)
    many = np.concatenate([CLIPS, CLIPS])
    labels = {"action": np.tile(LABELS["action"], 2)}
    history = model.fit(many, labels, batch_size=3, epochs=2, verbose=0).history
    # Ratios 1, 0.875 in the first epoch, 0.75, 0.625 in the second: counts of 6 in a row.
    counts = np.floor(6 * np.array([[1.0, 0.875], [0.75, 0.625]])).mean(1) / 6
    np.testing.assert_allclose(history["retained_ratio_1"], counts, rtol=1e-6)


def test_the_learning_rate_reaches_the_step():
    """With no loss but decay, each step multiplies the kernels by 1 - rate · decay."""
    model = tiny_models.adversarial(action_weight=0, privacy_weight=0, sparsification_weight=0)
    make = functools.partial(keras.optimizers.SGD, 0.1, weight_decay=0.5)
    model.compile(anonymizer_optimizer=make(), recognizer_optimizer=make(), **harness.EAGER)
    kernel = model.anonymizer.head.projection.kernel
    before = numpy(kernel).copy()
    schedule = WarmupCosine(warmup=0.5, floor=0.0)
    four = np.concatenate([CLIPS] * 4)
    labels = {name: np.concatenate([values] * 4) for name, values in LABELS.items()}
    model.fit(four, labels, batch_size=3, epochs=1, callbacks=[schedule], verbose=0)
    factors = [1e-3, 0.5, 1.0, 0.5]  # at 0 (not quite 0), 1/4, 1/2, 3/4 of training
    expected = before * np.prod([1 - 0.1 * f * 0.5 for f in factors])
    np.testing.assert_allclose(numpy(kernel), expected, rtol=1e-5)
    rates = [float(numpy(part.learning_rate)) for part in model.optimizer.parts.values()]
    assert rates == pytest.approx([0.1] * 3)  # as compiled, when training is over


@harness.not_on_jax
def test_each_player_keeps_its_own_rate():
    model = tiny_models.adversarial()
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5)
    model.compile(
        anonymizer_optimizer=keras.optimizers.SGD(0.2),
        recognizer_optimizer=keras.optimizers.SGD(schedule),
        **harness.EAGER,
    )
    seen = []
    watch = keras.callbacks.LambdaCallback(
        on_train_batch_begin=lambda batch, logs: seen.append(
            [float(numpy(part.learning_rate)) for part in model.optimizer.parts.values()]
        )
    )
    callbacks = [WarmupCosine(warmup=0.0), watch]
    model.fit(CLIPS, LABELS, batch_size=3, epochs=2, callbacks=callbacks, verbose=0)
    np.testing.assert_allclose(seen[0], [0.2, 0.1, 0.1], rtol=1e-5)
    half = 0.01 + 0.99 * 0.5
    np.testing.assert_allclose(seen[1], [0.2 * half, 0.1 * 0.5**0.1, 0.1 * 0.5**0.1], rtol=1e-5)


def test_data_of_unknown_length_says_so_and_is_counted():
    seen = []
    schedule = WarmupCosine(warmup=0.5)
    schedule.set_params({"epochs": 2, "steps": None})
    model = _initialization(None)
    model.compile(optimizer=keras.optimizers.SGD(1.0), **harness.EAGER)
    schedule.set_model(model)
    schedule.on_train_begin()
    for epoch in range(2):
        if epoch:
            schedule.on_epoch_begin(epoch)
        else:
            with pytest.warns(UserWarning, match="Pass steps_per_epoch to fit"):
                schedule.on_epoch_begin(epoch)
        for batch in range(2):
            schedule.on_train_batch_begin(batch)
            seen.append(float(numpy(model.optimizer.learning_rate)))
            schedule.on_train_batch_end(batch)
    # The first epoch stands still; the second knows that there are two batches.
    assert seen == pytest.approx([1e-3, 1e-3, 1.0, 0.01 + 0.99 * 0.5])


def test_what_was_pretrained_stays_so_in_a_file(tmp_path):
    model = _initialization("auto")
    model.anonymizer.weights_source = "timm"
    model.save(tmp_path / "phase.keras")
    loaded = keras.saving.load_model(tmp_path / "phase.keras")
    assert [type(schedule) for schedule in loaded.default_schedules()] == [WarmupCosine]
    assert loaded.anonymizer.weights_source == "timm"


def test_schedules_of_training_from_scratch():
    model = _initialization("auto")
    kinds = [type(schedule) for schedule in model.default_schedules()]
    assert kinds == [WarmupCosine, KeepRatioSchedule]
    model.anonymizer.weights_source = "timm"  # pretrained: the gates may close at once
    assert [type(schedule) for schedule in model.default_schedules()] == [WarmupCosine]
    assert [type(s) for s in tiny_models.adversarial().default_schedules()] == [WarmupCosine]


@harness.not_on_jax
def test_a_ratio_left_over_from_a_broken_run_does_not_stay():
    model = _initialization(None)
    model.anonymizer.training_keep_ratio.assign(0.9)
    first = model.fit(CLIPS, LABELS, batch_size=3, verbose=0).history["sparsification_loss"]
    again = model.fit(CLIPS, LABELS, batch_size=3, verbose=0).history["sparsification_loss"]
    assert first == pytest.approx(again)
    assert float(numpy(model.anonymizer.training_keep_ratio)) == 0.5


# A fresh opponent -------------------------------------------------------------------------------


def test_which_recognizer_restarts_when():
    restart = RestartPrivacyRecognizers(every=2)
    assert [restart.restarted_at(epoch, of=2) for epoch in range(7)] == [
        None, 0, None, 1, None, 0, None,
    ]  # fmt: skip


def test_restarts_give_new_weights_and_no_moments():
    model = tiny_models.adversarial(count=2)
    rates = {"anonymizer_optimizer": 0.0, "recognizer_optimizer": 0.0}
    optimizers = {k: keras.optimizers.Adam(v) for k, v in rates.items()}
    model.compile(**optimizers, **harness.EAGER)
    before = [r.get_weights() for r in model.privacy_recognizers]
    restart = RestartPrivacyRecognizers(every=1, until=0.3)
    model.fit(CLIPS, LABELS, batch_size=3, epochs=4, callbacks=[restart], verbose=0)
    # After the first epoch of four the first one starts anew; then none does any more.
    same = [
        [(x == y).all() for x, y in zip(old, r.get_weights(), strict=True)]
        for old, r in zip(before, model.privacy_recognizers, strict=True)
    ]
    kernels = [v.path.endswith("kernel") for v in model.privacy_recognizers[0].weights]
    assert not any(s for s, kernel in zip(same[0], kernels, strict=True) if kernel)
    assert all(same[1])
    counts = [int(numpy(part.iterations)) for part in model.optimizer.parts.values()]
    assert counts == [4, 4, 3, 4]  # Adam's correction of young moments begins anew too
    rates = [float(numpy(part.learning_rate)) for part in model.optimizer.parts.values()]
    assert rates == [0.0] * 4


@harness.not_on_jax
def test_a_restart_forgets_the_moments_of_that_player_alone():
    model = tiny_models.adversarial(count=2)
    make = functools.partial(keras.optimizers.Adam, 0.01)
    model.compile(anonymizer_optimizer=make(), recognizer_optimizer=make(), **harness.EAGER)
    model.fit(CLIPS, LABELS, batch_size=3, verbose=0)
    model.optimizer.restart("privacy_recognizer_2")
    for player, part in model.optimizer.parts.items():
        moments = [numpy(v) for v in part.variables if v.path.endswith("momentum")]
        forgotten = all((m == 0).all() for m in moments)
        assert forgotten == (player == "privacy_recognizer_2")
        assert float(numpy(part.learning_rate)) == pytest.approx(0.01)
