"""One update: who moves, who stays, and by which gradient."""

import keras
import numpy as np
import pytest
from harness import numpy
from keras import ops

from keras_stprivacy.baselines.turn import Turn


def dense(value):
    layer = keras.layers.Dense(
        1, use_bias=False, kernel_initializer=keras.initializers.Constant(value)
    )
    return keras.Sequential([keras.Input((2,)), layer])


def weights(network):
    return numpy(network.trainable_variables[0])


CLIPS = np.array([[1.0, 2.0], [3.0, -1.0]], "float32")
LABELS = {"action": np.zeros(2, "int32")}


def test_every_player_gets_the_gradient_of_its_own_loss():
    first, second, third = dense(0.5), dense(-0.25), dense(2.0)

    def losses(x, labels):
        a, b = ops.mean(first(x) * third(x)), ops.mean(ops.square(second(x)) * third(x))
        return [a - b, b], {"a": a, "b": b}

    networks = {"first": first, "second": second, "third": third}
    sgd = {name: keras.optimizers.SGD(0.1) for name in ("first", "second")}
    before = {name: weights(network) for name, network in networks.items()}
    turn = Turn(networks, [("first",), ("second",)], losses, sgd)
    logs = turn.update(CLIPS, LABELS)
    out = {name: CLIPS @ value for name, value in before.items()}
    assert logs["a"] == pytest.approx((out["first"] * out["third"]).mean(), abs=1e-5)
    of_first = (out["third"] * CLIPS).mean(axis=0)[:, None]
    of_second = (2 * out["second"] * out["third"] * CLIPS).mean(axis=0)[:, None]
    np.testing.assert_allclose(weights(first), before["first"] - 0.1 * of_first, atol=1e-5)
    np.testing.assert_allclose(weights(second), before["second"] - 0.1 * of_second, atol=1e-5)
    np.testing.assert_array_equal(weights(third), before["third"])


def test_players_of_a_group_share_a_loss_and_turns_share_an_optimizer():
    first, second = dense(0.5), dense(1.0)
    networks = {"first": first, "second": second}
    adam = {name: keras.optimizers.Adam(0.1) for name in networks}

    def losses(x, labels):
        return [ops.mean(first(x) + second(x))], {}

    both = Turn(networks, [("first", "second")], losses, adam)
    alone = Turn(networks, [("first",)], losses, adam)
    both.update(CLIPS, LABELS)
    moments = numpy(adam["second"].variables[2]).copy()
    kept = weights(second)
    alone.update(CLIPS, LABELS)
    assert int(numpy(adam["first"].iterations)) == 2
    assert int(numpy(adam["second"].iterations)) == 1
    np.testing.assert_array_equal(weights(second), kept)
    np.testing.assert_array_equal(numpy(adam["second"].variables[2]), moments)
    # Adam steps by its rate at first, twice here: both turns had the same moments.
    np.testing.assert_allclose(weights(first), 0.5 - 0.2 * np.sign([[2.0], [0.5]]), atol=1e-3)


def test_losses_that_are_scaled_move_each_player_as_they_are():
    """A scale of its own for each, also where two share a loss."""

    def moved(scales):
        first, second, third = dense(0.5), dense(1.0), dense(-0.25)

        def losses(x, labels):
            shared = ops.mean(ops.square(first(x) * second(x)))
            return [shared, ops.mean(ops.square(third(x)))], {"shared": shared}

        networks = {"first": first, "second": second, "third": third}
        parts = {name: keras.optimizers.SGD(0.01) for name in networks}
        for name, scale in scales.items():
            parts[name] = keras.optimizers.LossScaleOptimizer(parts[name], initial_scale=scale)
        turn = Turn(networks, [("first", "second"), ("third",)], losses, parts)
        logs = turn.update(CLIPS, LABELS)
        return logs, [weights(network) for network in networks.values()]

    logs, plain = moved({})
    same, scaled = moved({"first": 8.0, "second": 2.0, "third": 4.0})
    assert same["shared"] == pytest.approx(logs["shared"], rel=1e-5)
    for one, other in zip(plain, scaled, strict=True):
        np.testing.assert_allclose(other, one, atol=1e-5)


def test_statistics_of_a_network_that_stands_still_stay():
    norm = keras.Sequential([keras.Input((2,)), keras.layers.BatchNormalization()])
    mover = dense(1.0)

    def losses(x, labels):
        return [ops.mean(mover(norm(x, training=False)))], {}

    def training_losses(x, labels):
        return [ops.mean(ops.square(norm(x, training=True)))], {}

    networks = {"mover": mover, "norm": norm}
    sgd = {name: keras.optimizers.SGD(0.1) for name in networks}
    before = [numpy(v) for v in norm.variables]
    Turn(networks, [("mover",)], losses, sgd).update(CLIPS, LABELS)
    for value, variable in zip(before, norm.variables, strict=True):
        np.testing.assert_array_equal(numpy(variable), value)
    Turn(networks, [("norm",)], training_losses, sgd).update(CLIPS, LABELS)
    moving = [v for v in norm.variables if "moving_mean" in v.path]
    np.testing.assert_allclose(numpy(moving[0]), 0.01 * CLIPS.mean(axis=0), atol=1e-6)


def test_values_that_are_not_finite_stop_training():
    network = dense(1.0)

    def losses(x, labels):
        loss = ops.mean(network(x)) * float("nan")
        return [loss], {"of_action": loss}

    turn = Turn({"n": network}, [("n",)], losses, {"n": keras.optimizers.SGD(0.1)})
    with pytest.raises(FloatingPointError, match="not finite: of_action"):
        turn.update(CLIPS, LABELS)
