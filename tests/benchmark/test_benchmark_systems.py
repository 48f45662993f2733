"""Which trained system a cell takes."""

import pathlib
import types

import numpy as np
import pytest
from stand_ins import learn_nothing

from keras_stprivacy.baselines import build
from keras_stprivacy.benchmark import Settings, cell_run
from keras_stprivacy.benchmark.attacked_shape import attacked_shape
from keras_stprivacy.benchmark.data import BenchmarkData
from keras_stprivacy.benchmark.plan import Plan
from keras_stprivacy.benchmark.variant import Variant
from keras_stprivacy.data import motion_digits
from keras_stprivacy.data.parts import part_of
from keras_stprivacy.evaluation.attackers import VideoTransformerAttacker
from keras_stprivacy.evaluation.attackers.transformer_arguments import transformer_arguments

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
    for settings in ({}, {"frame_step": 4}, {"augment": False}):
        before = len(fits)
        train(tmp_path, records, **settings)
        of_attackers = {"epochs": 1, "views": (1, 1), "batch_size": 8, "to_frame_step": 3}
        train(tmp_path, records, **settings, **of_attackers)
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


@pytest.mark.parametrize(
    ("system", "changed"),
    [
        ("stprivacy", {"hidden_dim": 24}),
        ("stprivacy", {"num_heads": 2}),
        ("stprivacy", {"layers_per_block": 2}),
        ("stprivacy", {"mlp_ratio": 1.0}),
        ("spact", {"hidden_dim": 64}),
    ],
)
def test_how_large_a_system_is_says_nothing_of_its_attackers(system, changed):
    raw, usual, other = (
        transformer_arguments(None, attacked_shape(build(name, preset="embedded", **given)))
        for name, given in (("raw", {}), (system, {}), (system, changed))
    )
    assert raw == usual == other
    # Cells with attackers of the system's own size would be others.
    data = BenchmarkData("made", (), (), SHAPE, ("a",), ("b",))
    variants = [Variant(system, system, "", given) for given in ({}, changed)]
    cells = [Plan("known", (v,), data, data, Settings()).of_cell(v) for v in variants]
    assert ["attackers" in cell for cell in cells] == [system == "spact", True]


def test_attackers_of_records_are_of_one_size_whatever_the_system_is():
    data = BenchmarkData("made", (), (), (4, 48, 48, 3), ("a",), ("b",))
    known = set()
    for name in ("raw", "spact", "vita", "stprivacy"):
        variant = Variant(name, name, "", {})
        plan = Plan("known", (variant,), data, data, Settings())
        system = build(name, **plan.settings_of_system(variant))
        arguments = transformer_arguments(None, attacked_shape(system))
        tubelet_size = arguments.pop("tubelet_size")
        assert tubelet_size == ((2, 16, 16) if name == "stprivacy" else (2, 8, 8))
        known.add(str(sorted(arguments.items())))
        differs = name in ("spact", "stprivacy")  # they are wider themselves
        assert ("attackers" in plan.of_cell(variant)) == differs
    assert len(known) == 1


def test_a_system_that_does_not_fit_the_clips_stops_no_plan():
    data = BenchmarkData("made", (), (), (3, 3, 3, 3), ("a",), ("b",))
    variant = Variant("downsample_4x", "downsample_4x", "Downsample-4x")
    plan = Plan("known", (variant,), data, data, Settings())
    assert "attackers" not in plan.of_cell(variant)
    with pytest.raises(ValueError, match="factor must be"):
        cell_run.trained_system(plan, variant, 0, pathlib.Path("nowhere"))


def test_a_cell_is_attacked_with_the_size_of_its_clips(tmp_path, monkeypatch):
    made = []

    class Seen:
        def __init__(self, target, **_):
            made.append(target)
            raise ValueError("seen enough")

    monkeypatch.setattr(cell_run, "Attack", Seen)
    digits = motion_digits("train", num_clips=4, cache=False)
    data = BenchmarkData("digits", digits, digits, SHAPE, ("a",), ("b",))
    variant = Variant("stprivacy", "stprivacy", "", {"tubelet_size": (4, 8, 8), "hidden_dim": 24})
    plan = Plan("known", (variant,), data, data, Settings(attackers=("conv3d",)))
    system = build("stprivacy", preset="embedded", **variant.settings)
    monkeypatch.setattr(cell_run, "trained_system", lambda *_: (system, {}))
    with pytest.raises(ValueError, match="seen enough"):
        cell_run.measure(plan, variant, 0, tmp_path)
    (target,) = made
    assert target.grid_shape == (2, 4, 4) and target.num_kept.__self__ is system
    attacker = VideoTransformerAttacker("privacy", 2, target, num_kept=16)
    assert (attacker.model.hidden_dim, attacker.model.grid_shape) == (72, (2, 4, 4))


def test_clips_that_memory_does_not_hold_stand_beside_the_cells(tmp_path, monkeypatch):
    asked = []

    class Seen:
        def __init__(self, **_):
            pass

        def run(self, *given):
            folder = pathlib.Path(given[4])
            (folder / "anonymized.uint8").write_text("clips")
            asked.append(folder)
            raise ValueError("seen enough")

    monkeypatch.setattr(cell_run, "Attack", Seen)
    digits = motion_digits("train", num_clips=4, cache=False)
    data = BenchmarkData("digits", digits, digits, SHAPE, ("a",), ("b",))
    plan = Plan("known", (), data, data, Settings(attackers=("conv3d",)))
    with pytest.raises(ValueError, match="seen enough"):
        cell_run.measure(plan, plan.variants[0], 3, tmp_path / "out")
    assert asked == [part_of(tmp_path / "out" / "clips-raw-seed3")]
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("there", ["nothing", "a half", "that of another run"])
def test_a_trained_system_never_replaces_one_that_another_run_uses(there, tmp_path, monkeypatch):
    loaded = []

    def save(folder):
        """Another run ends its training while this one saves."""
        assert folder.parent.name == "systems" and folder != final(folder)
        (folder / "weights").write_text("ours")
        if there != "nothing":
            final(folder).mkdir()
            (final(folder) / "weights").write_text("theirs")
        if there == "that of another run":
            (final(folder) / "seconds.txt").write_text("123.0")

    def final(folder):
        return folder.with_name(folder.name.split(".part-")[0])

    def load(folder):
        loaded.append((folder / "weights").read_text())
        return system

    system = types.SimpleNamespace(
        learns=True, batch_size=2, augments=False, fit=lambda *_, **__: None, save=save
    )
    monkeypatch.setattr(cell_run, "build", lambda *_, **__: system)
    monkeypatch.setattr(cell_run, "System", types.SimpleNamespace(load=load))
    data = BenchmarkData("made", (), (), SHAPE, ("a",), ("b",))
    plan = Plan("known", (VARIANT,), data, data, Settings())
    seconds = [cell_run.trained_system(plan, VARIANT, 0, tmp_path)[1] for _ in range(2)]
    theirs = there == "that of another run"
    assert loaded == (["theirs"] if theirs else ["ours"]) * 2
    assert seconds[0] == seconds[1] and (seconds[0]["train system"] == 123.0) == theirs
    assert len(list((tmp_path / "systems").iterdir())) == 1
