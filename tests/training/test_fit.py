"""`fit` as people use it: data of every kind, callbacks, checkpoints, and going on afterwards."""

import functools

import harness
import keras
import numpy as np
import pytest
import tiny_models
from harness import numpy

from keras_stprivacy.training import Initialization, STPrivacy, WarmupCosine

CLIPS, LABELS = tiny_models.clips(6), tiny_models.labels(6)
METRICS = {
    "initialization": {"loss", "action_accuracy", "action_loss", "sparsification_loss"},
    "adversarial": {
        "loss",
        "action_accuracy",
        "action_loss",
        "privacy_average_precision",
        "privacy_loss",
        "sparsification_loss",
    },
}
RETAINED = {"retained_ratio_1", "retained_ratio_2"}
both = pytest.mark.parametrize("phase", METRICS)


def make(
    phase,
    optimizer=keras.optimizers.AdamW,
    schedule=None,
    compile_options=None,
    multi_label=False,
    **options,
):
    if phase == "initialization":
        anonymizer = tiny_models.anonymizer(**options)
        tiny_models.use_noise(anonymizer, 3)
        model = Initialization(
            anonymizer, tiny_models.NUM_ACTIONS, schedule=schedule, multi_label=multi_label
        )
        for variable, value in zip(model.classifier.weights, _fixed(model), strict=True):
            variable.assign(value)
        optimizers = {"optimizer": optimizer(0.01, weight_decay=0.1)}
    else:
        model = tiny_models.adversarial(
            schedule=schedule, anonymizer_options=options, multi_label=multi_label
        )
        optimizers = {
            "anonymizer_optimizer": optimizer(0.01, weight_decay=0.1),
            "recognizer_optimizer": optimizer(0.02, weight_decay=0.1),
        }
    model.compile(**optimizers, **(compile_options or harness.EAGER))
    return model


def _fixed(model):
    rng = np.random.default_rng(9)
    return [rng.normal(scale=0.3, size=v.shape) for v in model.classifier.weights]


shared = functools.cache(make)


def _all_values(model):
    """Name and value of weights, metrics, moments, counters; not of generators of noise."""
    variables = [*model.variables, *model.optimizer.variables]
    return [(v.name, numpy(v).copy()) for v in variables if "seed_generator" not in v.path]


def _assert_close(ours, theirs, atol=1e-6):
    for (name, x), (_, y) in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(x, y, rtol=0, atol=atol, err_msg=name)


# Data -------------------------------------------------------------------------------------------


def _batches():
    for start in (0, 3):
        batch = slice(start, start + 3)
        yield CLIPS[batch], {name: values[batch] for name, values in LABELS.items()}


def _forever():
    while True:
        yield from _batches()


class _Batches(keras.utils.PyDataset):
    def __len__(self):
        return 2

    def __getitem__(self, index):
        return list(_batches())[index]


def _tf_data():
    tf = pytest.importorskip("tensorflow")
    return tf.data.Dataset.from_tensor_slices((CLIPS, LABELS)).batch(3)


def _data_loader():
    torch = pytest.importorskip("torch")
    labels = [{name: values[i] for name, values in LABELS.items()} for i in range(6)]
    return torch.utils.data.DataLoader(list(zip(CLIPS, labels, strict=True)), batch_size=3)


KINDS = {
    "arrays": lambda: {"x": CLIPS, "y": LABELS, "batch_size": 3},
    "generator": lambda: {"x": _forever(), "steps_per_epoch": 2},
    "PyDataset": lambda: {"x": _Batches()},
    "tf.data": lambda: {"x": _tf_data()},
    "DataLoader": lambda: {"x": _data_loader()},
}


@both
@pytest.mark.parametrize("kind", KINDS)
def test_data_of_every_kind(phase, kind):
    model = shared(phase)
    before = _all_values(model)
    validation = (CLIPS, LABELS) if kind in ("arrays", "generator") else KINDS[kind]()["x"]
    history = model.fit(
        **KINDS[kind](), epochs=2, validation_data=validation, validation_batch_size=3, verbose=0
    ).history
    names = METRICS[phase] | RETAINED
    assert set(history) == names | {f"val_{name}" for name in names}
    assert all(np.isfinite(values).all() and len(values) == 2 for values in history.values())
    kept = [history[f"val_retained_ratio_{m}"][0] for m in (1, 2)]
    np.testing.assert_allclose(kept, np.array(model.anonymizer.kept_per_row()) / 6)
    after = _all_values(model)
    moved = [(x != y).any() for (_, x), (_, y) in zip(before, after, strict=True)]
    assert sum(moved) > 2 * len(model.trainable_variables)  # the weights and their moments


@pytest.mark.parametrize(
    "phase", ["initialization", pytest.param("adversarial", marks=harness.not_on_jax)]
)
def test_several_actions_a_clip(phase, tmp_path):
    model = make(phase, multi_label=True)
    labels = tiny_models.labels(6, multi_label=True)
    names = {name.replace("accuracy", "average_precision") for name in METRICS[phase]} | RETAINED
    history = model.fit(CLIPS, labels, batch_size=3, epochs=10, shuffle=False, verbose=0).history
    assert set(history) == names
    after = model.evaluate(CLIPS, labels, batch_size=3, return_dict=True, verbose=0)
    assert history["action_loss"][-1] < 0.9 * history["action_loss"][0]
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    again = loaded.evaluate(CLIPS, labels, batch_size=3, return_dict=True, verbose=0)
    assert loaded.multi_label and again == pytest.approx(after, abs=1e-5)
    with pytest.raises(ValueError, match=r"action labels must have the shape \(6, 3\), clips x"):
        loaded.fit(CLIPS, LABELS, verbose=0)
    with pytest.raises(ValueError, match=r"with multi_label=True.*shape \(B, 3\).*\(3,\)"):
        loaded.fit(_Batches(), verbose=0)


def test_evaluate_and_predict_take_the_inference_path():
    model = shared("adversarial")
    logs = model.evaluate(CLIPS, LABELS, batch_size=3, return_dict=True, verbose=0)
    outputs = harness.run(model, CLIPS)
    accuracy = (outputs["action_logits"].argmax(-1) == LABELS["action"]).mean()
    assert logs["action_accuracy"] == pytest.approx(accuracy)
    predicted = model.predict(CLIPS, batch_size=3, verbose=0)
    np.testing.assert_allclose(predicted["clip"], outputs["clip"], atol=1e-5)
    np.testing.assert_array_equal(predicted["decision_mask"].sum(-1), model.anonymizer.num_kept())


@both
def test_losses_are_means_over_clips(phase):
    model = make(phase)
    clips, labels = CLIPS[:4], {name: values[:4] for name, values in LABELS.items()}
    logs = model.evaluate(clips, labels, batch_size=3, return_dict=True, verbose=0)
    parts = [
        model.evaluate(
            clips[part], {k: v[part] for k, v in labels.items()}, return_dict=True, verbose=0
        )
        for part in (slice(0, 3), slice(3, 4))
    ]
    for name in logs:
        if name.endswith("loss"):
            expected = (3 * parts[0][name] + parts[1][name]) / 4
            assert logs[name] == pytest.approx(expected, rel=1e-5), name
    assert abs(parts[0]["action_loss"] - parts[1]["action_loss"]) > 0.01


def test_a_new_ratio_reaches_what_was_compiled():
    model = make("adversarial", compile_options={"jit_compile": harness.COMPILED})
    for ratio in (0.7, 0.4):
        model.anonymizer.keep_ratio = ratio
        kept = model.anonymizer.kept_per_row()
        logs = model.evaluate(CLIPS, LABELS, batch_size=3, return_dict=True, verbose=0)
        assert logs["retained_ratio_2"] == pytest.approx(kept[-1] / 6)
        predicted = model.predict(CLIPS, batch_size=3, verbose=0)["decision_mask"]
        np.testing.assert_array_equal(predicted.sum(-1), model.anonymizer.num_kept())


@harness.not_on_jax
def test_a_new_ratio_reaches_training_that_removes_tokens():
    model = tiny_models.adversarial(
        remove_dropped=True, anonymizer_options={"gate": "gumbel_top_k", "keep_ratio": 0.7}
    )
    for block in model.anonymizer.sparsification_blocks:
        del block.gumbel_gate.sample_noise  # later gates draw for fewer tokens
    model.compile(anonymizer_optimizer="sgd", recognizer_optimizer="sgd", jit_compile=False)
    for ratio in (0.7, 0.4):
        model.anonymizer.keep_ratio = ratio
        logs = model.fit(CLIPS, LABELS, batch_size=3, verbose=0).history
        kept = np.array(model.anonymizer.kept_per_row()) / 6
        found = [logs[f"retained_ratio_{m}"][0] for m in (1, 2)]
        np.testing.assert_allclose(found, kept)
        assert logs["sparsification_loss"][0] == pytest.approx(
            np.mean((kept - [ratio, ratio**2]) ** 2), abs=1e-6
        )


def test_steps_per_execution(backend):
    if backend != "tensorflow":
        pytest.skip("PyTorch has none; on JAX it compiles long and is Keras' own")
    options = {"steps_per_execution": 2, "jit_compile": False}
    model = make("adversarial", compile_options=options)
    expected = make("adversarial")
    for each in (model, expected):
        each.fit(CLIPS, LABELS, batch_size=3, shuffle=False, verbose=0)
    _assert_close(_all_values(model), _all_values(expected), atol=1e-4)


@both
def test_jit_compile(phase, backend):
    if backend != "tensorflow":
        pytest.skip("on JAX all of these tests compile; PyTorch takes many minutes to")

    def sgd(rate, **_):  # Adam makes whole steps of gradients that are rounding errors
        return keras.optimizers.SGD(rate)

    model = make(phase, sgd, compile_options={"jit_compile": True})
    expected = make(phase, sgd)
    for each in (model, expected):
        each.fit(CLIPS, LABELS, batch_size=3, shuffle=False, verbose=0)
    _assert_close(_all_values(model), _all_values(expected), atol=1e-4)


# Callbacks --------------------------------------------------------------------------------------


def test_callbacks_of_keras(tmp_path):
    model = shared("adversarial")
    seen = []
    callbacks = [
        keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(dict(logs))),
        keras.callbacks.CSVLogger(tmp_path / "log.csv"),
        keras.callbacks.EarlyStopping("val_action_loss", 1e6, patience=0, mode="min"),
        keras.callbacks.TerminateOnNaN(),
    ]
    history = model.fit(
        CLIPS, LABELS, batch_size=3, epochs=5, validation_data=(CLIPS, LABELS), callbacks=callbacks,
        verbose=0,
    )  # fmt: skip
    assert len(history.epoch) == len(seen) == 2  # stopped by then
    assert (METRICS["adversarial"] | RETAINED) <= set(seen[0])
    assert "val_privacy_average_precision" in (tmp_path / "log.csv").read_text()


def test_callbacks_that_set_the_learning_rate_move_all_players():
    model = make("adversarial")
    halve = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
    model.fit(CLIPS, LABELS, batch_size=3, epochs=2, callbacks=[halve], verbose=0)
    rates = {p: float(numpy(o.learning_rate)) for p, o in model.optimizer.parts.items()}
    expected = {"anonymizer": 0.0025, "action_recognizer": 0.005, "privacy_recognizer": 0.005}
    assert rates == pytest.approx(expected)
    model.optimizer.parts["anonymizer"].learning_rate = 0.0
    with pytest.raises(ValueError, match="cannot be scaled from 0. Set them one by one"):
        model.optimizer.learning_rate = 0.1


# Files ------------------------------------------------------------------------------------------


@pytest.mark.any_backend
@pytest.mark.parametrize("scaled", [True, False])
def test_whether_the_loss_is_scaled_is_saved(scaled, tmp_path):
    model = Initialization(tiny_models.anonymizer(dtype="mixed_float16"), tiny_models.NUM_ACTIONS)
    model.compile("sgd", auto_scale_loss=scaled)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    for each in (model, loaded):
        assert isinstance(each.optimizer, keras.optimizers.LossScaleOptimizer) == scaled


@both
def test_a_compiled_model_is_saved_with_its_moments(phase, tmp_path):
    model = shared(phase)
    model.fit(CLIPS, LABELS, batch_size=3, verbose=0)
    path = tmp_path / "model.keras"
    model.save(path)
    loaded = keras.saving.load_model(path)
    assert type(loaded) is type(model) and loaded.compiled
    _assert_close(_all_values(loaded), _all_values(model), atol=0)
    moments = [v for v in loaded.optimizer.variables if v.path.endswith("momentum")]
    assert len(moments) >= len(loaded.trainable_variables) - 2
    # A key's bias has no gradient; of every variable some entry has.
    assert all(np.abs(numpy(v)).max() > 0 for v in moments)
    outputs = [harness.run(m, CLIPS)["action_logits"] for m in (loaded, model)]
    np.testing.assert_array_equal(*outputs)


def test_every_argument_is_saved():
    from keras_stprivacy.models import Anonymizer

    arguments = {
        "action_weight": 0.25,
        "privacy_weight": 0.75,
        "sparsification_weight": 2.0,
        "update_rule": "alternating",
        "privacy_objective": "base_rate",
        "recognizer_updates": 2,
        "eight_bit": True,
        "remove_dropped": True,
        "schedule": None,
    }
    models = tiny_models.players(count=2, gate="gumbel_top_k")
    config = STPrivacy(*models, **arguments, name="mine").get_config()
    again = STPrivacy.from_config(config)
    for name, value in arguments.items():
        assert config[name] == getattr(again, name) == value
    assert len(again.privacy_recognizers) == 2 and again.name == "mine"
    assert again.anonymizer.get_config() == models[0].get_config()
    model = Initialization(models[0], 4, sparsification_weight=0.5, schedule=None)
    again = Initialization.from_config(model.get_config())
    assert isinstance(again.anonymizer, Anonymizer)
    assert (again.num_actions, again.sparsification_weight, again.schedule) == (4, 0.5, None)


@both
def test_a_model_that_was_not_compiled_is_saved_too(phase, tmp_path):
    if phase == "initialization":
        model = Initialization(tiny_models.anonymizer(), 3)
    else:
        model = STPrivacy(*tiny_models.players())
    model.save(tmp_path / "model.keras")
    assert not keras.saving.load_model(tmp_path / "model.keras").compiled


class _Crash(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 2:
            raise KeyboardInterrupt


@both
def test_training_that_was_broken_off_ends_as_if_it_had_not(phase, tmp_path):
    data = {"x": CLIPS, "y": LABELS, "batch_size": 3, "epochs": 4, "shuffle": False, "verbose": 0}
    through = make(phase, schedule="auto", keep_ratio=0.5)
    through.fit(**data)
    expected = _all_values(through)

    backup = functools.partial(keras.callbacks.BackupAndRestore, tmp_path / "backup")
    checkpoint = keras.callbacks.ModelCheckpoint(tmp_path / "epoch_{epoch}.keras")
    broken = make(phase, schedule="auto", keep_ratio=0.5)
    with pytest.raises(KeyboardInterrupt):
        broken.fit(**data, callbacks=[checkpoint, backup(), _Crash()])

    again = make(phase, schedule="auto", keep_ratio=0.5)
    history = again.fit(**data, callbacks=[backup()])
    assert history.epoch == [2, 3]
    _assert_close(_all_values(again), expected)
    assert again.scheduled_rates is None
    assert float(numpy(again.anonymizer.training_keep_ratio)) == 0.5

    loaded = keras.saving.load_model(tmp_path / "epoch_2.keras")
    tiny_models.use_noise(loaded.anonymizer, 3)
    loaded.fit(**data, initial_epoch=2)
    _assert_close(_all_values(loaded), expected)


class _Interrupt(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        raise KeyboardInterrupt


DATA = {"x": CLIPS, "y": LABELS, "batch_size": 3, "shuffle": False, "verbose": 0}


def _broken_off(phase, **options):
    """Trained for one batch of a schedule, then interrupted."""
    model = make(phase, schedule="auto", keep_ratio=0.5, **options)
    with pytest.raises(KeyboardInterrupt):
        model.fit(**DATA, epochs=2, callbacks=[_Interrupt()])
    return model


def _rates(model):
    parts = getattr(model.optimizer, "parts", {"": model.optimizer}).values()
    return [float(numpy(part.learning_rate)) for part in parts]


COMPILED_RATES = {"initialization": [0.01], "adversarial": [0.01, 0.02, 0.02]}


@both
def test_a_training_without_schedule_after_one_that_was_broken_off(phase):
    model = _broken_off(phase)
    assert float(numpy(model.anonymizer.training_keep_ratio)) == 0.5
    assert max(_rates(model)) < 1e-4  # still warming up
    model.schedule = None
    model.fit(**DATA)
    assert _rates(model) == pytest.approx(COMPILED_RATES[phase])
    assert model.scheduled_rates is None and model.moved_rates is None


@harness.not_on_jax
@pytest.mark.parametrize("lowered", [None, 0.004])
@pytest.mark.parametrize("schedule", ["auto", None])
def test_a_rate_that_is_set_after_a_break_counts(schedule, lowered, tmp_path):
    model = _broken_off("adversarial")
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    tiny_models.use_noise(loaded.anonymizer, 3)
    expected = list(COMPILED_RATES["adversarial"])
    for each in (model, loaded):
        each.schedule = schedule
        if lowered is not None:
            each.optimizer.parts["action_recognizer"].learning_rate = lowered
            expected[1] = lowered
        each.fit(**DATA, epochs=2)
        assert _rates(each) == pytest.approx(expected)


@harness.not_on_jax
@pytest.mark.parametrize("schedule", [None, "cosine"])
def test_the_price_is_full_after_a_training_that_was_broken_off(schedule):
    model = tiny_models.adversarial(schedule="auto", mask_information_weight=0.2)
    model.compile(anonymizer_optimizer="sgd", recognizer_optimizer="sgd", **harness.EAGER)
    with pytest.raises(KeyboardInterrupt):
        model.fit(**DATA, epochs=2, callbacks=[_Interrupt()])
    assert float(numpy(model.information_scale)) == 0.0
    model.schedule = [WarmupCosine()] if schedule else None
    seen = []
    watch = keras.callbacks.LambdaCallback(
        on_train_batch_begin=lambda batch, logs: seen.append(float(numpy(model.information_scale)))
    )
    model.fit(**DATA, callbacks=[watch])
    assert seen == [1.0, 1.0]


@both
def test_a_callback_list_gets_the_schedules_too(phase):
    seen = []
    watch = keras.callbacks.LambdaCallback(
        on_train_batch_begin=lambda batch, logs: seen.append(_rates(model)[0])
    )
    histories = []
    for callbacks in ([watch], keras.callbacks.CallbackList([watch])):
        model = make(phase, schedule="auto")
        histories.append(model.fit(**DATA, callbacks=callbacks).history)
    assert histories[0] == histories[1]
    assert seen[:2] == seen[2:] and seen[0] < seen[1]


@pytest.mark.any_backend
@both
def test_a_schedule_of_callbacks_is_asked_for_after_loading(phase, tmp_path):
    data = {"x": CLIPS, "y": LABELS, "batch_size": 3, "epochs": 1, "verbose": 0}
    model = make(phase, schedule=[WarmupCosine()])
    model.fit(**data)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    with pytest.raises(ValueError, match="Set `schedule` of the model"):
        loaded.fit(**data)
    loaded.schedule = [WarmupCosine()]
    assert loaded.fit(**data).epoch == [0]
    loaded.schedule = []
    loaded.save(tmp_path / "none.keras")
    assert keras.saving.load_model(tmp_path / "none.keras").schedule is None
    loaded.schedule = "cosine"
    with pytest.raises(ValueError, match="schedule='cosine'"):
        loaded.fit(**data)


@harness.not_on_jax
def test_a_backup_of_finished_training_is_not_an_error(tmp_path):
    backup = keras.callbacks.BackupAndRestore(tmp_path, delete_checkpoint=False)
    data = {"x": CLIPS, "y": LABELS, "batch_size": 3, "epochs": 1, "verbose": 0}
    model = make("initialization")
    model.fit(**data, callbacks=[backup])
    assert model.fit(**data, callbacks=[backup]).epoch == []
    assert model.fit(**data).epoch == [0]  # Keras itself would begin after the backup's epoch


def test_the_trained_anonymizer_stands_alone(tmp_path):
    model = shared("adversarial")
    model.anonymizer.save(tmp_path / "anonymizer.keras")
    loaded = keras.saving.load_model(tmp_path / "anonymizer.keras")
    expected, got = (harness.run(m, CLIPS) for m in (model.anonymizer, loaded))
    np.testing.assert_array_equal(got["clip"], expected["clip"])


def test_initialization_learns_and_leaves_the_head():
    model = make(
        "initialization",
        optimizer=lambda *_, **__: keras.optimizers.Adam(0.01),
        compile_options={"jit_compile": harness.COMPILED},
    )
    head = [numpy(v).copy() for v in model.anonymizer.head.weights]
    data = {"x": CLIPS, "y": LABELS, "batch_size": 3, "shuffle": False}
    history = model.fit(**data, epochs=40, verbose=0).history
    assert history["action_loss"][-1] < 0.5 * history["action_loss"][0]
    for before, variable in zip(head, model.anonymizer.head.weights, strict=True):
        np.testing.assert_array_equal(before, numpy(variable))
