"""The reader of actions that sees mask and bits, and learns with the anonymizer."""

import harness
import keras
import numpy as np
import pytest
import tiny_models
from keras import ops

from keras_stprivacy.training.players import ANONYMIZER
from keras_stprivacy.training.word_reader import WordReader

BITS = {"bottleneck_bits": 3}


def _phase(weight, **options):
    model = tiny_models.adversarial(word_weight=weight, **{"anonymizer_options": BITS, **options})
    model.compile(
        anonymizer_optimizer=keras.optimizers.SGD(0.1),
        recognizer_optimizer=keras.optimizers.SGD(0.1),
        jit_compile=keras.backend.backend() == "jax",
    )
    return model


def test_it_reads_kept_tubelets_alone():
    rng = np.random.default_rng(0)
    mask = (rng.random((4, 5)) < 0.5).astype("float32")
    bits = (rng.random((4, 5, 2)) < 0.5).astype("float32")
    other = np.where(mask[..., None] > 0.5, bits, 1.0 - bits)
    reader = WordReader(3, 5, 2)
    read = harness.numpy(reader(mask, bits))
    assert read.shape == (4, 3)
    np.testing.assert_array_equal(read, harness.numpy(reader(mask, other)))
    assert not np.allclose(read, harness.numpy(reader(1.0 - mask, bits)))
    of_masks = WordReader(3, 5)
    assert not np.allclose(*(harness.numpy(of_masks(m)) for m in (mask, 1.0 - mask)))


@pytest.mark.parametrize(
    ("objective", "rule", "options"),
    [
        ("negated", "simultaneous", BITS),
        ("base_rate", "simultaneous", {}),
        ("base_rate", "alternating", BITS),
    ],
)
def test_its_loss_moves_reader_and_anonymizer_and_nobody_else(objective, rule, options):
    """Compared with the same step at another weight of the same reader."""
    clips, labels = tiny_models.clips(3), tiny_models.labels(3)
    moved = []
    for weight in (1e-6, 1.0):
        model = _phase(
            weight, privacy_objective=objective, update_rule=rule, anonymizer_options=options
        )
        tiny_models.randomize(model.word_reader)
        if model.anonymizer.bottleneck is not None:
            model.anonymizer.bottleneck.noise_scale = 0.0
        logs = model.fit(clips, labels, batch_size=3, shuffle=False, verbose=0).history
        assert np.isfinite(logs["word_loss"][0])
        moved.append(
            {
                player: [harness.numpy(v) for v in variables]
                for player, variables in model.player_variables().items()
            }
        )
    faint, full = moved
    count = len(model.word_reader.trainable_variables)
    for player, values in full.items():
        different = [
            not np.allclose(a, b, atol=1e-4) for a, b in zip(faint[player], values, strict=True)
        ]
        if player == ANONYMIZER:
            assert any(different[:-count]) and any(different[-count:])
        elif rule == "simultaneous":
            assert not any(different), player


def test_it_learns_what_bits_say_of_the_action():
    rng = np.random.default_rng(0)
    bits = (rng.random((64, 5, 2)) < 0.5).astype("float32")
    action = bits[:, 2, 1].astype("int32")
    mask = np.ones((64, 5), "float32")
    word = keras.Input((5, 2))
    reader = WordReader(2, 5, 2)
    model = keras.Model(word, reader(ops.ones_like(word[..., 0]), word))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(1e-2), loss, jit_compile=keras.backend.backend() == "jax")
    model.fit(bits, action, epochs=20, batch_size=16, verbose=0)
    assert (harness.numpy(reader(mask, bits)).argmax(-1) == action).mean() == 1.0


def test_it_is_saved_validated_and_told_apart(tmp_path):
    model = _phase(0.5)
    clips, labels = tiny_models.clips(6), tiny_models.labels(6)
    logs = model.fit(clips, labels, batch_size=3, validation_data=(clips, labels), verbose=0)
    assert np.isfinite(logs.history["val_word_loss"][0])
    model.save(tmp_path / "phase.keras")
    again = keras.saving.load_model(tmp_path / "phase.keras")
    assert again.word_weight == 0.5
    for old, new in zip(
        model.word_reader.trainable_variables, again.word_reader.trainable_variables, strict=True
    ):
        np.testing.assert_array_equal(harness.numpy(old), harness.numpy(new))
    assert WordReader.from_config(again.word_reader.get_config()).num_bits == 3
    assert tiny_models.adversarial().word_reader is None


def test_a_weight_below_0_is_refused():
    with pytest.raises(ValueError, match="word_weight must be at least 0. Received"):
        tiny_models.adversarial(word_weight=-1.0)
