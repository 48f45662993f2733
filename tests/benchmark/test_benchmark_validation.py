"""Which clips systems watch that they do not learn from."""

import dataclasses

import numpy as np
import pytest
from stand_ins import learn_nothing

from keras_stprivacy.benchmark import Settings, cell_run
from keras_stprivacy.benchmark.data import BenchmarkData, load_data
from keras_stprivacy.benchmark.embedded_tags import with_tags
from keras_stprivacy.benchmark.plan import Plan
from keras_stprivacy.benchmark.variant import Variant
from keras_stprivacy.data import motion_digits

pytestmark = pytest.mark.any_backend

SHAPE = (8, 32, 32, 3)
VARIANT = Variant("vita", "vita", "VITA")


@pytest.fixture
def watched(monkeypatch):
    """What a system, that learns nothing, was given to learn from and to watch."""
    return learn_nothing(monkeypatch)


def train(out, data):
    plan = Plan("known", (VARIANT,), data, data, Settings())
    cell_run.trained_system(plan, VARIANT, 0, out)
    return plan.of_cell(VARIANT)


def test_a_system_that_watched_other_clips_is_another_one(tmp_path, watched):
    batches = [(np.zeros((2, *SHAPE), "float32"), {"action": np.zeros(2, "int32")})]
    none = BenchmarkData("made", batches, batches, SHAPE, ("a",), ("b",))
    some = dataclasses.replace(none, validation=batches, about_validation={"n": 2})
    more = dataclasses.replace(some, about_validation={"n": 3})
    cells = [train(tmp_path, data) for data in (none, some, more, some)]
    assert watched == [(batches, seen) for seen in (None, batches, batches)]
    assert cells[0] != cells[1] != cells[2] and cells[1] == cells[3]
    assert cells[0]["attacked"] == cells[1]["attacked"]  # attackers never see them


def test_records_have_clips_to_watch_where_they_have_such_a_split(tmp_path):
    pytest.importorskip("tensorflow")
    from tfrecords_tools import convert
    from tfrecords_tools.datasets.motion_digits import motion_digits_source

    settings = Settings(batch_size=8, num_frames=8, frame_step=1, image_size=32)
    for count in (0, 12):
        source = motion_digits_source(num_train=8, num_test=8, num_validation=count)
        convert(source, tmp_path / str(count), source.settings, workers=1)
    without, data = (load_data(tmp_path / str(count), settings) for count in (0, 12))
    assert without.watched is None and without.about_training["validation"] is None
    assert len(data.about_training["validation"]["shards"]) == 1 and "validation" not in data.about

    def read():
        data.watched.restart()
        batches = list(data.watched)
        assert sum(len(clips) for clips, _ in batches) == 12
        return np.concatenate([labels["action"].numpy() for _, labels in batches])

    np.testing.assert_array_equal(read(), read())
    assert load_data(tmp_path / "12", settings, splits=("test",)).watched is None


def test_the_embedded_clips_that_are_watched_are_of_no_other_split():
    settings = Settings(train_clips=24, test_clips=16)
    data = load_data("motion-digits", settings)
    splits = [split.clips for split in (data.train, data.watched, data.test)]
    assert [len(clips) for clips in splits] == [24, 16, 16]
    seen = [clip.tobytes() for clips in splits for clip in clips]
    assert len(set(seen)) == len(seen)
    # Test clips that recipes were not chosen after: not those that anyone gets by default.
    usual = motion_digits("test", num_clips=16)
    assert not {clip.tobytes() for clip in usual.clips} & {clip.tobytes() for clip in splits[2]}
    assert data.about["test_seed"] != 0


def test_several_actions_are_watched_too():
    tagged = with_tags(load_data("motion-digits", Settings(train_clips=8, test_clips=8)))
    for _, labels in (tagged.train, tagged.watched, tagged.test):
        assert labels["action"].shape == (8, 11) and (labels["action"].sum(axis=1) == 2).all()
