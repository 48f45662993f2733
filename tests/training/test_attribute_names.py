"""Average precision of each attribute in the logs of the adversarial phase."""

import harness
import keras
import numpy as np
import pytest
import tiny_models

from keras_stprivacy.metrics import average_precision
from keras_stprivacy.training import STPrivacy

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
