"""Every variant of the benchmark of opponents is what its name says, builds and trains."""

import dataclasses
import importlib.util
import json
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

import keras_stprivacy as stp
from keras_stprivacy.models.presets import PRESETS

pytestmark = pytest.mark.any_backend

PATH = Path(__file__).resolve().parents[2] / "benchmarks" / "opponents.py"
SPEC = importlib.util.spec_from_file_location("opponents", PATH)
opponents = sys.modules["opponents"] = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(opponents)


@pytest.fixture(scope="module", autouse=True)
def _small():
    """The preset with the smallest networks, so that every variant takes a step within seconds."""
    small = {
        "common": {**PRESETS[opponents.PRESET]["common"], "hidden_dim": 12, "num_heads": 2},
        "anonymizer": {"num_sparsification_blocks": 1, "layers_per_block": 1},
        "recognizer": {"num_layers": 1},
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(PRESETS, opponents.PRESET, small)
        yield


@pytest.fixture(scope="module")
def clips():
    return stp.data.motion_digits("train", num_clips=2, cache=False)


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    path = tmp_path_factory.mktemp("opponents") / "start.keras"
    anonymizer = stp.models.Anonymizer.from_preset(opponents.PRESET, seed=0, **opponents.ANONYMIZER)
    anonymizer.save(path)
    return path


# Restarts and longer trainings begin as the variant without them, and what `single_changes` makes
# of one variant it makes of the other.
BEGIN = [
    name
    for name, variant in opponents.VARIANTS.items()
    if variant.longer == 1 and "restarts" not in name and not name.startswith("negated, ")
]


@pytest.mark.parametrize("name", BEGIN)
def test_a_variant_takes_a_step(name, clips, start):
    variant = opponents.VARIANTS[name]
    phase = opponents.phase_of(variant, clips, start)
    phase.run_eagerly = True
    before = phase.anonymizer.get_weights()
    logs = phase.train_on_batch(*clips.arrays(), return_dict=True)
    assert all(np.isfinite(float(value)) for value in logs.values())
    assert ("mask_information" in logs) == ("information" in name)
    assert ("reconstruction_loss" in logs) == variant.rebuilds
    after = phase.anonymizer.get_weights()
    assert any(np.any(new != old) for new, old in zip(after, before, strict=True))
    kinds = [type(one).__name__ for one in phase.privacy_recognizers]
    for kind, count in (
        ("Recognizer", variant.clips),
        ("MaskRecognizer", variant.masks),
        ("FrameRecognizer", variant.frames),
    ):
        assert kinds.count(kind) == count


def test_a_name_with_a_comma_has_one_change():
    for name, variant in opponents.VARIANTS.items():
        start, comma, _ = name.partition(", ")
        if not comma:
            continue
        start = opponents.VARIANTS[start]
        fields = [f.name for f in dataclasses.fields(variant) if f.name != "options"]
        changed = [f for f in fields if getattr(variant, f) != getattr(start, f)]
        of_options = {**opponents.COMMON, **variant.options}.items() ^ {
            **opponents.COMMON,
            **start.options,
        }.items()
        changed += {key for key, _ in of_options}
        if name == "information, no bottleneck":  # then there are no bits to be paid for either
            changed.remove("bits_information_weight")
        assert len(changed) == 1, (name, changed)


def test_what_was_measured_has_its_variant():
    paths = sorted((PATH.parent / "results").glob("opponents_*.json"))
    assert paths
    for path in paths:
        measured = json.loads(path.read_text())
        assert set(measured["rows"]) <= set(opponents.VARIANTS)
        order = [name for name in opponents.VARIANTS if name in measured["rows"]]
        assert list(measured["rows"]) == order


def test_longer_and_with_restarts(monkeypatch, clips, start):
    seen = {}

    def fit(self, *data, epochs, callbacks, **options):
        seen[epochs] = [type(callback).__name__ for callback in callbacks]

    monkeypatch.setattr(stp.training.STPrivacy, "fit", fit)
    opponents.play(opponents.VARIANTS["negated, restarts"], clips, start, epochs=3)
    opponents.play(opponents.VARIANTS["negated, epochs x 2"], clips, start, epochs=3)
    opponents.play(opponents.VARIANTS["negated, rising weight"], clips, start, epochs=4)
    assert seen == {3: ["RestartPrivacyRecognizers"], 6: [], 4: ["PrivacySchedule"]}


def test_schedules_of_a_variant(clips, start):
    kinds = {
        name: [type(s).__name__ for s in opponents.phase_of(variant, clips, start)._schedules()]
        for name, variant in opponents.VARIANTS.items()
        if variant.schedule is not None
    }
    assert kinds == {
        "negated, constant rate": [],
        "information, constant rate": ["InformationSchedule"],
        "information, full price": ["WarmupCosine"],
    }


def test_what_phase_1_trained_stays(start, clips):
    clip = clips.arrays()[0]
    trained = keras.saving.load_model(start)
    for changes in ({"bottleneck_bits": None}, {"output_activation": None}):
        changed = opponents.started(start, changes)
        for name, value in changes.items():
            assert getattr(changed, name) == value
        masks = [
            np.asarray(keras.ops.convert_to_numpy(model(clip)["decision_mask"]))
            for model in (trained, changed)
        ]
        np.testing.assert_array_equal(*masks)
        kernels = [model.head.get_weights() for model in (trained, changed)]
        for ours, theirs in zip(*kernels, strict=True):
            np.testing.assert_array_equal(ours, theirs)
    with pytest.raises(ValueError, match=r"Received: \['gate'\]"):
        opponents.started(start, {"gate": "gumbel_softmax"})


def test_a_frame_recognizer_reads_every_frame_by_itself(clips):
    sizes = {"clip_shape": (8, 32, 32, 3), "tubelet_size": (2, 8, 8)}
    recognizer = opponents.FrameRecognizer(5, **sizes)
    clip, _ = clips.arrays()
    mask = np.ones((len(clip), 64), "float32")

    def read(frames):
        return keras.ops.convert_to_numpy(recognizer({"clip": frames, "decision_mask": mask}))

    np.testing.assert_allclose(read(clip), read(clip[:, ::-1]), atol=1e-5)
    each = [read(np.repeat(clip[:, i : i + 1], 8, axis=1)) for i in range(8)]
    np.testing.assert_allclose(read(clip), np.mean(each, axis=0), atol=1e-5)
    assert np.ptp(read(clip), axis=0).max() > 1e-4  # clips differ
    other = opponents.FrameRecognizer.from_config(recognizer.get_config())
    other.set_weights(recognizer.get_weights())
    assert other.get_config() == recognizer.get_config()
