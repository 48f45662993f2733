"""What an update, a measurement and a restart leave as it was, and what they do not."""

import keras
import numpy as np
import pytest
from harness import not_on_jax, numpy
from tiny_systems import ENSEMBLE, SHAPE, TINY, TRAIN, tiny

from keras_stprivacy.baselines.action_network import action_network
from keras_stprivacy.baselines.networks.collective_network import CollectiveNetwork
from keras_stprivacy.baselines.networks.contrastive_branch import ContrastiveBranch
from keras_stprivacy.baselines.networks.transform_network import TransformNetwork
from keras_stprivacy.baselines.networks.unet import UNet
from keras_stprivacy.baselines.training_data import TrainingData
from keras_stprivacy.baselines.turn import Turn
from keras_stprivacy.baselines.vita import _Accuracy

pytestmark = [
    pytest.mark.usefixtures("eager"),
    pytest.mark.filterwarnings("ignore:Even though the `tf.config:UserWarning"),
]


def values(network):
    return {variable.path: numpy(variable).copy() for variable in network.variables}


def adam_of(turn, player):
    """Moments, number of steps and rate."""
    part = turn.optimizer.parts[player]
    rate, steps = float(numpy(part.learning_rate)), int(numpy(part.iterations))
    known = (part.iterations, part._learning_rate)
    moments = [numpy(v).copy() for v in part.variables if not any(v is one for one in known)]
    return moments, steps, rate


def test_a_restart_gives_fresh_weights_and_fresh_moments(monkeypatch, accuracies):
    """The network of the first step, a restart, a step of the fresh one, a step of the loop."""
    seen = []
    train = Turn.update

    def update(turn, clips, labels):
        if ENSEMBLE[0] not in turn.optimizer.parts:
            return {}  # the others only cost time
        networks = dict(zip(turn.names, turn.networks, strict=True))

        def state():
            return {name: (values(networks[name]), *adam_of(turn, name)) for name in ENSEMBLE}

        before = state()
        logs = train(turn, clips, labels)
        seen.append((before, state()))
        return logs

    monkeypatch.setattr(Turn, "update", update)
    short = {"pretraining_steps": 0, "action_pretraining_steps": 0, "privacy_pretraining_steps": 0}
    once = {"steps": 2, "restart_every": 1, "restart_steps": 1, "privacy_updates": 1}
    tiny("vita", **short, **once).fit(TRAIN)
    assert len(seen) == 3
    for name in ENSEMBLE:
        (first, trained), (fresh, warmed), (last, _) = (
            (before[name], after[name]) for before, after in seen
        )
        assert trained[2] == 1 and any(moment.any() for moment in trained[1])
        assert fresh[2] == 0 and not any(moment.any() for moment in fresh[1])
        assert first[3] == fresh[3] == last[3] == TINY["vita"]["privacy_learning_rate"]
        statistics = 0
        for path, value in fresh[0].items():
            if "kernel" in path:  # drawn anew: neither what was learned nor what was drawn before
                assert (value != trained[0][path]).any() and (value != first[0][path]).any()
                # Adam's first step is as long as its rate: it has forgotten how it went before.
                step = np.abs(warmed[0][path] - value).max()
                assert step == pytest.approx(TINY["vita"]["privacy_learning_rate"], rel=1e-2)
            else:  # as every new network has it; what was learned, statistics too, is gone
                np.testing.assert_array_equal(value, first[0][path], err_msg=path)
                statistics += "moving" in path and (trained[0][path] != value).any()
        assert statistics
        # The last step goes on with the fresh one: nothing starts anew when all is over.
        assert last[2] == warmed[2] == 1
        for path, value in warmed[0].items():
            np.testing.assert_array_equal(last[0][path], value)


def adams(players):
    return {player: keras.optimizers.Adam(1e-3) for player in players}


def vita_turn(players):
    def make(data):
        system = tiny("vita")
        networks = {
            "transform": TransformNetwork(SHAPE[1:3], 0.0625, num_blocks=1),
            "action": action_network("c3d", 3, SHAPE, 0.03125),
            **system._new_ensemble(data),
        }
        return system._turn(networks, players, adams(players)), networks

    return make


def spact_turn(method):
    def make(data):
        networks = {
            "anonymizer": UNet(SHAPE[1:3], 0.03125),
            "action": action_network("r3d18_dilated", 3, SHAPE, 0.0625),
            "privacy": ContrastiveBranch(SHAPE[1:3], "small_resnet", 0.125, None, 8, 4),
        }
        return getattr(tiny("spact"), method)(networks), networks

    return make


def collective_turn(data):
    networks = {
        "transform": CollectiveNetwork(SHAPE[1:3], 0.25),
        "action": action_network("r3d18", 3, SHAPE, 0.0625),
    }
    return tiny("collective")._turn(*networks.values()), networks


@not_on_jax  # the step of each backend is tested in test_turn; these compile for long
@pytest.mark.parametrize(
    "make, movers",
    [
        (vita_turn(("transform",)), {"transform"}),
        (vita_turn(("action",)), {"action"}),
        (vita_turn(("transform", "action")), {"transform", "action"}),
        (vita_turn(ENSEMBLE), set(ENSEMBLE)),
        (spact_turn("_against"), {"anonymizer"}),
        (spact_turn("_others"), {"action", "privacy"}),
        (collective_turn, {"transform"}),
    ],
)
def test_only_the_players_of_an_update_move(make, movers):
    """Of the others not even the statistics of their norms."""
    data = TrainingData(TRAIN, SHAPE, batch_size=6)
    turn, networks = make(data)
    before = {name: values(network) for name, network in networks.items()}
    clips, labels = next(data.epoch())
    turn.update(clips, {**labels, "pair": np.array([[0, 2], [3, 1]] * 3, "int32")})
    for name, network in networks.items():
        changed = [p for p, value in values(network).items() if (value != before[name][p]).any()]
        if name in movers:
            assert changed, name
        else:
            assert not changed, name


@not_on_jax
def test_what_vita_measures_is_the_accuracy_of_what_is_seen():
    transform = TransformNetwork(SHAPE[1:3], 0.0625, num_blocks=1)
    action = action_network("c3d", 3, SHAPE, 0.03125)
    before = [numpy(v).copy() for model in (transform, action) for v in model.variables]
    clips = (TRAIN[0] / 255.0).astype("float32")
    measured = _Accuracy(transform, action)
    of_each = [measured.of(clips, {"action": np.full(6, number, "int32")}) for number in range(3)]
    frames = numpy(transform(clips.reshape(-1, *SHAPE[1:]), training=False))
    logits = numpy(action(frames.reshape(clips.shape), training=False))
    likeliest = logits.argmax(axis=1)
    assert of_each == pytest.approx([(likeliest == number).mean() for number in range(3)])
    after = [numpy(v) for model in (transform, action) for v in model.variables]
    for old, new in zip(before, after, strict=True):
        np.testing.assert_array_equal(new, old)
