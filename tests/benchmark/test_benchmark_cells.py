"""Cells are complete or not there; plans; data."""

import dataclasses
import json

import numpy as np
import pytest
from made_cells import made_plan

from keras_stprivacy.baselines.stprivacy import STPrivacy
from keras_stprivacy.benchmark import run as run_module
from keras_stprivacy.benchmark.arrays import pack, unpack
from keras_stprivacy.benchmark.cells import CellStore
from keras_stprivacy.benchmark.data import actions_between, load_data
from keras_stprivacy.benchmark.embedded_tags import with_tags
from keras_stprivacy.benchmark.matching import with_test_of
from keras_stprivacy.benchmark.settings import Settings
from keras_stprivacy.benchmark.variant import Variant, fingerprint
from keras_stprivacy.evaluation.sources import Source

pytestmark = pytest.mark.any_backend

SMALL = Settings.quick(train_clips=40, test_clips=24)


@pytest.mark.parametrize("dtype", ["float32", "int8", "uint8", "int64"])
def test_arrays_come_back_bit_by_bit(dtype):
    array = (np.random.default_rng(0).normal(size=(3, 0 + 4, 2)) * 50).astype(dtype)
    again = unpack(json.loads(json.dumps(pack(array))))
    assert again.dtype == array.dtype
    np.testing.assert_array_equal(again, array)
    with pytest.raises(ValueError, match="damaged"):
        unpack({**pack(array), "zlib": "AAAA"})


def test_a_cell_is_found_again_only_as_it_was(tmp_path):
    store = CellStore(tmp_path)
    cell = {"a": np.arange(3, dtype="float32"), "b": {"c": [1, None, 0.5, float("nan")]}}
    store.write("raw", 0, "f", cell)
    again = store.read("raw", 0, "f")
    np.testing.assert_array_equal(again["a"], cell["a"])
    assert again["b"] == {"c": [1, None, 0.5, None]}
    assert store.read("raw", 0, "other settings") is None
    path = store.path("raw", 0, "f")
    path.write_text(path.read_text()[:50])
    assert store.read("raw", 0, "f") is None


def test_cells_of_other_settings_stand_beside_each_other(tmp_path, monkeypatch):
    from made_cells import made_cell

    measured = []

    def measure(plan, variant, seed, out, verbose):
        measured.append((plan.protocol, variant.id, seed))
        return made_cell(plan, 2.0, 0.8, seed)

    monkeypatch.setattr(run_module, "measure", measure)
    known = made_plan(("raw", "blacken"), seeds=1)
    unseen = dataclasses.replace(known, protocol="unseen")
    first = run_module.run(known, tmp_path)
    assert run_module.run(unseen, tmp_path).protocol == "unseen" and len(measured) == 4
    again = run_module.run(known, tmp_path)
    assert len(measured) == 4 and len(list((tmp_path / "cells").iterdir())) == 4
    assert again.to_dict()["rows"] == first.to_dict()["rows"]


def test_a_cell_under_the_name_of_another_is_not_it(tmp_path):
    store = CellStore(tmp_path)
    store.write("raw", 0, "f", {"a": 1})
    store.path("raw", 0, "f").rename(store.path("raw", 0, "g"))
    assert store.read("raw", 0, "g") is None and store.read("raw", 0, "f") is None


def test_a_cell_that_cannot_be_written_leaves_nothing(tmp_path, monkeypatch):
    store = CellStore(tmp_path)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="space"):
        store.write("raw", 0, "f", {"a": 1})
    assert list(tmp_path.iterdir()) == []


def test_a_system_that_fails_does_not_stop_the_others(tmp_path, monkeypatch):
    from made_cells import made_cell

    plan = made_plan(seeds=2)
    asked = []

    def measure(plan, variant, seed, out, verbose):
        asked.append((variant.id, seed))
        if variant.id == "downsample_2x":
            raise ValueError("does not fit")
        return made_cell(plan, 2.0, 0.8, seed)

    monkeypatch.setattr(run_module, "measure", measure)
    report = run_module.run(plan, tmp_path)
    assert report.failures == {"downsample_2x": "ValueError: does not fit"}
    assert [row.id for row in report.rows][:2] == ["raw", "stprivacy"]
    # What learns takes long, and comes before what does not.
    assert asked == [("raw", 0), ("stprivacy", 0), ("downsample_2x", 0), ("raw", 1),
                     ("stprivacy", 1)]  # fmt: skip
    asked.clear()
    again = run_module.run(plan, tmp_path)
    assert asked == [("downsample_2x", 0)]
    assert again.to_dict()["rows"] == report.to_dict()["rows"]


def test_raw_clips_are_always_measured_and_first():
    assert [v.id for v in made_plan(("stprivacy", "raw")).variants] == ["raw", "stprivacy"]
    assert [v.id for v in made_plan(("vita",)).variants] == ["raw", "vita"]
    with pytest.raises(ValueError, match="no system is named"):
        made_plan(("vitta",))


def test_actions_are_parted_without_a_common_clip():
    data = load_data("motion-digits", SMALL)
    first, second = actions_between(data, 0, 4), actions_between(data, 4, 8)
    assert set(first.train.ids) | set(second.train.ids) == set(data.train.ids)
    assert not set(first.train.ids) & set(second.train.ids)
    assert first.class_names + second.class_names == data.class_names
    assert second.train.action.min() == 0 and second.train.action.max() == 3
    row = second.train.ids.index(second.train.ids[0])
    place = data.train.ids.index(second.train.ids[row])
    assert data.train.action[place] - 4 == second.train.action[row]
    assert first.about != second.about
    with pytest.raises(ValueError, match="actions 4 to 8 of 8"):
        actions_between(data, 4, 9)


def test_batches_are_parted_like_arrays():
    data = load_data("motion-digits", SMALL)
    arrays = (data.train.clips, {"action": data.train.action, "privacy": data.train.privacy})
    batches = [
        (arrays[0][i : i + 16], {k: v[i : i + 16] for k, v in arrays[1].items()})
        for i in range(0, 40, 16)
    ]
    parted = actions_between(dataclasses.replace(data, train=batches, test=batches), 4, 8)
    read = list(parted.train)
    expected = actions_between(data, 4, 8).train
    np.testing.assert_array_equal(np.concatenate([c for c, _ in read]), expected.clips)
    np.testing.assert_array_equal(
        np.concatenate([labels["action"] for _, labels in read]), expected.action
    )
    assert len(list(parted.train)) == len(read)  # can be read again


def test_clips_to_watch_are_of_a_split_of_their_own():
    data = load_data("motion-digits", SMALL)
    assert data.watched is data.validation and len(data.watched) == SMALL.test_clips
    assert {name.split("-")[0] for name in data.watched.ids} == {"validation"}
    assert data.about_training["validation"] == {"clips": SMALL.test_clips}
    assert "validation" not in data.about  # no attacker sees them
    fewer = dataclasses.replace(data, about_validation={"clips": 1})
    assert fewer.about_training != data.about_training
    half = actions_between(data, 4, 8)
    rows = np.isin(data.validation.action, range(4, 8))
    np.testing.assert_array_equal(half.watched.clips, data.validation.clips[rows])
    np.testing.assert_array_equal(half.watched.action, data.validation.action[rows] - 4)
    none = dataclasses.replace(data, validation=None)
    assert none.watched is None and none.about_training["validation"] is None


def test_clips_with_other_actions_are_not_watched():
    data = load_data("motion-digits", SMALL)
    other = dataclasses.replace(data, class_names=tuple("abcdefgh"))
    assert other.watched is None and other.about_training["validation"] is None


def test_tags_of_the_embedded_dataset():
    data = load_data("motion-digits", SMALL)
    tagged = with_tags(data)
    action = tagged.train[1]["action"]
    assert (action.sum(axis=1) == 2).all() and tagged.multi_label
    np.testing.assert_array_equal(action[:, :8].argmax(axis=1), data.train.action)
    np.testing.assert_array_equal(action[:, 9], data.train.action // 2 == 2)  # rotates
    place = tagged.attribute_names.index("lamp")
    np.testing.assert_array_equal(
        tagged.train[1]["privacy"][:, place],
        data.train.privacy[:, data.attribute_names.index("lamp")],
    )


def test_another_dataset_is_matched_by_name():
    data = load_data("motion-digits", SMALL)
    names = data.attribute_names[::-1]
    labels = {"action": data.test.action // 4, "privacy": data.test.privacy[:, ::-1]}
    other = dataclasses.replace(
        data,
        name="other",
        test=[(data.test.clips, labels)],
        class_names=("up", "left"),
        attribute_names=names,
    )
    joined = with_test_of(data, other)
    _, got = next(iter(joined.test))
    np.testing.assert_array_equal(got["privacy"], data.test.privacy)
    assert set(got["action"].tolist()) == {data.class_names.index(n) for n in ("up", "left")}
    with pytest.raises(ValueError, match="attributes that are missing"):
        with_test_of(data, dataclasses.replace(other, attribute_names=("lamp",)))


def test_the_embedded_dataset_tests_what_learned_elsewhere():
    digits = load_data("motion-digits", SMALL)
    learned = dataclasses.replace(
        digits,
        name="records",
        train=[],
        test=[],
        class_names=("another", *digits.class_names[::-1]),
        attribute_names=digits.attribute_names[::-1],
    )
    joined = with_test_of(learned, digits)
    source = Source(joined.test, "test", joined.clip_shape)
    (batch,) = source.batches()
    np.testing.assert_array_equal(batch.privacy, digits.test.privacy[:, ::-1])
    np.testing.assert_array_equal(batch.action, 8 - digits.test.action)
    assert len(batch.boxes) == len(digits.test)
    assert source.class_names == learned.class_names
    assert source.attribute_names == learned.attribute_names
    with pytest.raises(ValueError, match=r"one shape. Received: \(8, 32, 32, 3\) and \(16, 112"):
        with_test_of(dataclasses.replace(learned, clip_shape=(16, 112, 112, 3)), digits)
    tagged = with_tags(digits)
    for one, other, name in ((learned, tagged, tagged.name), (tagged, learned, tagged.name)):
        with pytest.raises(ValueError, match=f"one of them. Received: clips of {name} with sev"):
            with_test_of(one, other)


def test_settings_and_their_fingerprint():
    assert Settings.quick().seeds == 1 and Settings.quick(seeds=2).seeds == 2
    assert "seeds" not in Settings().of_cell() and "bootstrap" not in Settings().of_cell()
    with pytest.raises(ValueError, match="epochs=0"):
        Settings(epochs=0)
    for wrong in ({"bootstrap": -1}, {"train_passes": 0}, {"frame_step": 0}, {"views": (0, 3)}):
        with pytest.raises(ValueError, match=f"{next(iter(wrong))} must be .*at least.*Received"):
            Settings(**wrong)
    assert Settings(bootstrap=0, figure_clips=0).bootstrap == 0
    with pytest.raises(ValueError, match="attackers"):
        Settings(attackers=("nobody",))


def test_a_preset_that_changed_makes_other_systems(monkeypatch):
    variant = Variant("stprivacy", "stprivacy", "STPrivacy", {"keep_ratio": 0.5})
    before = variant.of_fit("embedded")
    assert before == variant.of_fit("embedded") and "seed" not in before["settings"]
    assert before != variant.of_fit(None)
    changed = {**STPrivacy.embedded, "mask_information_weight": 0.7}
    monkeypatch.setattr(STPrivacy, "embedded", changed)
    assert variant.of_fit("embedded") != before
    assert fingerprint(variant.of_cell("embedded")) != fingerprint(variant.of_cell(None))
