"""Which systems a benchmark measures, and how they are set."""

import dataclasses
import shlex

import keras
import numpy as np
import pytest
from click.testing import CliRunner

import keras_stprivacy as stp
from keras_stprivacy.baselines import build
from keras_stprivacy.benchmark import cell_run
from keras_stprivacy.benchmark.environment import arithmetic
from keras_stprivacy.benchmark.plan import Plan
from keras_stprivacy.benchmark.run import _Session
from keras_stprivacy.benchmark.variant import Variant, fingerprint, system_variants
from keras_stprivacy.cli.main import main

SETTINGS = stp.benchmark.Settings(seeds=1, train_clips=16, test_clips=16)


@pytest.fixture
def planned(monkeypatch):
    plans = []
    for module in ("protocols", "sweeps"):
        monkeypatch.setattr(
            f"keras_stprivacy.benchmark.{module}.run", lambda plan, *_: plans.append(plan)
        )
    return plans


def _built(variant, preset="embedded"):
    return build(variant.system, preset=preset, **variant.settings)


@pytest.mark.any_backend
@pytest.mark.parametrize("protocol", ["known", "unseen", "frames", "fapder", "ospar"])
def test_every_protocol_takes_settings_of_systems(protocol, planned):
    settings = dataclasses.replace(SETTINGS, system_settings={"vita": {"steps": 7}})
    run = stp.benchmark.PROTOCOLS[protocol]
    run("motion-digits", "nowhere", systems=["vita", "collective"], settings=settings)
    steps = {v.system: v.settings for v in planned[0].variants}
    assert steps == {"raw": {}, "vita": {"steps": 7}, "collective": {}}
    assert _built(planned[0].variants[1]).steps == 7
    with pytest.raises(ValueError, match="settings for vita, but the systems are collective"):
        run("motion-digits", "nowhere", systems=["collective"], settings=settings)


@pytest.mark.any_backend
def test_sweeps_start_from_given_settings(planned):
    given = {"bottleneck_bits": 2, "action_weight": 3.0}
    settings = dataclasses.replace(SETTINGS, system_settings={"stprivacy": given})
    stp.benchmark.ablations("motion-digits", "nowhere", settings=settings)
    systems = {variant.id: _built(variant) for variant in planned[0].variants}
    weights = {name: system.action_weight for name, system in systems.items() if name != "raw"}
    assert {name for name, weight in weights.items() if weight != 3.0} == {
        "stprivacy-action_weight-0",
        "stprivacy-action_weight-1",
    }
    assert sorted(set(weights.values())) == [1.5, 3.0, 6.0]
    assert systems["anonymization_alone"].bottleneck_bits == 2
    assert systems["sparsification_alone"].bottleneck_bits is None
    stp.benchmark.deployment("motion-digits", "nowhere", settings=settings, keep_ratios=(0.8, 0.4))
    swept = [_built(v) for v in planned[1].variants if v.system == "stprivacy"]
    assert [(s.bottleneck_bits, s.keep_ratios) for s in swept] == [(2, (0.8, 0.4))] * 2
    for run in (stp.benchmark.ablations, stp.benchmark.deployment):
        with pytest.raises(ValueError, match="settings for stprivacy, but the systems are"):
            run("motion-digits", "nowhere", systems=["stprivacy_paper"], settings=settings)


@pytest.mark.any_backend
def test_options_of_a_swept_system_stand_beside_what_the_sweep_sets(planned):
    options = {"phase_options": {"noise": 0.5}, "remove_dropped": True}
    settings = dataclasses.replace(SETTINGS, system_settings={"stprivacy": options})
    ratios = (0.8, 0.4)
    for given in (SETTINGS, settings):
        stp.benchmark.deployment("motion-digits", "out", settings=given, keep_ratios=ratios)
    usual, changed = (plan.variants[1].settings for plan in planned)
    prices = usual["phase_options"]["ratio_prices"]
    assert len(prices) == 2 and changed["phase_options"] == {"ratio_prices": prices, "noise": 0.5}
    assert changed["keep_ratios"] == ratios and changed["remove_dropped"] is True
    own = {"phase_options": {"ratio_prices": (1.0, 2.0)}, "keep_ratios": (0.9, 0.4)}
    settings = dataclasses.replace(SETTINGS, system_settings={"stprivacy": own})
    stp.benchmark.deployment("motion-digits", "out", settings=settings, keep_ratios=ratios)
    assert own.items() <= planned[-1].variants[1].settings.items()


@pytest.mark.any_backend
def test_a_sweep_has_no_two_ratios_that_keep_as_many_tubelets(planned, monkeypatch):
    stp.benchmark.deployment("motion-digits", "out", settings=SETTINGS)
    stp.benchmark.deployment("motion-digits", "out", settings=SETTINGS, keep_ratios=(0.4, 0.3))
    usual, asked = planned
    assert [v.keep_ratio for v in usual.variants[1:]] == [0.9, 0.8, 0.7, 0.6, 0.5, 0.4]
    assert {len(_built(v).keep_ratios) for v in usual.variants[1:]} == {6} and not usual.notes
    assert [v.keep_ratio for v in asked.variants[1:]] == [0.4, 0.3]
    assert "keeps 4 tubelets of a clip at each of the keep ratios 0.4, 0.3" in asked.notes[0]
    data = stp.benchmark.sweeps.load_data("motion-digits", SETTINGS)
    data = dataclasses.replace(data, clip_shape=(16, 112, 112, 3))
    monkeypatch.setattr("keras_stprivacy.benchmark.sweeps.load_data", lambda *_: data)
    stp.benchmark.deployment("made", "out", settings=SETTINGS)
    assert len(planned[-1].variants) == 8 and not planned[-1].notes


@pytest.mark.any_backend
@pytest.mark.parametrize("preset", ["embedded", None])
def test_halves_have_the_recipe_of_their_whole(preset, planned, monkeypatch):
    if preset is None:
        data = stp.benchmark.sweeps.load_data("motion-digits", SETTINGS)
        data = dataclasses.replace(data, clip_shape=(16, 112, 112, 3))
        assert data.preset is None
        monkeypatch.setattr("keras_stprivacy.benchmark.sweeps.load_data", lambda *_: data)
    for whole in ("stprivacy", "stprivacy_paper"):
        stp.benchmark.ablations("motion-digits", "out", systems=[whole], settings=SETTINGS)
        wanted = build(whole, preset=preset).get_config()
        halves = [v for v in planned[-1].variants if v.system.endswith("_alone")]
        assert len(halves) == 2
        for variant in halves:
            half = _built(variant, preset)
            others = {k: v for k, v in half.get_config().items() if k not in half.fixed}
            assert others == {name: wanted[name] for name in others}
        sparse, rewritten = (_built(variant, preset) for variant in halves)
        assert sparse.bottleneck_bits is None and sparse.bits_information_weight == 0
        assert rewritten.keep_ratio == 1.0


@pytest.mark.any_backend
def test_the_recipe_that_hides_is_the_default_at_every_size():
    for preset in ("embedded", None):
        ours, paper = (build(n, preset=preset) for n in ("stprivacy", "stprivacy_paper"))
        assert ours.mask_information_weight > 0 and ours.output_activation == "sigmoid"
        assert paper.mask_information_weight == 0 and paper.output_activation is None
        assert (paper.gate, paper.privacy_objective) == ("gumbel_softmax", "negated")
        sizes = ("hidden_dim", "num_heads", "layers_per_block", "adversarial_epochs", "keep_ratio")
        assert all(getattr(ours, name) == getattr(paper, name) for name in sizes)


@pytest.mark.any_backend
def test_weights_of_a_system_count_by_their_content(tmp_path):
    path, moved = tmp_path / "vit.npz", tmp_path / "moved.npz"
    np.savez(path, a=np.zeros(2))
    moved.write_bytes(path.read_bytes())
    known = [
        Variant("s", "stprivacy", "S", {"weights": str(p)}).of_fit(None) for p in (path, moved)
    ]
    assert known[0] == known[1] and "sha256" in known[0]["settings"]["weights"]
    np.savez(moved, a=np.ones(3))
    assert Variant("s", "stprivacy", "S", {"weights": str(moved)}).of_fit(None) != known[0]


@pytest.mark.any_backend
def test_changed_systems_leave_their_curve():
    plain, changed = system_variants(["downsample_2x", "weak_blur"], {"weak_blur": {"size": 3}})
    assert plain.curves and not changed.curves


@pytest.mark.any_backend
def test_settings_from_the_command_line(monkeypatch, tmp_path):
    given = {}

    def known(data, out, systems, settings, progress):
        given.update(systems=systems, settings=settings.system_settings)
        raise ValueError("seen enough")

    monkeypatch.setitem(stp.benchmark.PROTOCOLS, "known", known)
    changes = ["vita.pretraining=l1", "vita.steps=7", "stprivacy.tubelet_size=[4, 8, 8]"]
    words = [word for change in changes for word in ("--set", change)]
    result = CliRunner().invoke(
        main, ["benchmark", "known", "--systems", "vita,stprivacy", *words, "--out", str(tmp_path)]
    )
    assert "seen enough" in result.output
    assert given["settings"] == {
        "vita": {"pretraining": "l1", "steps": 7},
        "stprivacy": {"tubelet_size": [4, 8, 8]},
    }


@pytest.mark.any_backend
@pytest.mark.parametrize(
    ("change", "words", "code"),
    [
        ("vita.steps", "--set needs SYSTEM.SETTING=VALUE", 2),
        ("steps=3", "--set needs SYSTEM.SETTING=VALUE", 2),
        ("vita.step=3", "vita has no setting step. There are:", 1),
        ("spact.steps=3", "settings for spact, but the systems are vita", 1),
    ],
)
def test_wrong_settings_are_said_before_anything_runs(change, words, code, tmp_path):
    few = ["--train-clips", "16", "--test-clips", "16"]
    arguments = ["benchmark", "known", *few, "--systems", "vita", "--set", change]
    result = CliRunner().invoke(main, [*arguments, "--out", str(tmp_path / "out")])
    assert result.exit_code == code, result.output
    assert words in result.output and "Traceback" not in result.output
    assert "running" not in result.output


@pytest.mark.any_backend
def test_a_report_tells_its_command(tmp_path, monkeypatch):
    class Report:
        settings, failures = {}, {}

        def save(self, out):
            return [out / "report.md"]

    report = Report()
    monkeypatch.setitem(stp.benchmark.PROTOCOLS, "known", lambda *_, **__: report)
    words = ["known", "--quick", "--systems", "raw,vita", "--set", "vita.steps=7"]
    words += ["--set", "vita.objective='en tropy'", "-o", "results"]
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, ["benchmark", *words])
    assert result.exit_code == 0, result.output
    told = report.settings["command"]
    assert told.startswith("stprivacy benchmark known ")
    again = CliRunner().invoke(main, shlex.split(told)[1:])
    assert again.exit_code == 0 and report.settings["command"] == told
    assert "--out results" in told and "--quick" in told and "--workers" not in told

    for idle, whose in (
        (["--num-frames", "8"], "--num-frames is for clips of records"),
        (["--no-augment"], "--no-augment is for clips of records"),
        (["--data", "some/records", "--test-clips", "9"], "--test-clips is for clips of the embed"),
    ):
        result = CliRunner().invoke(main, ["benchmark", "known", "-o", "results", *idle])
        assert result.exit_code == 2 and whose in result.output, result.output


@pytest.mark.any_backend
@pytest.mark.parametrize("setting", [{"seed": 3}, {"clip_shape": (4, 32, 32, 3)}])
def test_seeds_and_sizes_are_the_benchmarks(setting):
    with pytest.raises(ValueError, match=f"{next(iter(setting))} of a system are the benchmark's"):
        system_variants(["vita"], {"vita": setting})


@pytest.mark.any_backend
@pytest.mark.parametrize(
    ("setting", "words"),
    [({"gate": "gumbel_softmax"}, "remove_dropped=True"), ({"bottleneck_bits": None}, "bits_")],
)
def test_settings_that_do_not_go_together_are_said_before_anything_is_trained(setting, words):
    for preset in ("embedded", None):
        with pytest.raises(ValueError, match=words):
            build("stprivacy", preset=preset, **setting)


@pytest.mark.any_backend
def test_what_is_computed_in_another_precision_is_another_number(monkeypatch, tmp_path):
    data = stp.benchmark.sweeps.load_data("motion-digits", SETTINGS)
    plan = Plan("known", system_variants(["vita"]), data, data, SETTINGS)

    class StoppedError(Exception):
        pass

    def stop(*_):
        raise StoppedError

    made = []
    known = lambda content: made.append(fingerprint(content)) or made[-1]  # noqa: E731
    monkeypatch.setattr(cell_run, "fingerprint", known)
    monkeypatch.setattr(cell_run, "restart", stop)  # before anything is trained

    def names():
        """Fingerprints of a recognizer, a trained system, and the cells of both systems."""
        made.clear()
        cell_run._recognizer_path(plan, 0, "action", tmp_path)
        with pytest.raises(StoppedError):
            cell_run.trained_system(plan, plan.variants[1], 0, tmp_path)
        return [*made, *_Session(plan, tmp_path, lambda line: None, 0).known.values()]

    kept = keras.config.dtype_policy()
    usual = names()
    try:
        keras.config.set_dtype_policy("mixed_bfloat16")
        mixed = names()
        assert arithmetic() == {
            "backend": keras.backend.backend(),
            "dtype_policy": "mixed_bfloat16",
        }
    finally:
        keras.config.set_dtype_policy(kept)
    assert arithmetic() == {"backend": keras.backend.backend()}
    assert not set(usual) & set(mixed) and len(usual) == 4


@pytest.mark.any_backend
def test_a_new_version_of_systems_is_one_of_those_that_learn(monkeypatch):
    variants = [Variant(name, name, "") for name in ("raw", "vita")]
    before = [variant.of_cell("embedded") for variant in variants]
    assert not any("version" in of_cell for of_cell in before)
    monkeypatch.setattr("keras_stprivacy.benchmark.variant.SYSTEM_VERSION", 2)
    raw, vita = (variant.of_cell("embedded") for variant in variants)
    assert raw == before[0] and vita == {**before[1], "version": 2}
