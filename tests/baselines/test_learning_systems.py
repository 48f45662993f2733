"""Systems that learn: one tiny fit each on every backend, and what must hold of it."""

import keras
import numpy as np
import pytest
from harness import not_on_jax
from tiny_systems import SHAPE, SIZES

from keras_stprivacy.baselines import System, build, systems
from keras_stprivacy.baselines.turn import Turn
from keras_stprivacy.data import motion_digits

pytestmark = [
    pytest.mark.usefixtures("eager"),
    pytest.mark.filterwarnings("ignore:Even though the `tf.config:UserWarning"),
]

COMMON = {"clip_shape": SHAPE, "batch_size": 8, "seed": 3}
STPRIVACY = {
    "initialization_epochs": 1,
    "adversarial_epochs": 1,
    "hidden_dim": 12,
    "num_heads": 2,
    "num_sparsification_blocks": 1,
    "num_privacy_recognizers": 1,
}
TINY = {
    "collective": {**SIZES["collective"], "epochs": 2, "action_epochs": 2},
    "vita": {
        **SIZES["vita"],
        "pretraining_steps": 2,
        "action_pretraining_steps": 2,
        "privacy_pretraining_steps": 2,
        "steps": 4,
        "restart_every": 2,
        "restart_steps": 1,
        "accuracy_floor": 1.0,
        "monitor_updates": 1,
        "privacy_updates": 1,
    },
    "spact": {
        **SIZES["spact"],
        "warmup_epochs": 1,
        "opponent_epochs": 1,
        "epochs": 2,
        "crop_scale": (0.6, 1.0),
        "grey": 0.5,
    },
    "stprivacy": {**STPRIVACY, "restart_every": 1, "adversarial_epochs": 2},
    "stprivacy_paper": STPRIVACY,
    "sparsification_alone": STPRIVACY,
    "anonymization_alone": STPRIVACY,
}
TINY["vita_reversal"] = {**TINY["vita"], "steps": 1, "restart_every": None}
LEARNING = [name for name in systems() if build(name).learns]
# Each compilation takes JAX seconds, and these differ from another by an argument.
VARIANTS = ("vita_reversal", "anonymization_alone", "stprivacy_paper")
SHORT = [pytest.param(name, marks=not_on_jax) if name in VARIANTS else name for name in LEARNING]
SLOW_HALVES = pytest.mark.skipif(
    keras.backend.backend() == "tensorflow", reason="on a CPU it takes a minute for a few steps"
)
# What a phase of training must have left in the history.
MEASURED = {
    "collective": {"action/accuracy", "transform/style_loss", "transform/content_loss"},
    "vita": {"pretraining/reconstruction_loss", "loop/negative_entropy", "restart/privacy_loss"},
    "vita_reversal": {"loop/reversed_loss", "loop/privacy_loss"},
    "spact": {"warmup/reconstruction_loss", "opponents/nt_xent", "minimax/anonymizer_loss"},
    "stprivacy": {"initialization/action_loss", "adversarial/mask_information"},
    "stprivacy_paper": {"initialization/action_loss", "adversarial/privacy_loss"},
    "sparsification_alone": {"initialization/action_loss", "adversarial/privacy_loss"},
    "anonymization_alone": {"initialization/action_loss", "adversarial/privacy_loss"},
}


def digits(count=8, split="train"):
    return motion_digits(split, num_clips=count, num_frames=SHAPE[0], cache=False)


def tiny(name, **settings):
    return build(name, preset="embedded", **{**COMMON, **TINY[name], **settings})


@pytest.fixture(scope="module")
def fitted():
    """Each system once, with what it was told while it learned."""
    made = {}

    def get(name):
        if name not in made:
            system, told = tiny(name), []
            returned = system.fit(digits(), on_progress=lambda *step: told.append(step))
            assert returned is system.history
            made[name] = system, told
        return made[name]

    return get


def test_every_learning_system_is_tried():
    assert set(LEARNING) == set(TINY) == set(MEASURED)


@pytest.mark.parametrize("name", SHORT)
def test_a_system_learns_and_transforms(name, fitted):
    system, told = fitted(name)
    assert set(system.history) >= MEASURED[name]
    assert all(np.isfinite(values).all() for values in system.history.values())
    stages = {name.split("/")[0] for name in system.history}
    assert {stage for stage, share in told if share == 1.0} == stages
    clips = digits(12, "test").clips  # one batch and a half
    output = system.transform(clips)
    assert output["clip"].shape == clips.shape and output["clip"].dtype == np.float32
    assert output["clip"].min() >= 0.0 and output["clip"].max() <= 1.0
    assert np.abs(output["clip"] - clips / np.float32(255)).mean() > 1e-3
    # A clip's transform depends on nothing but the clip.
    alone = system.transform(clips[4:5])
    np.testing.assert_allclose(alone["clip"][0], output["clip"][4], rtol=0, atol=1e-5)


@not_on_jax
@pytest.mark.parametrize(
    ("name", "policy"),
    [
        *(("collective", policy) for policy in ("mixed_bfloat16", "mixed_float16")),
        *((name, "mixed_bfloat16") for name in ("vita", "spact")),
        *(pytest.param(n, "mixed_float16", marks=SLOW_HALVES) for n in ("vita", "spact")),
    ],
)
def test_a_system_learns_in_mixed_precision(name, policy, monkeypatch):
    scaled = set()
    update = Turn.update

    def noted(turn, clips, labels):
        parts = turn.optimizer.parts.values()
        scaled.update(isinstance(part, keras.optimizers.LossScaleOptimizer) for part in parts)
        return update(turn, clips, labels)

    monkeypatch.setattr(Turn, "update", noted)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        # TensorFlow has no pooling in 3-D, which C3D is made of, for float16 on a CPU.
        system = tiny(name, action_network="r3d18", action_width=0.0625)
        system.fit(digits())
        output = system.transform(digits(8, "test").clips)["clip"]
    finally:
        keras.config.set_dtype_policy(before)
    assert system.trained_network.compute_dtype == policy.removeprefix("mixed_")
    assert all(np.isfinite(values).all() for values in system.history.values())
    assert scaled == {policy == "mixed_float16"}
    assert output.dtype == np.float32 and np.isfinite(output).all() and output.std() > 1e-3


@pytest.mark.parametrize("name", SHORT)
def test_a_system_survives_a_file(name, fitted, tmp_path):
    system, _ = fitted(name)
    clips = digits(4, "test").clips
    before = system.transform(clips)
    system.save(tmp_path / "system")
    again = System.load(tmp_path / "system")
    assert type(again) is type(system)
    assert again.history == system.history
    after = again.transform(clips)
    assert set(after) == set(before)
    for key, value in before.items():
        np.testing.assert_allclose(after[key], value, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    "name",
    ["collective", *(pytest.param(n, marks=not_on_jax) for n in ("vita", "spact", "stprivacy"))],
)
def test_one_seed_gives_one_system(name, fitted):
    """And leaves the caller's random numbers alone; most make nothing of validation clips."""
    import random

    system, _ = fitted(name)
    random.seed(5)
    expected = random.Random(5).random()
    again = tiny(name)
    again.fit(digits(), validation=None if name == "vita" else digits(8, "test"))
    assert random.random() == expected
    clips = digits(4, "test").clips
    np.testing.assert_allclose(
        again.transform(clips)["clip"], system.transform(clips)["clip"], rtol=0, atol=1e-4
    )
    assert again.history.keys() == system.history.keys()


@not_on_jax
def test_another_seed_gives_another_system(fitted):
    system, _ = fitted("collective")
    other = tiny("collective", seed=4)
    other.fit(digits())
    clips = digits(4, "test").clips
    assert np.abs(other.transform(clips)["clip"] - system.transform(clips)["clip"]).max() > 1e-3


def test_stprivacy_has_a_dial(fitted):
    system, _ = fitted("stprivacy")
    clips = digits(4, "test").clips
    for ratio, kept in ((0.7, 22), (0.5, 16)):
        output = system.transform(clips, keep_ratio=ratio)
        assert (output["decision_mask"].sum(axis=1) == kept).all()
        assert system.num_kept(ratio) == kept
    assert system.grid_shape == (2, 4, 4)
    default = system.transform(clips)["decision_mask"]
    np.testing.assert_array_equal(default, system.transform(clips, keep_ratio=0.7)["decision_mask"])
    with pytest.raises(ValueError, match="keep_ratio must be a number in"):
        system.transform(clips, keep_ratio=0.0)


def test_sparsification_alone_shows_raw_pixels_or_none(fitted):
    system, _ = fitted("sparsification_alone")
    clips = digits(4, "test").clips
    output = system.transform(clips)
    mask = output["decision_mask"].reshape(4, 2, 4, 4)
    kept = mask.repeat(2, axis=1).repeat(8, axis=2).repeat(8, axis=3)[..., None]
    raw = clips / np.float32(255)
    np.testing.assert_allclose(output["clip"], raw * kept, rtol=0, atol=1e-6)
    assert 0.0 < kept.mean() < 1.0
    names = [variable.path for variable in system.network.variables]
    assert names and not any("anonymization_block" in n or "head" in n for n in names)


@not_on_jax
def test_sparsification_alone_refuses_what_is_about_rewriting():
    with pytest.raises(ValueError, match="nothing is rewritten here"):
        tiny("sparsification_alone", bottleneck_bits=4).fit(digits())


@not_on_jax
def test_anonymization_alone_keeps_every_tubelet(fitted):
    system, _ = fitted("anonymization_alone")
    assert system.transform(digits(4, "test").clips)["decision_mask"].min() == 1.0


def test_what_was_not_trained_cannot_transform_nor_be_saved(tmp_path):
    system = tiny("spact")
    with pytest.raises(RuntimeError, match="spact was not trained"):
        system.transform(digits().clips)
    with pytest.raises(RuntimeError, match="spact was not trained"):
        system.save(tmp_path)
    with pytest.raises(FileNotFoundError):
        System.load(tmp_path)


def test_batches_need_to_say_how_many_classes():
    clip, labels = digits().arrays()
    batches = [(clip[:4], {k: v[:4] for k, v in labels.items()})]
    with pytest.raises(ValueError, match="pass num_actions= to fit"):
        tiny("collective").fit(batches)
    if keras.backend.backend() != "jax":  # nothing here depends on it, and it compiles for long
        system = tiny("collective", epochs=1, action_epochs=1)
        system.fit(batches, num_actions=8)
        assert len(system.history["transform/loss"]) == 1


@pytest.mark.any_backend  # each loss is tested on all where it stands; this compiles for long
@pytest.mark.parametrize("name", [name for name in LEARNING if name != "vita_reversal"])
def test_several_actions_are_all_learned(name):
    """The loss of a clip without a single action, too, is a mean over binary cross-entropies."""
    train = digits()
    action = np.zeros((8, 40), "int32")
    action[:4, :2] = 1
    labels = {"action": action, "privacy": train.privacy}
    system = tiny(name)
    system.fit((train.clips, labels))
    losses = {k: v for k, v in system.history.items() if k.endswith(("action_loss", "task_loss"))}
    losses |= {k: v for k, v in system.history.items() if k == "action/loss"}
    assert losses
    # Binary cross-entropies start around log 2 = 0.7; a cross-entropy of 40 classes around 3.7.
    assert all(0.0 < values[0] < 1.5 for values in losses.values()), losses
    logged = {key.split("/")[1] for key in system.history}
    assert ("action_average_precision" in logged) == hasattr(system, "keep_ratio")


def test_settings_of_systems_are_checked():
    for name, settings, message in (
        ("vita", {"objective": "minimax"}, "objective must be one of"),
        ("vita", {"pretraining": "l2"}, "pretraining must be one of"),
        ("vita", {"privacy_networks": ()}, "an empty ensemble"),
        ("vita", {"monitor_batches": 0}, "monitor_batches must be at least 1. Received: 0"),
        ("spact", {"erase": (5, 3)}, "erase must be None or"),
        ("spact", {"flip": 2.0}, r"flip must be in \[0, 1\]"),
        ("stprivacy", {"keep_ratio": 0.0}, "keep_ratio must be a number in"),
    ):
        with pytest.raises(ValueError, match=message):
            build(name, **settings)
    with pytest.raises(ValueError, match="action_network must be one of"):
        tiny("spact", action_network="i3d").fit(digits())
