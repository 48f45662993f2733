"""A fresh attacker every few epochs: what it finds, what it logs, and that training goes on."""

import csv
import gc
import weakref

import harness
import keras
import numpy as np
import pytest
import tiny_models
from colored_clips import colored_clips

from keras_stprivacy.evaluation import PrivacyProbe
from keras_stprivacy.evaluation.attackers import make_attacker
from keras_stprivacy.evaluation.probe_clips import read_probe_clips

TRAIN, TEST = colored_clips(96, seed=1), colored_clips(48, seed=2)
QUICK = {
    "attackers": "linear_probe",
    "epochs": 10,
    "learning_rate": 0.02,
    "batch_size": 24,
    "jit_compile": False,
}
NAMES = ["green", "blue"]


class Phase(keras.Model):
    """A training with an anonymizer that does nothing to it."""

    def __init__(self, anonymizer, action_recognizer=None):
        super().__init__()
        self.anonymizer = anonymizer
        self.anonymizer.trainable = False
        self.action_recognizer = action_recognizer
        self.level = self.add_weight(shape=(), initializer="ones", name="level")
        self.built = True

    def call(self, clip, training=None):
        return self.level * keras.ops.mean(clip, axis=(1, 2, 3, 4))


def fit(model, callbacks, epochs=1, **compile_options):
    model.compile("sgd", "mse", **(compile_options or harness.EAGER))
    clips = TRAIN[0][:4]
    return model.fit(clips, clips[:, 0, 0, 0, 0], epochs=epochs, callbacks=callbacks, verbose=0)


@pytest.mark.parametrize(("mode", "low", "high"), [("keep", 0.9, 1.05), ("black", -0.2, 0.2)])
def test_what_leaves_is_read(make_anonymizer, mode, low, high):
    probe = PrivacyProbe(TRAIN, TEST, attribute_names=NAMES, **QUICK)
    logs = fit(Phase(make_anonymizer(mode)), [probe]).history
    assert all(value > 0.95 for value in probe.raw_ap.values())
    for name, prevalence in zip(NAMES, TEST[1]["privacy"].mean(axis=0), strict=True):
        assert probe.chance_ap[name] == pytest.approx(prevalence)
    assert low < logs["probe_leakage"][0] <= logs["probe_worst_leakage"][0] < high
    leaks = probe.history[0]["leakage"]
    ap = logs["probe_ap_green"][0]
    expected = (ap - probe.chance_ap["green"]) / (probe.raw_ap["green"] - probe.chance_ap["green"])
    assert leaks["green"] == pytest.approx(expected)
    assert logs["probe_leakage"][0] == pytest.approx(np.mean(list(leaks.values())))


def scripted(values, accuracy=None, **options):
    """A probe that says what it was told to, and measures nothing."""

    class Scripted(PrivacyProbe):
        def on_train_begin(self, logs=None):
            self._last = {}

        def _probe(self, epoch):
            index = len(self.history)
            said = {"probe_leakage": values[index], "probe_epoch": epoch}
            if accuracy:
                said["probe_action_accuracy"] = accuracy[index]
            self.history.append(said)
            return said

    return Scripted(TRAIN, TEST, **options)


def test_every_epoch_has_the_last_values(make_anonymizer, tmp_path):
    probe = scripted([0.9, 0.8, 0.7, 0.6], every=3)
    callbacks = [probe, keras.callbacks.CSVLogger(tmp_path / "log.csv")]
    history = fit(Phase(make_anonymizer()), callbacks, epochs=7).history
    assert history["probe_epoch"] == [1, 1, 3, 3, 3, 6, 7]
    assert history["probe_leakage"] == [0.9, 0.9, 0.8, 0.8, 0.8, 0.7, 0.6]
    with (tmp_path / "log.csv").open() as file:
        assert [row["probe_leakage"] for row in csv.DictReader(file)][2:4] == ["0.8", "0.8"]


def test_early_stopping_of_keras_sees_it(make_anonymizer):
    stop = keras.callbacks.EarlyStopping(monitor="probe_leakage", mode="min", patience=2)
    history = fit(Phase(make_anonymizer()), [scripted([0.5] * 9, every=1), stop], epochs=9).history
    assert len(history["probe_leakage"]) == 3


class Levels(keras.callbacks.Callback):
    """Sets a weight to the number of the epoch, so that one can tell which weights are there."""

    def on_epoch_end(self, epoch, logs=None):
        self.model.level.assign(epoch + 1.0)


def test_patience_counts_probes_and_the_best_weights_return(make_anonymizer):
    model = Phase(make_anonymizer())
    values = [0.9, 0.3, 0.5, 0.4, 0.1]
    probe = scripted(values, every=2, patience=2, restore_best_weights=True)
    history = fit(model, [Levels(), probe], epochs=20).history
    assert len(history["loss"]) == probe.stopped_epoch == 6  # probes after 1, 2, 4 and 6
    assert probe.best_epoch == 2
    assert harness.numpy(model.level) == 2.0


def test_what_schedules_move_does_not_return_with_the_best_weights(make_anonymizer):
    class Priced(Phase):
        def __init__(self, anonymizer):
            super().__init__(anonymizer)
            self.information_scale = self.add_weight(
                shape=(), trainable=False, name="information_scale"
            )

    class Rises(Levels):
        def on_epoch_end(self, epoch, logs=None):
            super().on_epoch_end(epoch)
            self.model.information_scale.assign((epoch + 1.0) / 4)

    model = Priced(make_anonymizer())
    probe = scripted([0.1, 0.5, 0.6, 0.7], every=1, restore_best_weights=True)
    fit(model, [Rises(), probe], epochs=4)
    assert harness.numpy(model.level) == 1.0
    assert harness.numpy(model.information_scale) == 1.0


def test_a_probe_that_reads_no_action_is_not_the_best(make_anonymizer):
    model = Phase(make_anonymizer())
    values, accuracy = [0.0, 0.1, 0.8, 0.2, 0.3, 0.4], [0.1, 0.2, 0.9, 0.3, 0.9, 0.9]
    probe = scripted(
        values, accuracy, every=1, patience=2, min_action_accuracy=0.5, restore_best_weights=True
    )
    fit(model, [Levels(), probe], epochs=6)
    assert probe.best_epoch == 5  # 3 is the first that counts, 5 leaks less
    assert probe.stopped_epoch is None
    assert harness.numpy(model.level) == 5.0


# With STPrivacy ---------------------------------------------------------------------------------


def shaped(count, seed):
    """Colored clips in the size of the tiny models, with three actions."""
    rng = np.random.default_rng(seed)
    labels = {"action": rng.integers(3, size=count), "privacy": rng.integers(2, size=(count, 2))}
    level = np.concatenate([labels["action"][:, None] / 2, labels["privacy"]], axis=1)
    clips = np.empty((count, 4, 16, 24, 3), "float32")
    clips[:] = 0.2 + 0.5 * level[:, None, None, None] + 0.05 * rng.random((count, 1, 1, 1, 3))
    labels["privacy"] = labels["privacy"].astype("float32")
    return clips, labels


CLIPS, LABELS = shaped(24, 3)


def train(callbacks=(), epochs=3, **options):
    """Trains players that draw at random, with clips in random order."""
    keras.utils.set_random_seed(5)
    from keras_stprivacy.training import STPrivacy

    model = STPrivacy(*tiny_models.players(noise_scale=1.0), schedule=None, **options)
    model.compile(keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.1), **harness.EAGER)
    options = {"batch_size": 8, "epochs": epochs, "callbacks": list(callbacks), "verbose": 0}
    return model, model.fit(CLIPS, LABELS, **options).history


def test_a_probe_changes_nothing_in_the_training():
    probe = PrivacyProbe((CLIPS, LABELS), (CLIPS, LABELS), every=2, **QUICK)
    probed, logs = train([probe])
    plain, expected = train()
    assert len(probe.history) == 3
    for ours, theirs in zip(probed.variables, plain.variables, strict=True):
        np.testing.assert_array_equal(harness.numpy(ours), harness.numpy(theirs), ours.path)
    for name, values in expected.items():
        np.testing.assert_array_equal(logs[name], values)
    assert any(np.ptp(values) > 0 for values in expected.values())


@pytest.mark.parametrize("clips", [24, 20])  # the last batch of each epoch whole, or not
def test_attackers_are_gone_and_a_compiled_training_goes_on(clips, monkeypatch):
    if keras.backend.backend() == "torch":
        options = harness.EAGER
    else:
        options = {"jit_compile": keras.backend.backend() == "jax"}
    made = []

    def seen(*given, **named):
        attacker = make_attacker(*given, **named)
        made.append(weakref.ref(attacker.model))
        return attacker

    monkeypatch.setattr("keras_stprivacy.evaluation.probe_attack.make_attacker", seen)

    def level_after(callbacks):
        keras.utils.set_random_seed(5)
        anonymizer = tiny_models.players(noise_scale=1.0)[0]
        anonymizer.trainable = False
        model = Phase(anonymizer)
        model.compile(keras.optimizers.Adam(0.1), "mse", **options)
        shown = CLIPS[:clips]
        told = {"batch_size": 8, "epochs": 3, "callbacks": callbacks, "verbose": 0}
        model.fit(shown, shown[:, 0, 0, 0, 0], **told)
        return harness.numpy(model.level)

    probed = level_after([PrivacyProbe((CLIPS, LABELS), (CLIPS, LABELS), every=1, **QUICK)])
    assert len(made) == 4  # raw clips, and after each epoch
    gc.collect()
    assert [attacker() for attacker in made] == [None] * 4
    np.testing.assert_array_equal(probed, level_after([]))


def test_it_reads_what_a_deployment_gives_out():
    """Action accuracy against the anonymizer's and recognizer's own inference, 8-bit between."""
    data = (CLIPS, LABELS)
    probe = PrivacyProbe(data, data, **{**QUICK, "attackers": ("linear_probe", "mask")})
    model, logs = train([probe], epochs=1, attribute_names=NAMES)
    assert {"probe_ap_green", "probe_ap_blue"} < set(logs)  # the names of the model
    output = model.anonymizer(CLIPS, training=False)
    clip = np.rint(np.clip(harness.numpy(output["clip"]), 0, 1) * 255) / np.float32(255)
    said = model.action_recognizer(
        {"clip": clip, "decision_mask": output["decision_mask"]}, training=False
    )
    right = (harness.numpy(said).argmax(-1) == LABELS["action"]).mean()
    assert logs["probe_action_accuracy"][-1] == pytest.approx(right)


def test_with_jit_compile(backend, make_anonymizer):
    if backend == "torch":
        pytest.skip("PyTorch takes minutes to compile")
    probe = PrivacyProbe(TRAIN, TEST, **{**QUICK, "jit_compile": True})
    history = fit(Phase(make_anonymizer()), [probe], epochs=2, jit_compile=True).history
    assert len(probe.history) == 2
    assert history["probe_leakage"] == pytest.approx([1.0, 1.0], abs=0.1)


# Clips ------------------------------------------------------------------------------------------


@pytest.mark.any_backend
def test_a_part_of_arrays_is_drawn_at_random():
    clips = np.arange(10, dtype="uint8")[:, None, None, None, None] * np.ones((2, 4, 4, 3), "uint8")
    labels = {"action": np.arange(10), "privacy": (np.arange(10) % 2)[:, None]}
    part = read_probe_clips((clips, labels), "train", (2, 4, 4, 3), most=5, seed=1)
    assert (part.pixels[:, 0, 0, 0, 0, 0] == part.action).all()
    assert (part.privacy[:, 0] == part.action % 2).all()
    assert part.action.tolist() != list(range(5))


@pytest.mark.any_backend
def test_of_a_dataset_no_more_is_read_than_needed():
    read = []

    def batches():
        while True:
            read.append(1)
            yield TRAIN[0][:8], {name: values[:8] for name, values in TRAIN[1].items()}

    part = read_probe_clips(batches(), "train", TRAIN[0].shape[1:], most=20)
    assert len(part) == 20
    assert len(read) == 3


@harness.not_on_jax
def test_views_are_averaged(make_anonymizer):
    clips, labels = TEST
    views = np.stack([clips, clips], axis=1)
    plain = PrivacyProbe(TRAIN, TEST, **QUICK)
    viewed = PrivacyProbe(TRAIN, (views, labels), **QUICK)
    one, two = (fit(Phase(make_anonymizer()), [probe]).history for probe in (plain, viewed))
    assert one["probe_leakage"] == pytest.approx(two["probe_leakage"])


# What is wrong is said --------------------------------------------------------------------------


@pytest.mark.any_backend
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"every": 0}, "every must be at least 1"),
        ({"patience": 0}, "patience must be at least 1"),
        ({"monitor": "loss"}, "monitor must be one of"),
        ({"attackers": "nobody"}, "attackers must be different names"),
        ({"attackers": ("frame", "reconstruction")}, "'reconstruction' does not"),
    ],
)
def test_wrong_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        PrivacyProbe(TRAIN, TEST, **options)


@harness.not_on_jax
def test_wrong_models_and_data(make_anonymizer):
    model = Phase(make_anonymizer())
    dense = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(1)])
    with pytest.raises(TypeError, match="needs a model with an anonymizer"):
        fit(dense, [PrivacyProbe(TRAIN, TEST, **QUICK)])
    with pytest.raises(ValueError, match="needs a model with an action_recognizer"):
        fit(model, [PrivacyProbe(TRAIN, TEST, min_action_accuracy=0.5, **QUICK)])
    other = (TEST[0], {**TEST[1], "privacy": TEST[1]["privacy"][:, :1]})
    with pytest.raises(ValueError, match="must have the 2 attributes of train"):
        fit(model, [PrivacyProbe(TRAIN, other, **QUICK)])
    with pytest.raises(ValueError, match="there is nothing to measure"):
        turned = (TEST[0], {**TEST[1], "privacy": 1 - TEST[1]["privacy"]})
        fit(model, [PrivacyProbe(TRAIN, turned, **QUICK)])
    with pytest.raises(FloatingPointError, match="the anonymizer returned NaN"):
        fit(Phase(make_anonymizer("nan")), [PrivacyProbe(TRAIN, TEST, **QUICK)])
