"""Systems handed to `evaluate`: boxes travel with the clips."""

import dataclasses

import keras
import numpy as np
import pytest
from harness import not_on_jax

from keras_stprivacy.baselines import build
from keras_stprivacy.data import motion_digits
from keras_stprivacy.evaluation import evaluate

pytestmark = [
    not_on_jax,
    pytest.mark.usefixtures("eager"),
    pytest.mark.filterwarnings("ignore:Even though the `tf.config:UserWarning"),
]

SHAPE = (2, 16, 16, 3)
ATTACKER = {
    "num_frames": 2,
    "image_size": 16,
    "tubelet_size": (2, 8, 8),
    "hidden_dim": 12,
    "num_heads": 2,
    "num_layers": 1,
}


def split(name, count=16):
    return motion_digits(name, num_clips=count, num_frames=2, image_size=16, cache=False)


def run(system, train, test, **options):
    options = {"epochs": 1, "bootstrap": 0, "attacker": ATTACKER, "batch_size": 8, **options}
    return evaluate(system, train, test, jit_compile=False, **options)


def with_boxes(digits, name="boxes"):
    clip, labels = digits.arrays()
    return clip, {**labels, name: digits.boxes}


def values(row):
    return {name: estimate.value for name, estimate in row.scores.items()}


def test_boxes_of_a_dataset_and_of_labels_are_the_same():
    train, test = split("train"), split("test")
    tables = []
    for given in ((train, test), (with_boxes(train), with_boxes(test))):
        system = build("blacken", clip_shape=SHAPE)
        report = run(system, *given, raw=False)
        assert system.report["frames"] == 2 * 32 and system.report["frames_without_box"] == 0
        tables.append([(row.name, values(row)) for row in report.rows])
    assert tables[0] == tables[1]


def test_missing_boxes_are_said():
    train, test = split("train"), split("test")
    with pytest.raises(ValueError, match="blacken needs boxes of persons"):
        run(build("blacken", clip_shape=SHAPE), train.arrays(), test, raw=False)


def test_frames_without_a_box_are_counted():
    train, test = split("train"), split("test")
    boxes = test.boxes.copy()
    boxes[3] = np.nan
    system = build("weak_blur", clip_shape=SHAPE)
    report = run(system, train, dataclasses.replace(test, boxes=boxes), raw=False)
    frames = system.report["frames"]
    said = f"WeakBlur: 2 of {frames} frames ({200 / frames:.1f} %) had no person box and were not"
    assert any(said in note for note in report.notes), report.notes
    assert system.report["frames_without_box"] == 2 and system.report["clips_without_box"] == 1


def test_raw_as_a_system_leaks_what_raw_clips_leak():
    train, test = split("train", 32), split("test", 32)
    report = run(build("raw", clip_shape=SHAPE), train, test)
    rows = {row.name: row for row in report.rows}
    raw, given = values(rows["raw"]), values(rows["anonymized"])
    assert raw["cmap"] > 0.0
    for name in ("top_1", "cmap", "f1"):
        assert given[name] == pytest.approx(raw[name], abs=1e-6)


def test_keep_ratio_reaches_a_system_that_has_one():
    keras.utils.set_random_seed(0)
    train, test = split("train"), split("test")
    system = build(
        "sparsification_alone",
        clip_shape=SHAPE,
        tubelet_size=(2, 8, 8),
        hidden_dim=12,
        num_heads=2,
        layers_per_block=1,
        num_sparsification_blocks=1,
        batch_size=8,
        initialization_epochs=1,
        adversarial_epochs=0,
    )
    system.fit(train)
    for ratio, kept in ((None, 2), (1.0, 4)):
        report = run(system, train, test, keep_ratio=ratio, raw=False)
        assert report.settings["kept_tubelets"] == kept
    with pytest.raises(ValueError, match="raw has no keep_ratio"):
        run(build("raw", clip_shape=SHAPE), train, test, keep_ratio=0.5, raw=False)
