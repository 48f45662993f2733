"""Average precision of each attribute in the logs of the adversarial phase."""

import harness
import keras
import numpy as np
import pytest
import tiny_models

from keras_stprivacy.metrics import average_precision
from keras_stprivacy.training import STPrivacy
from keras_stprivacy.training.attribute_average_precision import AttributeAveragePrecision

NAMES = ["face", "hair"]
LOGGED = {f"privacy_ap_{name}" for name in NAMES}


def _compiled(**options):
    model = tiny_models.adversarial(**options)
    optimizers = ("anonymizer_optimizer", "recognizer_optimizer")
    model.compile(**{name: keras.optimizers.SGD(0.0) for name in optimizers}, **harness.EAGER)
    return model


def test_named_attributes_are_logged_and_right():
    model = _compiled(attribute_names=NAMES)
    clips, labels = tiny_models.clips(6), tiny_models.labels(6)
    logs = model.evaluate(clips, labels, batch_size=3, return_dict=True, verbose=0)
    said = model.predict(clips, batch_size=3, verbose=0)["privacy_logits"][0]
    exact = average_precision(labels["privacy"], 1.0 / (1.0 + np.exp(-said))).values
    for name, value in zip(NAMES, exact, strict=True):
        assert logs[f"privacy_ap_{name}"] == pytest.approx(value, abs=0.01)
    assert logs["privacy_average_precision"] == pytest.approx(np.mean(exact), abs=0.01)


def test_they_are_in_the_history_of_training_and_validation():
    model = _compiled(attribute_names=NAMES)
    data = (tiny_models.clips(3), tiny_models.labels(3))
    history = model.fit(*data, validation_data=data, verbose=0).history
    assert {f"{part}{name}" for part in ("", "val_") for name in LOGGED} < set(history)


def test_nothing_is_added_without_names():
    model = _compiled()
    logs = model.evaluate(tiny_models.clips(3), tiny_models.labels(3), return_dict=True, verbose=0)
    assert "privacy_average_precision" in logs
    assert not LOGGED & set(logs)


def test_names_return_from_the_config():
    model = tiny_models.adversarial(attribute_names=tuple(NAMES))
    assert STPrivacy.from_config(model.get_config()).attribute_names == NAMES


@pytest.mark.parametrize("names", [["face"], ["face", "face"], ["a", "b", "c"]])
def test_names_that_do_not_fit(names):
    with pytest.raises(ValueError, match="2 different names"):
        tiny_models.adversarial(attribute_names=names)


def test_of_several_recognizers_the_best_counts():
    rng = np.random.default_rng(0)
    labels = (rng.random((400, 2)) < 0.3).astype("float32")
    perfect, blind = 8 * labels - 4, rng.normal(size=(400, 2)).astype("float32")
    halves = np.stack([perfect[:, 0], blind[:, 1]], 1), np.stack([blind[:, 0], perfect[:, 1]], 1)
    for logits, mean, each in (
        ((perfect, blind), 1.0, (1.0, 1.0)),
        ((blind, perfect), 1.0, (1.0, 1.0)),
        (halves, 0.65, (1.0, 1.0)),  # the mean is of one recognizer
        ((blind, blind), 0.3, (0.3, 0.3)),
    ):
        metric = AttributeAveragePrecision(2, NAMES, num_recognizers=2)
        metric = AttributeAveragePrecision.from_config(metric.get_config())
        for batch in (slice(0, 300), slice(300, 400)):
            metric.update_state(labels[batch], [keras.ops.array(x[batch]) for x in logits])
        found = {name: float(harness.numpy(value)) for name, value in metric.result().items()}
        assert found["privacy_average_precision"] == pytest.approx(mean, abs=0.06)
        assert [found[f"privacy_ap_{name}"] for name in NAMES] == pytest.approx(each, abs=0.08)


def test_a_restarted_recognizer_does_not_hide_what_another_reads():
    model = _compiled(count=2, attribute_names=NAMES)
    clips, labels = tiny_models.clips(6), tiny_models.labels(6)
    both = model.predict(clips, batch_size=3, verbose=0)["privacy_logits"]
    exact = [average_precision(labels["privacy"], 1 / (1 + np.exp(-said))).values for said in both]
    logs = model.evaluate(clips, labels, batch_size=3, return_dict=True, verbose=0)
    best = max(np.mean(values) for values in exact)
    assert logs["privacy_average_precision"] == pytest.approx(best, abs=0.01)
    for i, name in enumerate(NAMES):
        assert logs[f"privacy_ap_{name}"] == pytest.approx(max(v[i] for v in exact), abs=0.01)
