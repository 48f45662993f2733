"""Weights that may not be to be had: what VITA does without, and what is said."""

import logging

import keras
import numpy as np
import pytest
from harness import not_on_jax, numpy
from keras import layers

from keras_stprivacy.baselines import System, build
from keras_stprivacy.baselines.networks.transform_network import TransformNetwork
from keras_stprivacy.baselines.turn import Turn
from keras_stprivacy.baselines.vita import VITA
from keras_stprivacy.baselines.vita_pretraining import pretraining_turn
from keras_stprivacy.data import motion_digits

pytestmark = [
    pytest.mark.usefixtures("eager"),
    pytest.mark.filterwarnings("ignore:Even though the `tf.config:UserWarning"),
]

SHAPE = (4, 32, 32, 3)
FETCH = "URL fetch failure on https://example.org: None -- [Errno -2] Name or service not known"


def vita(**settings):
    """A VITA of a pretraining and nothing else."""
    short = {
        "action_network": "c3d",
        "action_width": 0.03125,
        "width": 0.0625,
        "num_blocks": 1,
        "privacy_networks": [["small_resnet", 0.125]],
        "pretraining_steps": 1,
        "action_pretraining_steps": 0,
        "privacy_pretraining_steps": 0,
        "steps": 0,
    }
    return VITA(**{"clip_shape": SHAPE, "batch_size": 2, **short, **settings})


def digits():
    return motion_digits("train", num_clips=4, num_frames=SHAPE[0], cache=False)


@pytest.fixture
def no_network(monkeypatch):
    def fails(**kwargs):
        raise Exception(FETCH)  # as Keras raises it

    for name in ("VGG19", "ResNet50"):
        monkeypatch.setattr(keras.applications, name, fails)


@pytest.fixture
def small_vgg19(monkeypatch):
    """A network with the layer that is asked for, and what it was asked with."""
    asked = []

    def make(**kwargs):
        asked.append(kwargs)
        inputs = keras.Input(kwargs["input_shape"])
        features = layers.Conv2D(4, 3, 8, activation="relu", name="block4_conv2")(inputs)
        return keras.Model(inputs, layers.Flatten()(features))

    monkeypatch.setattr(keras.applications, "VGG19", make)
    return asked


def test_the_default_takes_vgg19_where_it_is_to_be_had():
    assert VITA().pretraining == "auto"
    assert build("vita").pretraining == build("vita_reversal").pretraining == "auto"
    assert build("vita", preset="embedded").pretraining == "l1"  # too small for VGG19's features


def _said(caplog):
    """What this package logged."""
    return [one.getMessage() for one in caplog.records if one.name.startswith("keras_stprivacy")]


@not_on_jax  # of the backend, the loss alone, which test_system_losses has
def test_vgg19_is_taken_where_its_weights_are_to_be_had(small_vgg19, caplog, tmp_path):
    system = vita()
    assert system.pretrained_by is None and system.notes == []
    history = system.fit(digits())
    (asked,) = small_vgg19
    assert asked["weights"] == "imagenet" and asked["input_shape"] == SHAPE[1:]
    assert asked["include_top"] is False
    assert "pretraining/content_loss" in history
    assert "pretraining/reconstruction_loss" not in history
    system.save(tmp_path)
    again = System.load(tmp_path)
    assert system.pretrained_by == again.pretrained_by == "vgg19"
    assert system.notes == again.notes == [] and not _said(caplog)


@not_on_jax
def test_without_the_weights_of_vgg19_l1_is_taken_and_said(no_network, caplog, tmp_path):
    system = vita(pretraining="auto")
    with caplog.at_level(logging.WARNING, logger="keras_stprivacy"):
        history = system.fit(digits())
    (said,) = _said(caplog)
    assert FETCH in said and "pretrained by L1" in said and 'pretraining="vgg19"' in said
    assert "pretraining/reconstruction_loss" in history
    assert "pretraining/content_loss" not in history
    # Settings are kept as they were given; what came of them is told by what was measured.
    assert system.get_config()["pretraining"] == "auto"
    system.save(tmp_path)
    again = System.load(tmp_path)
    assert system.pretrained_by == again.pretrained_by == "l1"
    (note,) = again.notes
    assert note.startswith("the weights of VGG19 could not be had") and "L1" in note
    asked = vita(pretraining="l1")  # what was asked for needs no note
    asked.history = history
    assert asked.pretrained_by == "l1" and asked.notes == []


@not_on_jax
def test_vgg19_that_was_asked_for_is_vgg19_or_an_error(no_network, caplog):
    with pytest.raises(ValueError, match='pretraining="l1"') as raised:
        vita(pretraining="vgg19").fit(digits())
    assert FETCH in str(raised.value) and not _said(caplog)


@not_on_jax
def test_a_file_that_was_named_is_meant(tmp_path, caplog):
    missing = str(tmp_path / "vgg19.weights.h5")
    for pretraining in ("auto", "vgg19"):
        with pytest.raises(ValueError, match="could not be had.*vgg19.weights.h5"):
            vita(pretraining=pretraining, vgg_weights=missing).fit(digits())
    assert not _said(caplog)


@pytest.mark.any_backend
def test_without_a_pretraining_nothing_is_loaded(no_network, monkeypatch, caplog):
    monkeypatch.setattr(Turn, "update", lambda self, clips, labels: {})
    system = vita(pretraining="vgg19", pretraining_steps=0)
    system.fit(digits())
    assert system.pretrained_by is None and not _said(caplog)


@not_on_jax
@pytest.mark.parametrize("pretraining", ["auto", "vgg19"])
def test_vgg19_of_a_file(pretraining, vgg19_file, caplog):
    path, kernel = vgg19_file
    transform = TransformNetwork(SHAPE[1:3], 0.0625, num_blocks=1)
    turn = pretraining_turn(transform, pretraining, path, keras.optimizers.Adam(1e-3))
    assert turn.names == ("transform", "vgg19")
    convolution = turn.networks[1].get_layer("block4_conv2")
    np.testing.assert_array_equal(numpy(convolution.kernel), kernel)
    assert not turn.networks[1].trainable_variables and not _said(caplog)


@pytest.fixture(scope="module")
def vgg19_file(tmp_path_factory):
    """Weights in the layout of Keras, and one of its kernels."""
    network = keras.applications.VGG19(include_top=False, weights=None, input_shape=SHAPE[1:])
    path = tmp_path_factory.mktemp("weights") / "vgg19.weights.h5"
    network.save_weights(path)
    return str(path), numpy(network.get_layer("block4_conv2").kernel)


@pytest.mark.any_backend
@pytest.mark.parametrize(
    "name, networks",
    [
        ("vita", {"privacy_networks": [["resnet50", 1.0]]}),
        ("spact", {"privacy_network": "resnet50"}),
    ],
)
def test_weights_of_privacy_networks_are_had_or_an_error(name, networks, no_network):
    common = {"clip_shape": SHAPE, "batch_size": 2, "privacy_weights": "imagenet"}
    system = build(name, preset="embedded", **{**common, **networks})
    with pytest.raises(ValueError, match='privacy_weights="imagenet".*privacy_weights=None') as e:
        system.fit(digits())
    assert FETCH in str(e.value)
    # What does not fit says so itself.
    with pytest.raises(ValueError, match="there are no weights for small_resnet"):
        build(name, preset="embedded", **common).fit(digits())


@pytest.mark.any_backend
def test_weights_that_were_not_asked_for_are_not_blamed(monkeypatch):
    def fails(**kwargs):
        raise OSError("no space left")

    monkeypatch.setattr(keras.applications, "ResNet50", fails)
    with pytest.raises(OSError, match="^no space left$"):
        vita(privacy_networks=[["resnet50", 1.0]]).fit(digits())
