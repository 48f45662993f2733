"""All attackers at once, at a tiny size; frames; several actions; the strongest is chosen."""

import functools

import keras
import numpy as np
import pytest
from colored_clips import ATTACKER, CLIP_SHAPE, colored_clips

import keras_stprivacy as stp
from keras_stprivacy.evaluation.attackers import (
    LinearProbe,
    MaskAttacker,
    check_attackers,
    make_attacker,
)
from keras_stprivacy.evaluation.attackers.reconstruction import ReconstructionAttacker
from keras_stprivacy.evaluation.attackers.training import Training, make_optimizer
from keras_stprivacy.evaluation.clip_store import ClipStore
from keras_stprivacy.evaluation.strongest import choose_strongest, columns_of_chosen
from keras_stprivacy.floors import actions_only, majority_class
from keras_stprivacy.metrics import psnr
from keras_stprivacy.training.seeding import seeded

ATTACKERS_HERE = {"linear_probe", "frame", "mask", "reconstruction"}
JIT = keras.backend.backend() == "jax"
evaluate = functools.partial(
    stp.evaluation.evaluate, attacker=ATTACKER, jit_compile=JIT, batch_size=32
)


def _store(clips, masks=None, name="clips", folder="."):
    store = ClipStore(CLIP_SHAPE, 1 << 24, folder, name)
    store.append((clips * 255).round().astype("uint8"), masks)
    store.close()
    return store


@pytest.fixture(scope="module")
def report(make_anonymizer):
    """Two cheap attackers, and one that rebuilds, on an anonymizer that drops half of the clip."""
    return evaluate(
        make_anonymizer(),
        colored_clips(160, seed=0),
        colored_clips(120, seed=1),
        epochs=8,
        learning_rate=2e-2,
        bootstrap=100,
        attackers=("linear_probe", "frame", "mask", "reconstruction"),
        attribute_names=["green", "blue"],
    )


def test_every_attacker_has_a_row_and_raw_clips_are_read(report):
    names = [row.name for row in report.rows]
    assert names == [
        "raw",
        "raw/frame",
        "raw/strongest",
        "anonymized",
        "anonymized/frame",
        "anonymized/mask",
        "anonymized/strongest",
        "rebuilt",
        "chance",
        "action_only",
    ]
    for name in ("raw", "raw/frame", "raw/strongest"):
        assert report[name].scores["auroc"].value > 0.85, name
    assert report.headline == "anonymized/strongest" and report.raw_headline == "raw/strongest"
    assert report["raw/strongest"].scores["leakage"].value == pytest.approx(1.0)


def test_who_sees_a_mask_that_says_nothing_ends_at_the_floor(report):
    mask = report["anonymized/mask"].scores
    assert mask["auroc"].value == pytest.approx(0.5)
    assert mask["leakage"].value == pytest.approx(0.0, abs=1e-6)


def test_the_strongest_was_chosen_and_is_named(report):
    chosen = report.settings["strongest_attackers"]["anonymized"]
    assert set(chosen) == {"green", "blue"} and set(chosen.values()) <= ATTACKERS_HERE
    for attribute, who in chosen.items():
        row = {"linear_probe": "anonymized", "reconstruction": "rebuilt"}.get(
            who, f"anonymized/{who}"
        )
        mine = report["anonymized/strongest"].attributes[attribute]["ap"]
        assert mine == report[row].attributes[attribute]["ap"]
    assert any("the strongest of 4 attackers" in note for note in report.notes)
    assert any("16 training clips that none learned from" in note for note in report.notes)
    assert report.settings["held_out"] == 0.1


def test_rebuilt_clips_are_measured(report):
    rebuilt, floor = report["rebuilt"].scores, report["chance"].scores
    assert rebuilt["psnr"].value > floor["psnr"].value > 5.0
    assert 0.0 < rebuilt["ssim"].value <= 1.0 and rebuilt["psnr"].low is not None
    assert "PSNR dB" in str(report) and "nan" not in str(report).lower()


def test_the_decoder_begins_with_the_line_that_fits_best(make_anonymizer, tmp_path):
    clips, _ = colored_clips(64, seed=0)
    raw = _store(clips, folder=tmp_path, name="raw")
    given = _store(0.25 + 0.5 * clips, folder=tmp_path, name="given")
    decoder = ReconstructionAttacker(make_anonymizer(), ATTACKER, batch_size=16, jit_compile=JIT)
    decoder.fit(given, raw, Training(1, learning_rate=1e-5))
    assert psnr(raw.clips, decoder.rebuild(given.clips)).min() > 35.0


def test_the_decoder_learns_what_no_line_can(make_anonymizer, tmp_path):
    clips, _ = colored_clips(128, seed=0)
    raw = _store(clips, folder=tmp_path, name="raw")
    given = _store(clips[..., [1, 2, 0]], folder=tmp_path, name="given")
    reached = []
    for rate in (1e-6, 1e-2):
        decoder = ReconstructionAttacker(
            make_anonymizer(), ATTACKER, batch_size=16, jit_compile=JIT
        )
        decoder.fit(given, raw, Training(6, learning_rate=rate))
        reached.append(psnr(raw.clips, decoder.rebuild(given.clips)).mean())
    assert reached[1] > reached[0] + 4.0


def test_masks_that_follow_an_attribute_are_read(tmp_path):
    class Dropping:
        clip_shape, grid_shape = CLIP_SHAPE, (2, 2, 2)

    clips, labels = colored_clips(128, seed=0)
    masks = np.tile([1, 0, 1, 0, 1, 0, 1, 0], (128, 1))
    masks[labels["privacy"][:, 0] == 1] = [0, 1, 0, 1, 0, 1, 0, 1]
    store = _store(clips, masks, folder=tmp_path)
    attacker = MaskAttacker("privacy", 2, Dropping(), batch_size=32, jit_compile=JIT)
    attacker.fit(store, labels["privacy"], Training(6, learning_rate=1e-2))
    said = attacker.predict(store.clips, masks)
    assert ((said[:, 0] > 0.5) == labels["privacy"][:, 0]).all()
    assert abs(said[:, 1].std()) < 0.2  # the other attribute is not in the mask


def test_the_mask_attacker_is_two_hidden_layers_of_its_seed():
    class Dropping:
        clip_shape, grid_shape = CLIP_SHAPE, (2, 2, 2)

    attacker = MaskAttacker("privacy", 3, Dropping(), seed=5, jit_compile=JIT)
    with seeded(5):
        layers = [keras.layers.Dense(128, activation="gelu") for _ in range(2)]
        x = mask = keras.Input((8,))
        for layer in (keras.layers.Rescaling(2.0, offset=-1.0), *layers, keras.layers.Dense(3)):
            x = layer(x)
    expected = keras.Model(mask, x)
    for ours, theirs in zip(attacker.model.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    masks = np.random.default_rng(0).integers(0, 2, (32, 8))
    said = attacker.logits(np.zeros((32, *CLIP_SHAPE), "uint8"), masks)
    np.testing.assert_allclose(said, expected.predict_on_batch(masks.astype("float32")), atol=1e-5)


def test_a_probe_of_given_weights_trains_the_last_layer_alone(make_anonymizer, tmp_path):
    def give(model):
        for variable in model.trainable_variables:
            variable.assign(0.03 * np.ones(variable.shape))

    clips, labels = colored_clips(32, seed=0)
    probe = LinearProbe(
        "privacy", 2, make_anonymizer(), ATTACKER, give, batch_size=16, jit_compile=JIT
    )
    probe.fit(_store(clips, folder=tmp_path), labels["privacy"], Training(1))
    names = {v.path.split("/")[-2] for v in probe.model.trainable_variables}
    assert names == {"classifier"}
    kernel = probe.model.embedding.get_weights()[0]
    assert np.allclose(kernel, 0.03)


def test_three_dimensions_in_a_small_network(make_anonymizer):
    attacker = make_attacker("conv3d", "action", 3, make_anonymizer(), jit_compile=JIT)
    said = attacker.predict(np.zeros((2, *CLIP_SHAPE), "uint8"))
    assert said.shape == (2, 3) and said.sum(axis=1) == pytest.approx([1.0, 1.0])
    convolutions = [
        layer for layer in attacker.model.layers if isinstance(layer, keras.layers.Conv3D)
    ]
    assert [layer.filters for layer in convolutions] == [16, 32, 64, 128]


def test_what_is_not_finite_is_no_answer(make_anonymizer):
    clips = np.zeros((2, *CLIP_SHAPE), "uint8")
    for name in ("conv3d", "frame"):
        attacker = make_attacker(name, "privacy", 3, make_anonymizer(), jit_compile=JIT)
        weight = attacker.model.trainable_variables[-1]
        weight.assign(np.full(weight.shape, np.nan))
        with pytest.raises(FloatingPointError, match="privacy attacker says NaN .* of 2 of 2 clip"):
            attacker.predict(clips)
    decoder = ReconstructionAttacker(make_anonymizer(), ATTACKER, batch_size=16, jit_compile=JIT)
    decoder.model.offset.assign([np.nan])
    with pytest.raises(FloatingPointError, match="rebuilds NaN or infinity"):
        decoder.rebuild(clips)


def test_frames_are_tested_one_by_one(make_anonymizer):
    clip, labels = colored_clips(64, seed=1)
    frames = np.repeat(labels["privacy"][:, None], CLIP_SHAPE[0], axis=1)
    frames[:10, 2:] = -1  # nobody annotated these
    report = evaluate(
        make_anonymizer("no mask"),
        colored_clips(128, seed=0),
        (clip, {**labels, "frame_privacy": frames}),
        attackers=("linear_probe", "frame", "conv3d"),
        frame_level=True,
        epochs=6,
        learning_rate=2e-2,
        raw=False,
        bootstrap=100,
    )
    assert any("236 frames of 64 videos" in note for note in report.notes)
    left_out = "attacker conv3d left out: attributes are tested frame by frame, by 'frame' alone"
    assert left_out in report.notes and report.settings["held_out"] is None
    ours = report["anonymized"].scores
    assert ours["auroc"].value > 0.9 and ours["top_1"].value > 0.8
    assert list(report.history) == ["anonymized/action", "anonymized/privacy"]
    share = frames[frames >= 0].reshape(-1, 2).mean(axis=0)
    assert list(report.prevalence.values()) == pytest.approx(share.tolist())
    # Frames of a video are drawn together: four of them tell no more than one.
    chance = report["chance"].attributes["attribute 0"]["ap"]
    half = 1.96 * np.sqrt(share[0] * (1 - share[0]) / 64)
    assert chance.high - chance.low == pytest.approx(2 * half, rel=0.35)
    with pytest.raises(ValueError, match="attacker 'frame'"):
        evaluate(make_anonymizer(), (clip, labels), (clip, labels), frame_level=True)
    with pytest.raises(ValueError, match="not tested frame by frame"):
        both = ("frame", "reconstruction")
        evaluate(
            make_anonymizer(), (clip, labels), (clip, labels), frame_level=True, attackers=both
        )


def test_a_network_of_clips_alone_attacks_where_there_is_a_mask(make_anonymizer):
    def pooled(num_classes, num_kept, seed):
        clip = keras.Input(CLIP_SHAPE)
        mean = keras.layers.GlobalAveragePooling3D()(clip)
        return keras.Model(clip, keras.layers.Dense(num_classes)(mean))

    report = stp.evaluation.evaluate(
        make_anonymizer(),
        colored_clips(64, 0),
        colored_clips(32, 1),
        attacker=pooled,
        epochs=1,
        raw=False,
        bootstrap=0,
        jit_compile=JIT,
    )
    assert report["anonymized"].scores["cmap"].value > 0.0


def test_nothing_is_held_out_of_passes_in_another_order(make_anonymizer):
    clips, labels = colored_clips(96, 0)

    class Reordered:
        def __init__(self):
            self.rng = np.random.default_rng(0)

        def __iter__(self):
            order = self.rng.permutation(96)
            for part in np.split(order, 4):
                yield clips[part], {name: values[part] for name, values in labels.items()}

    two = ("linear_probe", "frame")
    for train, held in ((Reordered(), False), ((clips, labels), True)):
        report = evaluate(
            make_anonymizer(),
            train,
            colored_clips(32, 1),
            attackers=two,
            train_passes=2,
            epochs=1,
            raw=False,
            bootstrap=0,
        )
        notes = " ".join(report.notes)
        assert ("no videos can be held out" in notes) is not held
        assert ("that none learned from" in notes) is held


def test_several_actions_of_a_clip(make_anonymizer):
    def tagged(count, seed):
        clip, labels = colored_clips(count, seed)
        first = labels["action"]
        return clip, {**labels, "action": np.stack([first, 1 - first, 0 * first], axis=1)}

    report = evaluate(
        make_anonymizer("no mask"),
        tagged(128, 0),
        tagged(64, 1),
        attackers=("linear_probe",),
        epochs=6,
        learning_rate=2e-2,
        raw=False,
        bootstrap=50,
        class_names=["red", "dark", "never"],
    )
    ours = report["anonymized"].scores
    assert ours["action_cmap"].value > 0.9 and "top_1" not in ours
    assert report["chance"].scores["action_cmap"].value == pytest.approx(0.5, abs=0.01)
    assert any("never" in note and "left out of the action cMAP" in note for note in report.notes)
    assert "action cMAP %" in str(report) and "top-1" not in str(report)


@pytest.mark.any_backend
def test_choosing_is_by_average_precision_and_ties_go_to_the_first():
    labels = np.array([[1, 1, 1], [1, 0, 1], [0, 1, 1], [0, 0, 1]])
    good, bad = labels * 0.8 + 0.1, 0.9 - labels * 0.8
    said = {"a": good.copy(), "b": good.copy()}
    said["a"][:, 1] = bad[:, 1]
    chosen, notes = choose_strongest(said, labels, "a", ("x", "y", "z"))
    assert chosen == {"x": "a", "y": "b", "z": "a"}
    assert 'every held-out training clip has "z"' in notes[0]
    joined = columns_of_chosen(said, chosen, ("x", "y", "z"))
    np.testing.assert_array_equal(joined, good)


@pytest.mark.any_backend
def test_names_of_attackers():
    assert check_attackers("conv3d") == ("conv3d",)
    for bad in ((), ("none",), ("mask",), ("reconstruction",), ("frame", "frame")):
        with pytest.raises(ValueError, match="attackers"):
            check_attackers(bad)


@pytest.mark.any_backend
def test_floors_of_several_actions():
    rng = np.random.default_rng(0)
    action = (rng.random((400, 3)) < 0.5).astype(int)
    privacy = np.stack([action[:, 0], rng.integers(2, size=400), np.ones(400, int)], axis=1)
    rates = actions_only(action, privacy, action)
    assert ((rates[:, 0] > 0.5) == privacy[:, 0]).all()
    assert np.abs(rates[:, 1] - 0.5).max() < 0.2 and (rates[:, 2] == 1.0).all()
    right = majority_class(np.array([2, 2, 1, 1, 0]), np.array([0, 1, 2]), count=2)
    assert right.tolist() == [0.0, 1.0, 1.0]


def test_the_first_step_is_traced_once(backend):
    if backend != "tensorflow":
        pytest.skip("only TensorFlow traces again where a step makes variables")
    network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    traced = []
    step = network.train_step
    network.train_step = lambda data: (traced.append(1), step(data))[1]
    network.compile(make_optimizer(network, 4, Training(epochs=1)), "mse", jit_compile=False)
    network.fit(np.ones((8, 2)), np.ones((8, 1)), batch_size=2, verbose=0)
    assert sum(traced) == 1


def test_networks_that_are_built_by_their_first_clips_learn():
    network = keras.Sequential([keras.layers.Dense(1)])
    network.compile(make_optimizer(network, 4, Training(epochs=1)), "mse")
    before = network.fit(np.ones((8, 2)), np.ones((8, 1)), batch_size=2, verbose=0).history["loss"]
    after = network.evaluate(np.ones((8, 2)), np.ones((8, 1)), verbose=0)
    assert after < before[0]
