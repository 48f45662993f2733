"""Every player is moved by the gradient of its own loss, and by nothing else."""

import functools

import harness
import keras
import numpy as np
import pytest
import tiny_models
from keras import ops

from keras_stprivacy.layers.tubelets import mask_to_pixels
from keras_stprivacy.losses import sparsification_loss
from keras_stprivacy.models import MaskRecognizer
from keras_stprivacy.training import ConditionalCode, Initialization, STPrivacy

CLIPS, LABELS = tiny_models.clips(), tiny_models.labels()
RATE = 0.1
PLAYERS = ("anonymizer", "action_recognizer", "privacy_recognizer")


def _compile(model, optimizer=None, **options):
    make = optimizer or (lambda: keras.optimizers.SGD(RATE))
    model.compile(
        anonymizer_optimizer=make(),
        recognizer_optimizer=make(),
        **(options or harness.EAGER),
    )
    return model


def _step(model, times=1):
    labels = tiny_models.labels(multi_label=model.multi_label)
    for _ in range(times):
        logs = model.train_on_batch(CLIPS, labels, return_dict=True)
    return {name: float(value) for name, value in logs.items()}


def _weights(model):
    return _copied(model.player_variables())


def _copied(players):
    return {
        player: [harness.numpy(v).copy() for v in variables]
        for player, variables in players.items()
    }


def _moments(model):
    return {
        player: [harness.numpy(v).copy() for v in part.variables]
        for player, part in model.optimizer.parts.items()
    }


def _own_losses(model):
    """Eq. 13, written down once more: the loss of each player, in training mode."""
    output = model.anonymizer(
        ops.array(CLIPS),
        training=True,
        fill_dropped=model.remove_dropped,
        remove_dropped=model.remove_dropped,
        draw=not model.deterministic,
    )
    shown = output["clip"]
    if model.eight_bit:
        eight_bit = ops.round(ops.clip(shown, 0, 1) * 255) / 255
        shown = shown + ops.stop_gradient(eight_bit - shown)
    inputs = {"clip": shown, "decision_mask": output["decision_mask"]}
    options = {"training": True}
    if model.remove_dropped:
        options["num_kept"] = model.anonymizer.num_kept(training=True)
    said = model.action_recognizer(inputs, **options)
    labels = ops.array(tiny_models.labels(multi_label=model.multi_label)["action"])
    if model.multi_label:
        action = ops.mean(ops.softplus(said) - labels * said)
    else:
        action = ops.mean(keras.losses.sparse_categorical_crossentropy(labels, said, True))
    logits = [recognizer(inputs, **options) for recognizer in model.privacy_recognizers]

    def against(target):
        target = ops.broadcast_to(ops.array(target, "float32"), (3, 2))
        return [ops.mean(keras.losses.binary_crossentropy(target, x, True)) for x in logits]

    privacy = against(LABELS["privacy"])
    masks = [stage["decision_mask"] for stage in output["sparsification"]]
    sparsification = sparsification_loss(masks, model.anonymizer.keep_ratio, 2)
    if model.privacy_objective == "negated":
        term = -sum(privacy) / len(privacy)
    elif model.privacy_objective == "entropy":  # of the surest recognizer of each clip
        shares = [ops.sigmoid(x) for x in logits]
        each = [ops.mean(p * ops.log(p) + (1 - p) * ops.log(1 - p), axis=-1) for p in shares]
        term = ops.mean(ops.max(ops.stack(each), axis=0))
    else:
        target = 0.5 if model.privacy_objective == "uniform" else LABELS["privacy"].mean(0)
        term = ops.max(ops.stack(against(target)))
    anonymizer = (
        model.sparsification_weight * sparsification
        + model.action_weight * action
        + model.privacy_weight * term
    )
    if model.code is not None:
        code = ConditionalCode.from_config(model.code.get_config())
        weights = (model.mask_information_weight, model.bits_information_weight)
        bits = output.get("bits")
        nats = code(output["decision_mask"], bits, labels, training=True)
        anonymizer += sum(w * ops.mean(each) for w, each in zip(weights, nats, strict=True))
    rebuilt = []
    if model.reconstructor is not None:
        pixels = mask_to_pixels(output["decision_mask"], tiny_models.GRID, (2, 8, 8))
        error = model.reconstructor(pixels * shown, training=True)["clip"] - ops.array(CLIPS)
        rebuilt.append(ops.mean(error**2))
        anonymizer -= model.reconstruction_weight * rebuilt[0]
    return dict(zip(model.players, (anonymizer, action, *privacy, *rebuilt), strict=True))


def _expected_gradients(model, players):
    return {
        player: harness.gradients(
            lambda player=player: _own_losses(model)[player], model.player_variables()[player]
        )
        for player in players
    }


CASES = {
    "simultaneous": {"update_rule": "simultaneous"},
    "alternating": {"update_rule": "alternating"},
    "weights": {"action_weight": 0.3, "privacy_weight": 0.8, "sparsification_weight": 2.0},
    "two opponents": {"count": 2},
    "eight bits": {"eight_bit": True},
    "base rate": {"count": 2, "privacy_objective": "base_rate"},
    "uniform": {"count": 2, "privacy_objective": "uniform"},
    "entropy": {"count": 2, "privacy_objective": "entropy"},
    "reconstruction": {"rebuilds": True, "reconstruction_weight": 3.0},
    "reconstruction, entropy": {"rebuilds": True, "privacy_objective": "entropy"},
    "reconstruction, alternating": {"rebuilds": True, "update_rule": "alternating"},
    "reconstruction, removed": {
        "rebuilds": True,
        "eight_bit": True,
        "remove_dropped": True,
        "anonymizer_options": {"gate": "gumbel_top_k", "num_sparsification_blocks": 1},
    },
    "several actions": {"multi_label": True},
    "several actions, alternating": {"multi_label": True, "update_rule": "alternating"},
    "deterministic": {
        "deterministic": True,
        "anonymizer_options": {"gate": "gumbel_top_k", "bottleneck_bits": 3},
    },
    "information": {
        "mask_information_weight": 0.3,
        "bits_information_weight": 0.2,
        "deterministic": True,
        "anonymizer_options": {"gate": "gumbel_top_k", "bottleneck_bits": 3},
    },
    "information, base rate": {
        "mask_information_weight": 0.3,
        "privacy_objective": "base_rate",
    },
    "removed": {
        "remove_dropped": True,
        "anonymizer_options": {"gate": "gumbel_top_k", "num_sparsification_blocks": 1},
    },
}


ON_JAX_TOO = (
    *("simultaneous", "alternating", "base rate", "reconstruction, entropy"),
    *(c for c in CASES if "several" in c),
)


@pytest.mark.parametrize(
    "case",
    [pytest.param(c, marks=() if c in ON_JAX_TOO else harness.not_on_jax) for c in CASES],
)
def test_each_player_has_the_gradient_of_its_own_loss(case):
    model = _compile(tiny_models.adversarial(**CASES[case]))
    before = _weights(model)
    alternating = model.update_rule == "alternating"
    first = ("anonymizer",) if alternating else model.players
    expected = _expected_gradients(model, first)
    _step(model)
    after = _weights(model)
    if alternating:  # the recognizers' turn comes after the anonymizer's
        for player in model.players[1:]:
            for variable, value in zip(
                model.player_variables()[player], before[player], strict=True
            ):
                variable.assign(value)
        expected |= _expected_gradients(model, model.players[1:])
    for player in model.players:
        assert any(np.abs(g).max() > 1e-3 for g in expected[player])
        scale = max(np.abs(g).max() for g in expected[player])
        for new, old, gradient in zip(after[player], before[player], expected[player], strict=True):
            rounding = np.spacing(np.abs(old).max()) / RATE  # of weights that are moved by little
            atol = max(2e-5 * scale, rounding)
            np.testing.assert_allclose((old - new) / RATE, gradient, rtol=1e-3, atol=atol)


def _anonymizer_step(**options):
    model = _compile(tiny_models.adversarial(**options))
    before = _weights(model)["anonymizer"]
    _step(model)
    after = _weights(model)["anonymizer"]
    return np.concatenate([(y - x).ravel() for x, y in zip(before, after, strict=True)])


def test_the_sign_of_the_privacy_gradient_turns_with_privacy_weight():
    others = {"action_weight": 0.0, "sparsification_weight": 0.0}
    steps = {w: _anonymizer_step(privacy_weight=w, **others) for w in (0.5, -0.5)}
    assert np.abs(steps[0.5]).max() > 1e-4
    np.testing.assert_allclose(steps[0.5], -steps[-0.5], atol=1e-6)


@pytest.mark.parametrize("turn", [("anonymizer",), PLAYERS[1:], ("privacy_recognizer",)])
def test_the_step_of_one_player_leaves_the_others_bit_for_bit(turn):
    model = tiny_models.adversarial(update_rule="alternating")
    _compile(model, lambda: keras.optimizers.AdamW(0.01, weight_decay=0.1))
    for part in model.optimizer.parts.values():  # every player has moments
        for variable in part.variables:
            if variable.path.endswith(("momentum", "velocity")):
                variable.assign(ops.full(variable.shape, 0.01))
    model.turns = lambda: [turn]
    weights, moments = _weights(model), _moments(model)
    _step(model)
    for before, after in ((weights, _weights(model)), (moments, _moments(model))):
        for player in PLAYERS:
            same = [(x == y).all() for x, y in zip(before[player], after[player], strict=True)]
            if player in turn:
                assert not all(same)
            else:
                assert all(same), player


@pytest.mark.parametrize(
    ("rule", "updates"),
    [
        ("simultaneous", 1),
        pytest.param("alternating", 1, marks=harness.not_on_jax),
        pytest.param("simultaneous", 2, marks=harness.not_on_jax),
        ("alternating", 3),
    ],
)
def test_each_optimizer_counts_once_a_batch(rule, updates):
    model = tiny_models.adversarial(update_rule=rule, recognizer_updates=updates)
    _compile(model)
    _step(model, times=2)
    counts = {p: int(harness.numpy(o.iterations)) for p, o in model.optimizer.parts.items()}
    assert counts == dict(zip(PLAYERS, (2, 2 * updates, 2 * updates), strict=True))
    assert int(harness.numpy(model.optimizer.iterations)) == 2


@harness.not_on_jax
def test_recognizers_read_the_tubelets_that_training_keeps_whatever_the_rule_of_inference():
    """Of 12 tubelets 1 remains by the clip (0.3² · 12), 2 by the row, at least one in each."""
    outputs = []
    for rule in ("row", "clip"):
        options = {"gate": "gumbel_top_k", "keep_ratio": 0.3, "keep_rule": rule}
        model = tiny_models.adversarial(
            remove_dropped=True, deterministic=True, anonymizer_options=options
        )
        outputs.append(harness.run(lambda x, model=model: model(x, training=True), CLIPS))
        assert model.anonymizer.num_kept(training=True) == 2
    assert model.anonymizer.num_kept() == 1
    for output in outputs:
        assert (output["decision_mask"].sum(-1) == 2).all()
    for name in ("clip", "action_logits"):
        np.testing.assert_array_equal(outputs[0][name], outputs[1][name])
    np.testing.assert_array_equal(*(output["privacy_logits"][0] for output in outputs))


@harness.not_on_jax
def test_an_opponent_that_sees_the_mask_alone_moves_every_gate():
    recognizer = tiny_models.randomize(
        MaskRecognizer(tiny_models.NUM_ATTRIBUTES, **tiny_models.SIZE, hidden_dim=8)
    )
    anonymizer, action, _ = tiny_models.players(gate="gumbel_top_k", num_sparsification_blocks=1)
    model = STPrivacy(
        anonymizer,
        action,
        [recognizer],
        action_weight=0.0,
        sparsification_weight=0.0,
        schedule=None,
        deterministic=True,
        remove_dropped=True,
    )
    _compile(model)
    before = _weights(model)
    _step(model)
    moved = {
        v.path: not np.array_equal(old, harness.numpy(v))
        for v, old in zip(model.anonymizer.trainable_variables, before["anonymizer"], strict=True)
    }
    # A bias shared by all tubelets changes no rank.
    predictor = [p for p in moved if "retaining_predictor" in p and not p.endswith("decide/bias")]
    assert predictor and all(moved[path] for path in predictor)
    # What the head writes, and the block before it, do not reach this opponent.
    assert not any(moved[p] for p in moved if "head" in p or "anonymization_block" in p)


def test_an_opponent_that_is_frozen_does_not_move():
    models = tiny_models.players()
    models[1].trainable = False
    model = _compile(STPrivacy(*models, schedule=None))
    before = models[1].get_weights()
    assert np.isfinite(list(_step(model).values())).all()
    for x, y in zip(before, models[1].get_weights(), strict=True):
        np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("frozen", [1, 2])
def test_an_opponent_that_is_frozen_does_not_move_in_a_turn_of_its_own(frozen):
    models = tiny_models.players()
    models[frozen].trainable = False
    tiny_models.use_noise(models[0], 3)
    model = _compile(STPrivacy(*models, schedule=None, update_rule="alternating"))
    before = _weights(model)
    weights = models[frozen].get_weights()
    assert np.isfinite(list(_step(model).values())).all()
    for x, y in zip(weights, models[frozen].get_weights(), strict=True):
        np.testing.assert_array_equal(x, y)
    for player, values in _weights(model).items():
        moved = [(x != y).any() for x, y in zip(before[player], values, strict=True)]
        assert any(moved) == (player != PLAYERS[frozen]), player


def test_graphs_are_let_go_after_the_last_backward_pass(backend, monkeypatch):
    if backend != "torch":
        pytest.skip("the other backends let go of their own")
    import torch

    kept, grad = [], torch.autograd.grad
    monkeypatch.setattr(
        torch.autograd, "grad", lambda *a, **k: kept.append(k["retain_graph"]) or grad(*a, **k)
    )
    models = tiny_models.players()
    model = _compile(STPrivacy(*models, schedule=None, update_rule="alternating"))
    _step(model)
    assert kept == [False, True, False]
    kept.clear()
    models[2].trainable = False
    model = _compile(STPrivacy(*models, schedule=None, update_rule="alternating"))
    _step(model)
    assert kept == [False, False]


@harness.not_on_jax
def test_weight_decay_leaves_norms_biases_and_positions():
    model = tiny_models.adversarial(action_weight=0, privacy_weight=0, sparsification_weight=0)
    _compile(model, lambda: keras.optimizers.AdamW(0.1, weight_decay=0.5))
    before = _weights(model)["anonymizer"]
    _step(model)
    decayed = 0
    for variable, old in zip(model.anonymizer.trainable_variables, before, strict=True):
        new = harness.numpy(variable)
        if variable.name == "kernel":
            np.testing.assert_allclose(new, old * 0.95, rtol=1e-5)
            decayed += 1
        else:
            assert variable.name in ("bias", "gamma", "beta", "position_embedding")
            np.testing.assert_array_equal(new, old)
    assert decayed > 10


def _decayed(model):
    """For each optimizer, the variables that it decays."""
    optimizers = getattr(model.optimizer, "parts", {"": model.optimizer}).values()
    return [
        [v.path for v in part._trainable_variables if part._use_weight_decay(v)]
        for part in optimizers
    ]


@harness.not_on_jax
@pytest.mark.parametrize("one", [True, False])
def test_what_a_user_excludes_from_decay_counts_after_loading_too(one, tmp_path):
    model = tiny_models.adversarial(
        count=2, action_weight=0, privacy_weight=0, sparsification_weight=0
    )
    first = keras.optimizers.AdamW(0.1, weight_decay=0.5)
    first.exclude_from_weight_decay(var_names=["kernel"])
    second = first if one else keras.optimizers.AdamW(0.1, weight_decay=0.5)
    second.exclude_from_weight_decay(var_names=["kernel"])
    model.compile(anonymizer_optimizer=first, recognizer_optimizer=second, **harness.EAGER)
    for player, part in model.optimizer.parts.items():
        for variable in model.player_variables()[player]:
            assert part._use_weight_decay(variable) == (variable.name != "kernel"), player
    phase = Initialization(tiny_models.anonymizer(), tiny_models.NUM_ACTIONS)
    optimizer = keras.optimizers.AdamW(0.1, weight_decay=0.5)
    optimizer.exclude_from_weight_decay(var_list=[phase.classifier.kernel])
    phase.compile(optimizer)
    excluded = [v for v in phase.trainable_variables if not optimizer._use_weight_decay(v)]
    assert [v.path for v in excluded] == [phase.classifier.kernel.path]
    for trained in (model, phase):
        trained.save(tmp_path / "trained.keras")
        loaded = keras.saving.load_model(tmp_path / "trained.keras")
        pairs = zip(_decayed(trained), _decayed(loaded), strict=True)
        assert all(before == after for before, after in pairs)


def test_what_is_logged_is_of_the_training_step():
    model = _compile(tiny_models.adversarial(privacy_weight=0.25))
    losses = {k: float(v) for k, v in zip(PLAYERS, _values(model), strict=True)}
    output = harness.run(lambda x: model.anonymizer(x, training=True), CLIPS)
    logs = _step(model)
    assert logs["action_loss"] == pytest.approx(losses["action_recognizer"], rel=1e-4)
    assert logs["privacy_loss"] == pytest.approx(losses["privacy_recognizer"], rel=1e-4)
    assert logs["loss"] == pytest.approx(losses["anonymizer"], rel=1e-4)
    for m, stage in enumerate(output["sparsification"], start=1):
        kept = stage["decision_mask"].mean()
        assert logs[f"retained_ratio_{m}"] == pytest.approx(kept)
        assert kept != model.anonymizer.kept_per_row()[m - 1] / tiny_models.PER_ROW
    assert sorted(logs) == [
        "action_accuracy",
        "action_loss",
        "loss",
        "privacy_average_precision",
        "privacy_loss",
        "retained_ratio_1",
        "retained_ratio_2",
        "sparsification_loss",
    ]


def _values(model):
    return harness.run(lambda: list(_own_losses(model).values()))


def test_privacy_average_precision_is_scikit_learns():
    from sklearn.metrics import average_precision_score

    model = _compile(tiny_models.adversarial())
    labels = {**LABELS, "privacy": LABELS["privacy"].copy()}
    labels["privacy"][:, 1] = 0  # nobody has it: left out of the mean
    logits = harness.run(lambda x: model(x)["privacy_logits"][0], CLIPS)
    expected = average_precision_score(labels["privacy"][:, 0], logits[:, 0])
    logs = model.test_on_batch(CLIPS, labels, return_dict=True)
    assert float(logs["privacy_average_precision"]) == pytest.approx(expected, abs=1e-3)


def test_several_actions_are_judged_by_average_precision():
    from sklearn.metrics import average_precision_score

    model = _compile(tiny_models.adversarial(multi_label=True))
    labels = tiny_models.labels(multi_label=True)
    logits = harness.run(lambda x: model(x)["action_logits"], CLIPS)
    expected = average_precision_score(labels["action"], logits, average="macro")
    logs = model.test_on_batch(CLIPS, labels, return_dict=True)
    assert float(logs["action_average_precision"]) == pytest.approx(expected, abs=1e-3)
    assert "action_accuracy" not in logs


def test_base_rates_are_the_mean_of_all_batches():
    model = _compile(tiny_models.adversarial(privacy_objective="base_rate"))
    _step(model)
    np.testing.assert_allclose(model.base_rates, LABELS["privacy"].mean(0), atol=1e-6)
    other = {**LABELS, "privacy": 1 - LABELS["privacy"]}
    model.train_on_batch(CLIPS, other)
    np.testing.assert_allclose(model.base_rates, [0.5, 0.5], atol=1e-6)
    model.test_on_batch(CLIPS, LABELS)
    assert float(harness.numpy(model.batches_seen)) == 2


@pytest.mark.parametrize("phase", ["initialization", "adversarial"])
@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_steps_are_finite_and_move_everybody(policy, phase):
    """The policy of the networks counts; the phase itself has that of Keras, float32."""
    keras.utils.set_random_seed(0)
    slow = functools.partial(keras.optimizers.SGD, 0.01)  # ten times faster, some seeds diverge
    anonymizer = tiny_models.anonymizer(dtype=policy)
    if phase == "initialization":
        model = Initialization(anonymizer, tiny_models.NUM_ACTIONS, schedule=None)
        model.compile(slow(), **harness.EAGER)
        players, optimizers = {"anonymizer": model.trainable_variables}, [model.optimizer]
    else:
        recognizers = [tiny_models.recognizer(dtype=policy)]
        recognizers.append(tiny_models.recognizer(tiny_models.NUM_ATTRIBUTES, dtype=policy))
        model = _compile(STPrivacy(anonymizer, *recognizers, schedule=None), slow)
        players, optimizers = model.player_variables(), model.optimizer.parts.values()
    before = _copied(players)
    logs = _step(model, times=8)  # the first are lost while the scale of the loss falls
    assert np.isfinite(list(logs.values())).all()
    for player, values in _copied(players).items():
        assert all(np.isfinite(v).all() for v in values)
        assert any((x != y).any() for x, y in zip(values, before[player], strict=True)), player
    for optimizer in optimizers:
        scaled = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
        assert scaled == (policy == "mixed_float16")


@harness.not_on_jax
def test_gradients_of_float16_that_overflow_are_left_out():
    def scaled():
        return keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(RATE), float("inf"))

    model = _compile(tiny_models.adversarial(), scaled)
    before = _weights(model)
    _step(model)
    for player, values in _weights(model).items():
        for x, y in zip(before[player], values, strict=True):
            np.testing.assert_array_equal(x, y)


def test_scaled_losses_give_the_same_step():
    plain = _compile(tiny_models.adversarial())
    scaled = tiny_models.adversarial()
    _compile(scaled, lambda: keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(RATE), 8.0))
    for model in (plain, scaled):
        _step(model)
    expected = _weights(plain)
    for player, values in _weights(scaled).items():
        for x, y in zip(values, expected[player], strict=True):
            np.testing.assert_allclose(x, y, atol=2e-5)


def test_gradient_clipping_is_each_players_own():
    norm = 1e-3
    model = tiny_models.adversarial()
    _compile(model, lambda: keras.optimizers.SGD(RATE, global_clipnorm=norm))
    before = _weights(model)
    _step(model)
    for player, values in _weights(model).items():
        moved = np.sqrt(
            sum(((x - y) ** 2).sum() for x, y in zip(values, before[player], strict=True))
        )
        assert moved == pytest.approx(RATE * norm, rel=1e-2), player


@pytest.mark.parametrize("jit", [True, False])
def test_jit_compile(jit, backend):
    if backend != "jax" and jit:
        pytest.skip("on TensorFlow `fit` is compiled in test_fit.py; PyTorch takes many minutes to")
    model = _compile(tiny_models.adversarial(), jit_compile=jit)
    assert np.isfinite(list(_step(model).values())).all()


@harness.not_on_jax
def test_all_dropped_in_training_stays_finite():
    model = tiny_models.adversarial()
    for block in model.anonymizer.sparsification_blocks:
        block.retaining_predictor.decide.bias.assign([-1e4, 0.0])
    _compile(model)
    logs = _step(model)
    assert logs["retained_ratio_1"] == 0
    assert np.isfinite(list(logs.values())).all()
    assert all(np.isfinite(v).all() for values in _weights(model).values() for v in values)


@harness.not_on_jax
def test_moving_averages_of_weights_end_in_the_weights():
    model = tiny_models.adversarial()
    _compile(model, lambda: keras.optimizers.SGD(RATE, use_ema=True, ema_momentum=0.99))
    model.fit(CLIPS, LABELS, batch_size=3, verbose=0)
    part = model.optimizer.parts["privacy_recognizer"]
    averages = part._model_variables_moving_average
    variables = model.player_variables()["privacy_recognizer"]
    for variable, average in zip(variables, averages, strict=True):
        np.testing.assert_array_equal(harness.numpy(variable), harness.numpy(average))
