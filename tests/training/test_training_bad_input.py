"""What cannot be trained on is refused: arrays before the first step, datasets within an epoch."""

import functools
import types

import harness
import keras
import numpy as np
import pytest
import tiny_models

from keras_stprivacy.training import Initialization, STPrivacy
from keras_stprivacy.training.optimizer import PlayerOptimizer

CLIPS, LABELS = tiny_models.clips(), tiny_models.labels()


def _compiled_adversarial():
    model = tiny_models.adversarial()
    model.compile(anonymizer_optimizer="sgd", recognizer_optimizer="sgd", **harness.EAGER)
    return model


def _compiled_initialization():
    anonymizer = tiny_models.anonymizer()
    tiny_models.use_noise(anonymizer, 3)
    model = Initialization(anonymizer, tiny_models.NUM_ACTIONS, schedule=None)
    model.compile(optimizer=keras.optimizers.SGD(0.01), **harness.EAGER)
    return model


PHASES = {
    "initialization": functools.cache(_compiled_initialization),
    "adversarial": functools.cache(_compiled_adversarial),
}
both = pytest.mark.parametrize("phase", PHASES)


def _spoiled(array, value, dtype=None):
    array = array.astype(dtype or array.dtype)
    array[(1,) * array.ndim] = value
    return array


ARRAYS = {
    "nan": ((_spoiled(CLIPS, np.nan), LABELS), r"fit takes finite pixels.*nan at index"),
    "8-bit": ((CLIPS * 255, LABELS), r"fit takes pixels in \[0, 1\].*Divide 8-bit"),
    "size": ((CLIPS[:, :2], LABELS), r"fit was built for clips.*Received: \(2, 16, 24, 3\)"),
    "rank": ((CLIPS[0], LABELS), "fit takes clips of rank 5"),
    "empty": ((CLIPS[:0], LABELS), "there are no clips. Received in fit: ndarray of 0"),
    "class": (
        (CLIPS, {**LABELS, "action": np.array([0, 3, 1])}),
        r"action labels must be in 0\.\.2.*3 classes. Received: labels from 0 to 3",
    ),
    "negative class": (
        (CLIPS, {**LABELS, "action": np.array([0, -1, 1])}),
        "Received: labels from -1 to 1",
    ),
    "count": (
        (CLIPS, {**LABELS, "action": np.array([0, 1])}),
        r"class number for each of the 3 clips.*Received: \(2,\)",
    ),
    "no class number": (
        (CLIPS, {**LABELS, "action": np.array([0.0, 1.5, 1.0])}),
        r"whole class numbers in 0\.\.2. Received: float64 labels \[0\. +1\.5 1\. \]",
    ),
    "no number": (
        (CLIPS, {**LABELS, "action": np.array([0.0, np.nan, np.inf])}),
        r"whole class numbers in 0\.\.2. Received: float64 labels \[ 0\. nan inf\]",
    ),
    "name": (
        (CLIPS, {**LABELS, "action": np.array(["run", "walk", "run"])}),
        r"whole class numbers in 0\.\.2. Received: <U4 labels \['run' 'walk' 'run'\]",
    ),
    "one-hot": (
        (CLIPS, {**LABELS, "action": np.eye(3)}),
        r"shape \(3,\). Received: \(3, 3\). Where clips show several.*pass multi_label=True",
    ),
    "key": ((CLIPS, {"privacy": LABELS["privacy"]}), r"labels lack the keys \['action'\]"),
}
OF_ATTRIBUTES = {
    "attribute": (
        (CLIPS, {**LABELS, "privacy": LABELS["privacy"] * 2}),
        "privacy labels must be 0 or 1. Received: values from 0.0 to 2.0",
    ),
    "attributes": (
        (CLIPS, {**LABELS, "privacy": np.zeros((3, 5))}),
        r"privacy labels must have the shape \(3, 2\).*Received: \(3, 5\)",
    ),
    "no attributes": ((CLIPS, {"action": LABELS["action"]}), r"lack the keys \['privacy'\]"),
}


@both
@pytest.mark.parametrize("case", [*ARRAYS, *OF_ATTRIBUTES])
def test_arrays(phase, case):
    data, message = {**ARRAYS, **OF_ATTRIBUTES}[case]
    model = PHASES[phase]()
    if case in OF_ATTRIBUTES and phase == "initialization":
        pytest.skip("attributes play no part in the initialization")
    with pytest.raises(ValueError, match=message):
        model.fit(*data, batch_size=3, verbose=0)


@both
def test_arrays_of_another_type(phase):
    model = PHASES[phase]()
    with pytest.raises(TypeError, match="fit takes float pixels.*uint8"):
        model.fit((CLIPS * 255).astype("uint8"), LABELS, verbose=0)
    with pytest.raises(TypeError, match="labels must be a dict with the keys.*Received: ndarray"):
        model.fit(CLIPS, LABELS["action"], verbose=0)
    with pytest.raises(TypeError, match="labels must be a dict.*Received: NoneType"):
        model.fit(CLIPS, verbose=0)


@both
def test_arrays_to_validate_and_evaluate(phase):
    model = PHASES[phase]()
    bad = (_spoiled(CLIPS, np.nan), LABELS)
    with pytest.raises(ValueError, match="validation_data takes finite pixels"):
        model.fit(CLIPS, LABELS, validation_data=bad, verbose=0)
    with pytest.raises(ValueError, match="evaluate takes finite pixels"):
        model.evaluate(*bad, verbose=0)


class Batches(keras.utils.PyDataset):
    """A dataset that nobody looks into beforehand."""

    def __init__(self, *batches):
        super().__init__()
        self.batches = batches

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, index):
        return self.batches[index]


DATASETS = {
    "nan": (_spoiled(CLIPS, np.nan), LABELS),
    "class": (CLIPS, {**LABELS, "action": np.array([0, 3, 1], "int32")}),
    "negative class": (CLIPS, {**LABELS, "action": np.array([0, -1, 1], "int32")}),
    "attribute": (CLIPS, {**LABELS, "privacy": LABELS["privacy"] * 2}),
}


@pytest.mark.parametrize("case", DATASETS)
@both
def test_datasets_end_the_epoch_with_an_error(phase, case):
    if case == "attribute" and phase == "initialization":
        pytest.skip("attributes play no part in the initialization")
    # NaN pixels spoil the weights, so each gets a model of its own; JAX compiles but once.
    model = PHASES[phase]()
    weights = model.get_weights()
    reset = [harness.numpy(v) for v in model.optimizer.variables]
    message = r"epoch 1 with values that are not finite: .*loss.*NaN pixels.*label outside"
    try:
        with pytest.raises(ValueError, match=message):
            model.fit(Batches(DATASETS[case]), epochs=2, verbose=0)
    finally:
        model.set_weights(weights)
        for variable, value in zip(model.optimizer.variables, reset, strict=True):
            variable.assign(value)


@both
def test_validation_datasets_too(phase):
    bad = Batches(DATASETS["class"])
    with pytest.raises(ValueError, match="not finite: .*val_action_loss"):
        PHASES[phase]().fit(Batches((CLIPS, LABELS)), validation_data=bad, verbose=0)


@pytest.mark.parametrize(
    ("batch", "error", "message"),
    [
        (((CLIPS * 255).astype("uint8"), LABELS), TypeError, "float pixels.*uint8"),
        ((CLIPS[:, :2], LABELS), ValueError, r"Received: \(2, 16, 24, 3\)"),
        ((CLIPS, LABELS["action"]), TypeError, "labels must be a dict"),
        (
            (CLIPS, {**LABELS, "action": np.eye(3, dtype="float32")}),
            ValueError,
            r"several actions, pass multi_label=True. Received: \(3, 3\)",
        ),
        ((CLIPS, LABELS, np.ones(3, "float32")), ValueError, "sample weights are not used here"),
    ],
)
@both
def test_datasets_of_the_wrong_kind(phase, batch, error, message):
    model = PHASES[phase].__wrapped__()  # JAX loses the weights of a model that cannot be traced
    with pytest.raises(error, match=message):
        model.fit(Batches(batch), verbose=0)


@pytest.mark.filterwarnings("ignore:Your input ran out of data")
@pytest.mark.parametrize("kind", ["PyDataset", "tf.data", "tf.data of unknown length"])
@both
def test_datasets_without_a_batch(phase, kind):
    data = Batches()
    if kind != "PyDataset":
        tf = pytest.importorskip("tensorflow")
        data = tf.data.Dataset.from_tensor_slices((CLIPS, LABELS)).batch(3).take(0)
        if kind != "tf.data":
            data = data.filter(lambda *_: True)
    with pytest.raises(ValueError, match="there are no clips"):
        PHASES[phase]().fit(data, verbose=0)


# Models that do not fit each other --------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"image_size": 16}, r"clips \(4, 16, 24, 3\).*in the anonymizer, \(4, 16, 16, 3\)"),
        ({"tubelet_size": (2, 8, 4)}, r"tubelets \(2, 8, 8\) in the anonymizer.*\(2, 8, 4\)"),
        ({"num_kept": 3}, "build them with num_kept=None. Received: num_kept=3"),
    ],
)
@pytest.mark.parametrize("place", [1, 2])
def test_recognizers_of_other_clips(options, message, place):
    models = list(tiny_models.players())
    models[place] = tiny_models.recognizer(2, **options)
    with pytest.raises(ValueError, match=message):
        STPrivacy(*models)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"update_rule": "both"}, r"update_rule must be one of.*Received: update_rule='both'"),
        ({"privacy_objective": "minimax"}, "privacy_objective must be one of.*'entropy'"),
        ({"recognizer_updates": 0}, "recognizer_updates must be at least 1"),
        ({"remove_dropped": True}, 'needs an anonymizer with gate="gumbel_top_k"'),
    ],
)
def test_rules_that_there_are_not(options, message):
    with pytest.raises(ValueError, match=message):
        STPrivacy(*tiny_models.players(), **options)


def test_a_reconstructor_that_is_none():
    players = tiny_models.players()
    for wrong, message in (
        (tiny_models.recognizer(), r"must be an Anonymizer of clips \(4, 16, 24, 3\).*Recognizer"),
        (tiny_models.reconstructor(image_size=16), r"Received: Anonymizer of clips \(4, 16, 16, 3"),
        (tiny_models.anonymizer(), "num_sparsification_blocks=0.*num_sparsification_blocks=2"),
        (tiny_models.reconstructor(bottleneck_bits=3), "bottleneck_bits=3"),
    ):
        with pytest.raises(ValueError, match=message):
            STPrivacy(*players, reconstructor=wrong)


def test_privacy_recognizers_that_do_not_agree():
    anonymizer, action, privacy = tiny_models.players()
    with pytest.raises(ValueError, match=r"equally many attributes. Received: \[2, 3\]"):
        STPrivacy(anonymizer, action, [privacy, tiny_models.recognizer(3)])
    with pytest.raises(ValueError, match="at least one privacy recognizer"):
        STPrivacy(anonymizer, action, [])


def test_compile_needs_both_optimizers():
    model = tiny_models.adversarial()
    for options in ({}, {"anonymizer_optimizer": "sgd"}, {"recognizer_optimizer": "sgd"}):
        with pytest.raises(ValueError, match="needs anonymizer_optimizer and recognizer_optimizer"):
            model.compile(**options)
    parts = {player: keras.optimizers.SGD() for player in model.players}
    for name in ("anonymizer_optimizer", "recognizer_optimizer"):
        with pytest.raises(ValueError, match="in place of both a PlayerOptimizer.*PlayerOptimizer"):
            model.compile(optimizer=PlayerOptimizer(parts), **{name: "sgd"})
    del parts["action_recognizer"]
    with pytest.raises(ValueError, match="part for each of.*action_recognizer.*Received.*anonym"):
        model.compile(optimizer=PlayerOptimizer(parts))
    with pytest.raises(ValueError, match="must be a PlayerOptimizer.*Received: 'sgd'"):
        model.compile(optimizer="sgd")
    with pytest.raises(ValueError, match="call build_parts"):
        PlayerOptimizer({"anonymizer": keras.optimizers.SGD()}).build([])


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="strategies are TensorFlow's")
@both
def test_several_replicas(phase, monkeypatch):
    model = PHASES[phase]()
    strategy = types.SimpleNamespace(num_replicas_in_sync=2)
    monkeypatch.setattr(model, "_distribute_strategy", strategy)
    with pytest.raises(ValueError, match="on one device.*Received: a SimpleNamespace of 2 repl"):
        model.fit(CLIPS, LABELS, verbose=0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda s, a: s.KeepRatioSchedule(a, start=0.5, end=0.5),
            "start < end.*start=0.5, end=0.5",
        ),
        (lambda s, a: s.KeepRatioSchedule(a, end=1.5), "end <= 1"),
        (lambda s, a: s.WarmupCosine(warmup=1.0), r"warmup must be in \[0, 1\).*warmup=1.0"),
        (lambda s, a: s.RestartPrivacyRecognizers(every=0), "every must be at least 1"),
        (lambda s, a: s.RestartPrivacyRecognizers(until=0.0), r"until in \(0, 1\]"),
    ],
)
def test_schedules_that_there_are_not(make, message):
    import keras_stprivacy.training

    with pytest.raises(ValueError, match=message):
        make(keras_stprivacy.training, None)
