"""One anonymizer trained for several keep ratios at once."""

import harness
import keras
import numpy as np
import pytest
import tiny_models
from keras import ops

from keras_stprivacy.baselines import build, system_class
from keras_stprivacy.losses import sparsification_loss
from keras_stprivacy.training import ConditionalCode

RATIOS = (1.0, 0.7, 0.3)
GATE = {"gate": "gumbel_top_k", "bottleneck_bits": 3}
CLIPS = tiny_models.clips(12)


def _phase(**options):
    model = tiny_models.adversarial(
        keep_ratios=RATIOS,
        deterministic=True,
        bits_information_weight=0.1,
        anonymizer_options=GATE,
        **options,
    )
    for block in model.anonymizer.sparsification_blocks:
        del block.gumbel_gate.sample_noise  # which is for batches of 3
    return model


def test_every_clip_keeps_as_many_tubelets_as_its_ratio_says():
    model = _phase()
    places = []
    for _ in range(6):
        output = model(ops.array(CLIPS), training=True)
        place, ratio = (
            harness.numpy(output["keep_ratio_place"]),
            harness.numpy(output["keep_ratio"]),
        )
        np.testing.assert_allclose(ratio, np.array(RATIOS)[place], rtol=1e-6)
        places += place.tolist()
        for m, stage in enumerate(output["sparsification"]):
            kept = harness.numpy(stage["decision_mask"]).reshape(len(CLIPS), tiny_models.ROWS, -1)
            expected = [model.anonymizer.kept_per_row(RATIOS[p])[m] for p in place]
            np.testing.assert_array_equal(
                kept.sum(-1), np.repeat(np.array(expected)[:, None], 2, 1)
            )
    shares = np.bincount(places, minlength=3) / len(places)
    assert (shares > 0.15).all(), shares
    assert "keep_ratio" not in model(ops.array(CLIPS), training=False)


def test_training_without_noise_shows_what_inference_gives_out():
    anonymizer = tiny_models.anonymizer(**GATE)
    ratios = ops.array([1.0, 0.7, 0.3], dtype="float32")
    clips = ops.array(tiny_models.clips(3))
    trained = anonymizer(clips, training=True, keep_ratio=ratios, draw=False)
    used = anonymizer(clips, keep_ratio=ratios)
    for name in ("decision_mask", "bits", "clip"):
        np.testing.assert_allclose(
            harness.numpy(trained[name]), harness.numpy(used[name]), atol=1e-5, err_msg=name
        )


def test_the_loss_of_sparsification_has_the_target_of_each_clip():
    masks = [np.array([[1, 1, 1, 0], [1, 0, 0, 0]], "float32")]
    loss = sparsification_loss(masks, ops.array([1.0, 0.5]), num_rows=2)
    expected = np.mean([(1.0 - 1.0) ** 2, (0.5 - 1.0) ** 2, (0.5 - 0.5) ** 2, (0.0 - 0.5) ** 2])
    assert float(harness.numpy(loss)) == pytest.approx(expected)


def test_each_ratio_has_codes_of_its_own():
    rng = np.random.default_rng(0)
    masks = (rng.random((8, 5)) < 0.5).astype("float32")
    actions, places = np.arange(8) % 2, np.arange(8) // 4
    many = ConditionalCode(2, 5, memory=0.5, num_settings=2)
    one = ConditionalCode(4, 5, memory=0.25)  # as many clips of an action move its codes as far
    for training in (True, False):
        nats, _ = many(masks, None, actions, ops.array(places, "int32"), training=training)
        same, _ = one(masks, None, actions * 2 + places, training=training)
        np.testing.assert_allclose(harness.numpy(nats), harness.numpy(same), rtol=1e-5)
    assert ConditionalCode.from_config(many.get_config()).num_settings == 2


def test_prices_weigh_the_nats_of_each_ratio():
    prices = (0.0, 0.5, 2.0)
    weights = {"mask_information_weight": 0.3}
    model, plain = _phase(ratio_prices=prices, **weights), _phase(**weights)
    output = model(ops.array(CLIPS), training=True)
    labels = tiny_models.labels(12)
    losses = model.phase_losses(labels, output, training=True)
    same = plain.phase_losses(labels, output, training=True)
    place = harness.numpy(output["keep_ratio_place"])
    word = (output["decision_mask"], output["bits"], ops.array(labels["action"]))
    of_mask, of_bits = map(harness.numpy, model.code(*word, output["keep_ratio_place"]))
    expected = np.mean(np.array(prices)[place] * (0.3 * of_mask + 0.1 * of_bits))
    assert float(harness.numpy(losses["paid_information"])) == pytest.approx(expected, rel=1e-4)
    for name in ("mask_information", "bits_information"):  # what is logged has no price
        assert float(harness.numpy(losses[name])) == pytest.approx(float(harness.numpy(same[name])))


@pytest.mark.parametrize("prices", [None, (0.1, 0.5, 1.0)])
def test_it_trains_is_saved_and_validated(prices, tmp_path):
    model = _phase(ratio_prices=prices)
    model.compile(
        anonymizer_optimizer=keras.optimizers.Adam(1e-3),
        recognizer_optimizer=keras.optimizers.Adam(1e-3),
        jit_compile=keras.backend.backend() == "jax",
    )
    data = CLIPS, tiny_models.labels(12)
    before = harness.numpy(model.anonymizer.embedding.trainable_variables[0]).copy()
    logs = model.fit(*data, batch_size=6, validation_data=data, verbose=0).history
    assert all(np.isfinite(values).all() for values in logs.values())
    assert not np.allclose(before, harness.numpy(model.anonymizer.embedding.trainable_variables[0]))
    model.save(tmp_path / "phase.keras")
    loaded = keras.saving.load_model(tmp_path / "phase.keras")
    assert (loaded.keep_ratios, loaded.ratio_prices) == (RATIOS, prices)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"keep_ratios": (0.5,), "remove_dropped": True}, "remove_dropped=False"),
        ({"keep_ratios": ()}, "at least one. Received"),
        ({"keep_ratios": 0.5}, "must be a sequence"),
        ({"keep_ratios": (0.5, 1.5)}, "must be a number in"),
        ({"keep_ratios": (0.5,), "anonymizer_options": {}}, 'needs gate="gumbel_top_k"'),
        ({"ratio_prices": (1.0,)}, "ratio_prices needs keep_ratios"),
        ({"keep_ratios": (1.0, 0.5), "ratio_prices": (1.0, 0.5)}, "a weight of information"),
        (
            {"keep_ratios": (1.0,), "ratio_prices": (-1.0,), "mask_information_weight": 0.1},
            "at least 0, one for each",
        ),
        (
            {"keep_ratios": (1.0,), "ratio_prices": 1.0, "mask_information_weight": 0.1},
            "at least 0, one for each",
        ),
    ],
)
def test_bad_ratios(options, message):
    with pytest.raises(ValueError, match=message):
        tiny_models.adversarial(**{"anonymizer_options": GATE, **options})


def test_a_code_asks_for_the_settings():
    with pytest.raises(ValueError, match="needs the setting of each clip"):
        ConditionalCode(2, 5, num_settings=2)(np.ones((2, 5), "float32"), None, np.array([0, 1]))


def test_systems_say_bad_ratios_before_they_train():
    with pytest.raises(ValueError, match="remove_dropped=False"):
        build("stprivacy", preset="embedded", keep_ratios=(1.0, 0.5))
    ratios = (1.0, 0.5)
    settings = system_class("stprivacy").for_ratios(ratios, "embedded")
    assert build("stprivacy", preset="embedded", **settings).keep_ratios == ratios
    assert settings["phase_options"]["ratio_prices"] == (0.01, 1.0)  # private, or accurate
    free = {"mask_information_weight": 0.0, "bits_information_weight": 0.0}
    settings = system_class("stprivacy").for_ratios(ratios, "embedded", free)
    assert build("stprivacy", preset="embedded", **settings, **free).phase_options == {}
    for changes, message in (
        ({"keep_ratios": (1.0, 0.5), "phase_options": {"ratio_prices": [1]}}, "one for each keep"),
        ({"phase_options": {"ratio_prices": [1, 2]}}, "needs keep_ratios"),
        ({"phase_options": {"schedule": [object()]}}, "phase_options must hold what a file"),
    ):
        with pytest.raises(ValueError, match=message):
            build("stprivacy", preset="embedded", remove_dropped=False, **changes)
    for preset in (None, "embedded"):
        assert system_class("stprivacy_paper").for_ratios(ratios, preset) == {}
        softmax = {"gate": "gumbel_softmax"}
        assert system_class("stprivacy").for_ratios(ratios, preset, softmax) == {}


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision_counts_the_same_tubelets(policy):
    size = {"num_frames": 2, "image_size": (16, 160), "tubelet_size": (2, 8, 8)}
    anonymizer = tiny_models.anonymizer(**size, gate="gumbel_top_k", dtype=policy)  # rows of 40
    clips = np.random.default_rng(0).random((2, 2, 16, 160, 3)).astype("float32")
    for ratio in (0.7, 0.9):
        ratios = ops.array([ratio, ratio], dtype="float32")
        for options in ({}, {"training": True}):
            mask = harness.numpy(
                anonymizer(ops.array(clips), keep_ratio=ratios, **options)["decision_mask"]
            )
            np.testing.assert_array_equal(mask.sum(1), anonymizer.num_kept(ratio))


@pytest.mark.parametrize(
    "options", [{"update_rule": "alternating"}, {"multi_label": True}, {"privacy_weight": 0.0}]
)
def test_other_options_go_with_it(options):
    model = _phase(**options)
    make = keras.optimizers.SGD
    model.compile(anonymizer_optimizer=make(0.01), recognizer_optimizer=make(0.01), **harness.EAGER)
    labels = tiny_models.labels(12, multi_label=model.multi_label)
    logs = model.train_on_batch(CLIPS, labels, return_dict=True)
    assert all(np.isfinite(float(value)) for value in logs.values())
    assert float(logs["bits_information"]) > 0
