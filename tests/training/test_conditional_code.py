"""The information bound: against the same sums in NumPy, and against counting."""

import harness
import keras
import numpy as np
import pytest
import tiny_models
from keras import ops

from keras_stprivacy.training import ConditionalCode

ACTIONS, TUBELETS, BITS = 3, 5, 2
RNG = np.random.default_rng(0)
MASK = (RNG.random((6, TUBELETS)) < 0.6).astype("float32")
WORD = (RNG.random((6, TUBELETS, BITS)) < 0.5).astype("float32") * MASK[..., None]
ACTION = np.array([0, 1, 0, 0, 1, 0])


def _code(**options):
    return ConditionalCode(ACTIONS, TUBELETS, BITS, **options)


def _entropy(word, probability):
    return -(word * np.log(probability) + (1 - word) * np.log(1 - probability))


def test_nothing_known_costs_log_2_each():
    of_mask, of_bits = _code()(MASK, WORD, ACTION)
    np.testing.assert_allclose(harness.numpy(of_mask), [TUBELETS * np.log(2)] * 6, rtol=1e-6)
    np.testing.assert_allclose(harness.numpy(of_bits), MASK.sum(1) * BITS * np.log(2), rtol=1e-6)


def test_the_averages_move_by_the_clips_of_each_action():
    code = _code(memory=0.9)
    nats = code(MASK, WORD, ACTION, training=True)
    kept, ones = np.full((ACTIONS, TUBELETS), 0.5), np.full((ACTIONS, TUBELETS, BITS), 0.5)
    for action in range(2):
        own = action == ACTION
        left = 0.9 ** own.sum()
        kept[action] = left * kept[action] + (1 - left) * MASK[own].mean(0)
        for tubelet in range(TUBELETS):
            there = own & (MASK[:, tubelet] == 1)
            if there.any():
                left = 0.9 ** there.sum()
                new = WORD[there, tubelet].mean(0)
                ones[action, tubelet] = left * ones[action, tubelet] + (1 - left) * new
    np.testing.assert_allclose(harness.numpy(code.kept), kept, atol=1e-6)
    np.testing.assert_allclose(harness.numpy(code.ones), ones, atol=1e-6)
    of_mask = _entropy(MASK, kept[ACTION]).sum(1)
    of_bits = (_entropy(WORD, ones[ACTION]).sum(-1) * MASK).sum(1)
    np.testing.assert_allclose([harness.numpy(n) for n in nats], [of_mask, of_bits], 1e-5)


def test_a_word_made_of_the_action_alone_costs_what_the_margin_leaves():
    words = (np.random.default_rng(1).random((ACTIONS, TUBELETS)) < 0.5).astype("float32")
    actions = np.arange(60) % ACTIONS
    code = ConditionalCode(ACTIONS, TUBELETS, memory=0.5, margin=0.01)
    for _ in range(3):
        of_mask, of_bits = code(words[actions], None, actions, training=True)
    np.testing.assert_allclose(harness.numpy(of_mask), -TUBELETS * np.log(0.99), rtol=1e-4)
    assert (harness.numpy(of_bits) == np.zeros(60)).all()


def test_the_bound_is_above_the_information_in_the_words():
    # A word that repeats a private bit of even odds, at one place, says log 2 nats.
    rng = np.random.default_rng(2)
    actions, private = rng.integers(0, ACTIONS, 600), rng.integers(0, 2, 600)
    words = np.zeros((600, TUBELETS), "float32")
    words[:, 3] = private
    code = ConditionalCode(ACTIONS, TUBELETS, memory=0.995, margin=1e-4)
    for _ in range(10):
        nats, _ = code(words, None, actions, training=True)
    assert np.log(2) * 0.99 < harness.numpy(nats).mean() < np.log(2) * 1.05


def test_several_actions_share_their_codes():
    code = _code(memory=0.5)
    code(MASK, WORD, ACTION, training=True)
    kept = harness.numpy(code.kept)
    shown = np.array([[1, 1, 0], [0, 0, 0]], "float32")
    nats, _ = code(MASK[:2], WORD[:2], shown)
    mixed = np.clip(np.stack([kept[:2].mean(0), kept.mean(0)]), 0.02, 0.98)
    np.testing.assert_allclose(harness.numpy(nats), _entropy(MASK[:2], mixed).sum(1), rtol=1e-5)


def test_averages_stay_outside_of_training():
    code = _code()
    code(MASK, WORD, ACTION, training=False)
    assert (harness.numpy(code.kept) == 0.5).all() and (harness.numpy(code.ones) == 0.5).all()


@pytest.fixture
def policy(request):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(request.param)
    yield request.param
    keras.config.set_dtype_policy(before)


HALF = ("mixed_bfloat16", "bfloat16")


@pytest.mark.parametrize("policy", HALF, indirect=True)
def test_averages_move_in_single_precision_under_every_policy(policy):
    expected = _code(dtype="float32")
    code = ConditionalCode.from_config(_code().get_config())
    nats = [each(MASK, WORD, ACTION, training=True) for each in (code, expected)]
    for name in ("kept", "ones"):
        ours, theirs = (harness.numpy(getattr(each, name)) for each in (code, expected))
        assert np.abs(ours - 0.5).max() > 1e-3
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(*[[harness.numpy(n) for n in each] for each in nats])


@pytest.mark.parametrize("policy", HALF, indirect=True)
def test_the_price_reaches_the_anonymizer_under_every_policy(policy):
    model = tiny_models.adversarial(
        mask_information_weight=0.2,
        privacy_objective="base_rate",
        anonymizer_options={"gate": "gumbel_top_k"},
    )
    make = keras.optimizers.SGD
    model.compile(anonymizer_optimizer=make(1e-3), recognizer_optimizer=make(1e-3), **harness.EAGER)
    for variable in (model.base_rates, model.batches_seen, model.information_scale):
        assert variable.dtype == "float32"
    model.batches_seen.assign(256.0)
    model.train_on_batch(tiny_models.clips(), tiny_models.labels())
    assert float(harness.numpy(model.batches_seen)) == 257
    assert np.abs(harness.numpy(model.code.kept) - 0.5).max() > 1e-3


def test_fit_lowers_and_logs_the_information():
    keras.utils.set_random_seed(0)
    model = tiny_models.adversarial(
        mask_information_weight=0.2,
        bits_information_weight=0.2,
        privacy_objective="base_rate",
        deterministic=True,
        remove_dropped=True,
        anonymizer_options={"gate": "gumbel_top_k", "bottleneck_bits": 3, "keep_ratio": 0.6},
    )
    model.compile(
        anonymizer_optimizer=keras.optimizers.Adam(1e-2),
        recognizer_optimizer=keras.optimizers.Adam(1e-3),
        jit_compile=keras.backend.backend() == "jax",
    )
    clips, labels = tiny_models.clips(24), tiny_models.labels(24)
    scales = []
    watch = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: scales.append(
            float(harness.numpy(model.information_scale))
        )
    )
    fit = {"batch_size": 12, "epochs": 20, "callbacks": [watch], "verbose": 0}
    model.schedule = "auto"
    history = model.fit(clips, labels, **fit).history
    assert 0.0 < scales[0] < 0.1 and scales[-1] == 1.0  # the price rises first
    assert scales == sorted(scales)
    for name, share in (("mask_information", 0.93), ("bits_information", 0.7)):
        assert history[name][-1] < share * history[name][0], history[name]


@harness.not_on_jax
def test_a_column_of_action_labels_is_what_a_row_is():
    labels = tiny_models.labels()
    column = {**labels, "action": labels["action"][:, None]}
    for options in ({}, {"mask_information_weight": 0.1}):
        model = tiny_models.adversarial(**options)
        model.compile(
            anonymizer_optimizer=keras.optimizers.SGD(0.0),
            recognizer_optimizer=keras.optimizers.SGD(0.0),
            **harness.EAGER,
        )
        for method in (model.train_on_batch, model.test_on_batch):
            logs = []
            for given in (labels, column):
                model.reset_metrics()
                logs.append(method(tiny_models.clips(), given, return_dict=True))
            assert logs[1] == pytest.approx(logs[0], rel=0.02)  # averages move


def test_bits_that_are_not_there_cannot_be_weighed():
    with pytest.raises(ValueError, match="needs an anonymizer with bottleneck_bits"):
        tiny_models.adversarial(bits_information_weight=0.1)
    with pytest.raises(ValueError, match="must be at least 0"):
        tiny_models.adversarial(mask_information_weight=-0.1)


def test_the_output_names_the_bits_of_each_tubelet():
    model = tiny_models.anonymizer(gate="gumbel_top_k", bottleneck_bits=3)
    clips = ops.convert_to_tensor(tiny_models.clips(2))
    removed, masked = model(clips), model(clips, keep_ratio=np.array([0.7, 0.7], "float32"))
    bits, mask = harness.numpy(removed["bits"]), harness.numpy(removed["decision_mask"])
    assert bits.shape == (2, 12, 3) and set(np.unique(bits)) <= {0.0, 1.0}
    assert (bits[mask == 0] == 0).all() and bits.any()
    np.testing.assert_array_equal(bits, harness.numpy(masked["bits"]))
