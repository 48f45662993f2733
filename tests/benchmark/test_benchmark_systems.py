"""Which trained system a cell takes."""

import numpy as np
import pytest
from stand_ins import learn_nothing

from keras_stprivacy.benchmark import Settings, cell_run
from keras_stprivacy.benchmark.data import BenchmarkData
from keras_stprivacy.benchmark.plan import Plan
from keras_stprivacy.benchmark.variant import Variant
from keras_stprivacy.data import motion_digits

pytestmark = pytest.mark.any_backend

SHAPE = (8, 32, 32, 3)
VARIANT = Variant("vita", "vita", "VITA")


@pytest.fixture
def fits(monkeypatch):
    """What a system, that learns nothing, was given."""
    return learn_nothing(monkeypatch)


def train(out, data, **settings):
    plan = Plan("known", (VARIANT,), data, data, Settings(**settings))
    cell_run.trained_system(plan, VARIANT, 0, out)


def test_a_system_that_saw_other_clips_is_another_one(tmp_path, fits):
    batches = [(np.zeros((2, *SHAPE), "float32"), {"action": np.zeros(2, "int32")})]
    records = BenchmarkData("made", batches, batches, SHAPE, ("a",), ("b",))
    for settings in ({}, {"frame_step": 4}, {"augment": False}, {"batch_size": 8}):
        before = len(fits)
        train(tmp_path, records, **settings)
        train(tmp_path, records, **settings, epochs=1, views=(1, 1))  # the attackers' alone
        assert len(fits) == before + 1, settings


def test_attackers_make_the_publications_passes_but_over_the_embedded_dataset():
    size = (16, 112, 112, 3)
    for shape, epochs in ((SHAPE, 4), (size, 80)):
        data = BenchmarkData("made", (), (), shape, ("a",), ("b",))
        plan, asked = (
            Plan("known", (VARIANT,), data, data, settings)
            for settings in (Settings(), Settings(epochs=7))
        )
        assert (plan.epochs, asked.epochs) == (epochs, 7)
        assert plan.of_cell(VARIANT)["settings"]["epochs"] == epochs
        same = Plan("known", (VARIANT,), data, data, Settings(epochs=epochs))
        assert plan.of_cell(VARIANT) == same.of_cell(VARIANT)  # the same cell


def test_clips_in_memory_are_the_same_however_records_are_cut(tmp_path, fits):
    digits = motion_digits("train", num_clips=4, cache=False)
    data = BenchmarkData("digits", digits, digits, SHAPE, ("a",), ("b",))
    for settings in ({}, {"frame_step": 4}, {"batch_size": 8}):
        train(tmp_path, data, **settings)
    assert len(fits) == 1
