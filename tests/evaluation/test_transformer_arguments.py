"""Which video transformer attacks clips of any size."""

import functools
import types

import keras
import numpy as np
import pytest
from harness import not_on_jax

import keras_stprivacy as stp
from keras_stprivacy.baselines import Raw
from keras_stprivacy.evaluation.attackers import VideoTransformerAttacker
from keras_stprivacy.evaluation.attackers.transformer_arguments import (
    arguments_by_size,
    transformer_arguments,
)
from keras_stprivacy.models.presets import PRESETS, preset_arguments

JIT = keras.backend.backend() == "jax"


def _of(*clip_size, **more):
    return types.SimpleNamespace(clip_shape=(*clip_size, 3), **more)


@pytest.mark.any_backend
@pytest.mark.parametrize(
    ("clip_size", "preset", "tubelet_size"),
    [
        ((16, 64, 64), "vit_small_16x112", (2, 16, 16)),
        ((4, 64, 80), "vit_small_16x112", (2, 16, 16)),
        ((8, 112, 112), "vit_small_16x112", (2, 16, 16)),
        ((16, 224, 224), "vit_small_16x112", (2, 16, 16)),
        ((15, 100, 90), "vit_small_16x112", (1, 20, 15)),
        ((7, 72, 120), "vit_small_16x112", (1, 18, 15)),
        ((1, 64, 64), "vit_small_16x112", (1, 16, 16)),
        ((16, 32, 32), "motion_digits_8x32", (2, 8, 8)),
        ((16, 63, 640), "motion_digits_8x32", (2, 7, 8)),
        ((3, 60, 36), "motion_digits_8x32", (1, 6, 9)),
        ((4, 8, 8), "motion_digits_8x32", (2, 8, 8)),
    ],
)
def test_size_decides_where_no_preset_fits(clip_size, preset, tubelet_size):
    expected = {
        **preset_arguments(preset, "recognizer"),
        "num_frames": clip_size[0],
        "image_size": clip_size[1:],
        "tubelet_size": tubelet_size,
    }
    assert transformer_arguments(None, _of(*clip_size)) == expected
    assert transformer_arguments(None, Raw(clip_shape=(*clip_size, 3))) == expected


@pytest.mark.any_backend
def test_clips_of_a_preset_keep_its_network():
    for clip_size, name in (
        ((16, 112, 112), "vit_small_16x112"),
        ((8, 32, 32), "motion_digits_8x32"),
    ):
        preset = PRESETS[name]
        assert transformer_arguments(None, _of(*clip_size)) == {
            **preset["common"],
            **preset["recognizer"],
        }


@pytest.mark.any_backend
@pytest.mark.parametrize(
    ("clip_size", "needed", "better"),
    [
        ((16, 113, 112), "from 8 to 32", "112x112"),
        ((16, 120, 74), "from 8 to 32", "120x80"),
        ((16, 37, 640), "from 4 to 16", "40x640"),
        ((8, 3, 3), "from 4 to 16", "8x8"),
    ],
)
def test_sides_that_nothing_sensible_divides(clip_size, needed, better):
    with pytest.raises(ValueError, match=rf"{needed}.*{clip_size[0]} frames.*Take {better}"):
        transformer_arguments(None, _of(*clip_size))
    height, width = map(int, better.split("x"))
    assert arguments_by_size((clip_size[0], height, width, 3))["image_size"] == (height, width)


@pytest.mark.any_backend
def test_what_a_target_says_of_itself_stands():
    assert transformer_arguments(None, _of(4, 62, 62, tubelet_size=(2, 31, 31)))[
        "tubelet_size"
    ] == (2, 31, 31)
    with_masks = _of(4, 62, 62, grid_shape=(1, 2, 31))
    assert transformer_arguments(None, with_masks)["tubelet_size"] == (4, 31, 2)
    wide = transformer_arguments(None, _of(4, 64, 64, hidden_dim=192, num_heads=3))
    assert (wide["hidden_dim"], wide["num_heads"], wide["num_layers"]) == (192, 3, 12)
    under_a_preset = transformer_arguments(None, _of(8, 32, 32, grid_shape=(2, 4, 4)))
    assert under_a_preset == {
        **preset_arguments("motion_digits_8x32", "recognizer"),
        "tubelet_size": (4, 8, 8),
    }
    with pytest.raises(ValueError, match="has no num_frames"):
        transformer_arguments(None, types.SimpleNamespace())


@pytest.mark.any_backend
def test_a_width_without_heads_is_that_of_something_else():
    target = _of(16, 112, 112, hidden_dim=2048)
    assert transformer_arguments(None, target) == transformer_arguments(None, _of(16, 112, 112))


def test_a_transformer_for_the_size_reads_under_a_mask(make_anonymizer):
    attacker = VideoTransformerAttacker("privacy", 2, make_anonymizer(), num_kept=4)
    assert attacker.model.tubelet_size == (2, 4, 4)
    masks = np.repeat([[1, 1, 1, 1, 0, 0, 0, 0]], 2, axis=0)
    assert attacker.predict(np.zeros((2, 4, 8, 8, 3), "uint8"), masks).shape == (2, 2)


@not_on_jax
def test_clips_of_an_odd_size_are_attacked_and_rebuilt(monkeypatch):
    monkeypatch.setitem(PRESETS["motion_digits_8x32"]["recognizer"], "num_layers", 1)
    rng = np.random.default_rng(0)
    clips = rng.integers(0, 256, (24, 3, 12, 20, 3)).astype("uint8")
    labels = {"action": rng.integers(2, size=24), "privacy": rng.integers(2, size=(24, 2))}
    report = stp.evaluation.evaluate(
        Raw(clip_shape=(3, 12, 20, 3)),
        (clips, labels),
        (clips, labels),
        attackers=("linear_probe", "video_transformer", "reconstruction"),
        epochs=1,
        bootstrap=0,
        jit_compile=JIT,
    )
    for name in ("raw/video_transformer", "anonymized/video_transformer", "rebuilt"):
        assert report[name].scores["cmap"].value > 0.0
    assert np.isfinite(report["rebuilt"].scores["psnr"].value)
    assert (
        "video_transformer, reconstruction: no preset is for clips of 3x12x20, so a network was "
        "built for their size: tubelets of 1x6x10, width 72, 1 layers, 4 heads" in report.notes
    )


@not_on_jax
def test_clips_that_no_transformer_divides_have_other_attackers():
    rng = np.random.default_rng(0)
    clips = rng.random((24, 3, 17, 20, 3), "float32")
    data = clips, {"action": rng.integers(2, size=24), "privacy": rng.integers(2, size=(24, 2))}
    run = functools.partial(
        stp.evaluation.evaluate,
        Raw(clip_shape=(3, 17, 20, 3)),
        data,
        data,
        epochs=1,
        raw=False,
        bootstrap=0,
        jit_compile=JIT,
    )
    with pytest.raises(ValueError, match="conv3d and frame take any size"):
        run()
    assert run(attackers=("conv3d",)).notes == run(attackers=("linear_probe",)).notes
    told = {"num_frames": 3, "image_size": (17, 20), "tubelet_size": (3, 17, 20)}
    small = {"hidden_dim": 8, "num_heads": 2, "mlp_ratio": 2.0, "num_layers": 1}
    report = run(attacker={**told, **small, "mean": 0.5, "std": 0.5})
    assert not any("no preset is for clips" in note for note in report.notes)
