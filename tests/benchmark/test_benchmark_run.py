"""The command end to end, at a tiny size: it resumes after SIGKILL and repeats itself."""

import dataclasses
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

import keras
import numpy as np
import pytest
from click.testing import CliRunner
from stand_ins import make_attackers_small

import keras_stprivacy as stp
from keras_stprivacy.cli.main import main
from keras_stprivacy.evaluation import strongest
from keras_stprivacy.evaluation.attack import Attack

TINY = ["--train-clips", "96", "--test-clips", "24", "--epochs", "1", "--attackers", "linear_probe"]
SETTINGS = stp.benchmark.Settings(
    seeds=1, attackers=("linear_probe",), epochs=1, train_clips=96, test_clips=24, batch_size=32
)


def _numbers(folder):
    content = json.loads((folder / "report.json").read_text())
    for row in content["rows"]:
        row.pop("seconds")
    return content["rows"]


@pytest.mark.any_backend
def test_a_killed_run_goes_on_and_ends_as_if_nothing_had_happened(tmp_path):
    systems = ["--systems", "downsample_2x,weak_blur", "--seeds", "2"]
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    command = [sys.executable, "-m", "keras_stprivacy.cli.main", "benchmark", "known"]
    process = subprocess.Popen(
        [*command, *TINY, *systems, "--out", str(killed)],
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    stop = time.monotonic() + 240
    while time.monotonic() < stop and not list(killed.glob("cells/*.json")):
        assert process.poll() is None, "the run ended before it had a cell"
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    finished = {path.name: path.stat().st_mtime_ns for path in killed.glob("cells/*.json")}
    assert 0 < len(finished) < 6
    assert not (killed / "report.json").exists()
    # As if the kill had come while a cell, and a recognizer, were being written.
    ending = f".part-{socket.gethostname()}-{process.pid}"
    halves = [killed / "cells" / f"weak_blur-0123456789abcdef-seed1.json{ending}"]
    halves += [killed / "recognizers" / f"raw.weights.h5{ending}.weights.h5"]
    for half in halves:
        half.parent.mkdir(exist_ok=True)
        half.write_text("half")
    clips = killed / f"clips-weak_blur-seed1{ending}" / "anonymized.uint8"
    clips.parent.mkdir()
    clips.write_text("clips that memory did not hold")

    result = CliRunner().invoke(main, ["benchmark", "known", *TINY, *systems, "-o", str(killed)])
    assert result.exit_code == 0, result.output
    assert result.stderr.count("finished before") == len(finished)
    assert not [path for path in killed.rglob("*") if ".part" in path.name]
    for name, written in finished.items():
        assert (killed / "cells" / name).stat().st_mtime_ns == written
    again = CliRunner().invoke(main, ["benchmark", "known", *TINY, *systems, "-o", str(whole)])
    assert again.exit_code == 0, again.output
    assert _numbers(killed) == _numbers(whole)
    assert "Downsample-2x" in result.stdout and (whole / "report.html").is_file()
    assert "in a run of" in again.stdout and "in a run of" not in result.stdout
    reports = [json.loads((out / "report.json").read_text()) for out in (killed, whole)]
    took = [report["settings"]["run_seconds"] for report in reports]
    assert took[0] is None and took[1] > 0


@pytest.mark.any_backend
def test_a_learned_system_is_trained_once_and_swept(tmp_path, monkeypatch):
    from keras_stprivacy.baselines import STPrivacy

    few = {"initialization_epochs": 1, "adversarial_epochs": 0, "batch_size": 32}
    small = {"hidden_dim": 24, "num_heads": 2, "num_sparsification_blocks": 1}
    monkeypatch.setattr(STPrivacy, "embedded", {**STPrivacy.embedded, **few, **small})
    lines = []
    report = stp.benchmark.deployment(
        "motion-digits",
        tmp_path,
        settings=SETTINGS,
        keep_ratios=(1.0, 0.5),
        progress=lines.append,
    )
    assert [row.id for row in report.rows[:3]] == ["raw", "stprivacy-keep-1", "stprivacy-keep-0.5"]
    assert len(list((tmp_path / "systems").iterdir())) == 1
    assert report["stprivacy-keep-1"].kept_share == 1.0
    assert report["stprivacy-keep-0.5"].kept_share == 0.5
    seconds = {row.seconds.get("train system") for row in report.rows[1:3]}
    assert len(seconds) == 1 and report.pictures
    clips = report.pictures[1][2][0]["rows"]
    assert list(clips) == ["raw", "sparsified", "anonymized"]


@pytest.mark.any_backend
def test_attackers_start_from_given_weights(tmp_path, monkeypatch):
    make_attackers_small(monkeypatch)
    loaded = []
    monkeypatch.setattr(
        "keras_stprivacy.evaluation.attackers.video_transformer.load_weights_from",
        lambda model, state, layout: loaded.append((model.num_classes, state, layout)),
    )
    path = tmp_path / "vit.npz"
    path.write_bytes(b"weights")
    given = {"attacker_weights": str(path), "attacker_layout": "timm"}
    attackers = ("video_transformer", "reconstruction")
    settings = dataclasses.replace(SETTINGS, attackers=attackers, **given)
    report = stp.benchmark.known(
        "motion-digits", tmp_path, systems=["downsample_2x"], settings=settings
    )
    # Of raw clips, of those given out, and the first ones again, to read rebuilt clips.
    assert loaded == 3 * [(8, str(path), "timm"), (5, str(path), "timm")]
    said = report.settings["attacker_weights"]
    assert said["layout"] == "timm" and len(said["sha256"]) == 64
    assert str(tmp_path) not in json.dumps(report.settings)
    assert "attacker_weights" not in SETTINGS.of_cell()
    before = settings.of_cell()
    path.write_bytes(b"other weights")
    assert settings.of_cell() != before
    with pytest.raises(ValueError, match="none of these attacks"):
        dataclasses.replace(settings, attackers=("conv3d", "frame"))
    with pytest.raises(FileNotFoundError, match="no weights file"):
        dataclasses.replace(settings, attacker_weights=str(tmp_path / "nothing.npz"))


@pytest.mark.any_backend
def test_who_reads_rebuilt_clips_is_chosen_on_clips_that_nobody_learned_from(tmp_path, monkeypatch):
    held, offered = [], []
    split, choose = Attack._split, strongest.choose_strongest

    def kept_split(self, *given):
        held.append(split(self, *given))
        return held[-1]

    def chosen(candidates, labels, main, names):
        offered.append({name: said.shape for name, said in candidates.items()})
        _, notes = choose(candidates, labels, main, names)
        return dict.fromkeys(names, "reconstruction"), notes

    monkeypatch.setattr(Attack, "_split", kept_split)
    monkeypatch.setattr(strongest, "choose_strongest", chosen)
    settings = dataclasses.replace(SETTINGS, attackers=("linear_probe", "reconstruction"))
    report = stp.benchmark.known("motion-digits", tmp_path, ["downsample_2x"], settings)
    (raw_learn, raw_held), (learn, hold) = held
    assert raw_held.tolist() == hold.tolist() and len(hold) == 10
    assert not set(learn) & set(hold) and raw_learn.tolist() == learn.tolist()
    assert offered == [{"linear_probe": (10, 5), "reconstruction": (10, 5)}]
    row = report["downsample_2x"]
    assert row.scores["cmap"].value == row.attackers["reconstruction"]["cmap"].value
    assert row.scores["cmap"].value != row.attackers["linear_probe"]["cmap"].value


ONCE = [pytest.param(name, marks=pytest.mark.any_backend) for name in ("frames", "fapder", "ospar")]


@pytest.mark.parametrize("protocol", ["unseen", *ONCE])
def test_protocols(protocol, tmp_path):
    report = stp.benchmark.PROTOCOLS[protocol](
        "motion-digits", tmp_path, systems=["blacken"], settings=SETTINGS
    )
    assert [row.id for row in report.rows] == ["raw", "blacken", "chance", "action_only"]
    assert report.quoted and not report.failures
    notes = " ".join(report.notes)
    if protocol == "unseen":
        assert len(report.class_names) == 4 and "attackers had clips of the others" in notes
    if protocol == "frames":
        alone = dataclasses.replace(SETTINGS, attackers=("frame",))
        stp.benchmark.frames("motion-digits", tmp_path / "one", systems=["blacken"], settings=alone)
        assert "192 frames of 24 videos" in notes and list(report["raw"].attackers) == ["frame"]
    if protocol == "ospar":
        assert {"action_cmap", "cmap_object", "cmap_scene"} <= set(report["raw"].scores)
        aps = [report["raw"].attributes[name]["ap"].value for name in report.attribute_names[3:]]
        assert report["raw"].scores["cmap_scene"].value == pytest.approx(np.mean(aps))
    assert "nan" not in str(report).lower()


@pytest.mark.any_backend
def test_raw_clips_are_read_anew_where_their_readers_are_gone(tmp_path):
    attackers = ("linear_probe", "reconstruction")
    settings = dataclasses.replace(SETTINGS, attackers=attackers, train_clips=64)
    lines = []
    for _ in range(3):
        lines.append([])
        report = stp.benchmark.known(
            "motion-digits",
            tmp_path,
            systems=["blacken"],
            settings=settings,
            progress=lines[-1].append,
        )
        assert "reconstruction" in report["blacken"].attackers
        if len(lines) == 2:
            for path in (tmp_path / "recognizers").iterdir():
                path.unlink()
    finished = [sum("finished before" in line for line in each) for each in lines]
    assert finished == [0, 2, 1]  # blacken stays, raw is measured anew


@pytest.mark.any_backend
def test_systems_learn_all_actions_of_a_clip(tmp_path, monkeypatch):
    from keras_stprivacy.baselines import Collective

    given = {}

    def fit(self, train, num_actions, multi_label, **others):
        given.update(train=train, num_actions=num_actions, multi_label=multi_label)
        raise ValueError("seen enough")

    monkeypatch.setattr(Collective, "fit", fit)
    report = stp.benchmark.ospar(
        "motion-digits", tmp_path, systems=["collective"], settings=SETTINGS
    )
    assert report.failures == {"collective": "ValueError: seen enough"}
    assert given["multi_label"] is True and given["num_actions"] == 11
    assert (given["train"][1]["action"].sum(axis=1) == 2).all()
    assert not any("rarest" in note for note in report.notes)


@pytest.mark.any_backend
def test_ablations_change_one_thing_at_a_time(monkeypatch):
    planned = []
    monkeypatch.setattr(
        "keras_stprivacy.benchmark.sweeps.run", lambda plan, out, progress: planned.append(plan)
    )
    stp.benchmark.ablations("motion-digits", "nowhere", settings=SETTINGS)
    variants = {variant.id: variant for variant in planned[0].variants}
    assert variants["stprivacy"].settings == {}
    changed = [set(v.settings) for v in variants.values() if v.settings]
    assert all(len(names) == 1 for names in changed)
    assert set().union(*changed) == {
        "keep_ratio",
        "tubelet_size",
        "action_weight",
        "privacy_weight",
    }
    depths = {tuple(v.settings["tubelet_size"]) for v in variants.values()
              if "tubelet_size" in v.settings}  # fmt: skip
    assert depths == {(1, 8, 8), (4, 8, 8), (8, 8, 8)}
    assert {"sparsification_alone", "anonymization_alone"} <= set(variants)
    both = ["stprivacy", "stprivacy_paper"]
    stp.benchmark.ablations("motion-digits", "nowhere", systems=both, settings=SETTINGS)
    variants = planned[1].variants  # a plan with one id twice cannot be made
    places = {}
    for variant in variants:
        for curve, place in variant.curves.items():
            places.setdefault(curve, []).append(place)
    kept = {curve: sorted(at) for curve, at in places.items() if "keep ratio" in curve}
    ratios = [0.5, 0.6, 0.7, 0.8, 0.9]  # one of them is the system as it is
    assert kept == {"STPrivacy, keep ratio": ratios, "STPrivacy, eq. 13, keep ratio": ratios}
    assert all(len(set(at)) == len(at) > 2 for at in places.values())
    with pytest.raises(ValueError, match="parts must be"):
        stp.benchmark.ablations("motion-digits", "nowhere", parts=["nothing"])
    with pytest.raises(ValueError, match="no keep ratio"):
        stp.benchmark.deployment("motion-digits", "nowhere", systems=["raw"], settings=SETTINGS)


@pytest.mark.any_backend
@pytest.mark.parametrize(
    ("arguments", "words", "code"),
    [
        (["known", "--systems", "vitta"], "no system is named 'vitta'", 1),
        (["known", "--data", "not_there"], "not_there", 1),
        (["known", "--to", "x"], "--to is for unseen", 2),
        (["known", "--parts", "halves"], "--parts is for ablations", 2),
        (["ospa"], "Invalid value", 2),
        (["known", "--attackers", "mask"], "attackers reads the action", 1),
        (["known", "--attacker-layout", "timm"], "go together", 2),
        (["known", "--keep-ratios", "1,0.5"], "--keep-ratios is for the deployment", 2),
        (["deployment", "--keep-ratios", "1,half"], "numbers joined by commas", 2),
        (["deployment", "--keep-ratios", "1,1.5"], "must be a number in (0, 1]", 1),
        (["deployment", "--keep-ratios", ""], "numbers joined by commas", 2),
        (["deployment", "--keep-ratios", "1,0.5,1.0"], "must differ", 1),
    ],
)
def test_wrong_arguments(arguments, words, code, tmp_path):
    result = CliRunner().invoke(main, ["benchmark", *arguments, "--out", str(tmp_path / "out")])
    assert result.exit_code == code
    assert words in result.output and "Traceback" not in result.output
    assert keras.backend.backend() and not (tmp_path / "out" / "report.json").exists()


@pytest.mark.any_backend
def test_two_workers_measure_what_one_does(tmp_path, monkeypatch):
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
    systems = ["blacken", "downsample_2x", "weak_blur"]
    lines = {}
    reports = {}
    for workers in (1, 2):
        lines[workers] = []
        reports[workers] = stp.benchmark.known(
            "motion-digits",
            tmp_path / str(workers),
            systems=systems,
            settings=dataclasses.replace(SETTINGS, workers=workers),
            progress=lines[workers].append,
        )
    one, two = reports[1], reports[2]
    assert one.failures.keys() == two.failures.keys()
    assert [row.id for row in one.rows] == [row.id for row in two.rows]
    for row in ("raw", "blacken"):
        for key, value in one[row].scores.items():
            assert two[row].scores[key].value == pytest.approx(value.value, abs=0.09)  # two of 24
    # Two at a time: the third is begun when one of these has ended.
    assert all("running" in line for line in lines[2][:2]) and "running" not in lines[2][2]
    assert two.settings["workers"] == 2 and "2 cells at a time" in str(two)


@pytest.mark.any_backend
def test_workers_end_with_a_killed_run(tmp_path):
    command = [sys.executable, "-m", "keras_stprivacy.cli.main", "benchmark", "known"]
    arguments = [*TINY, "--train-clips", "2000", "--epochs", "200", "--seeds", "2"]
    process = subprocess.Popen(
        [*command, *arguments, "--workers", "2", "--out", str(tmp_path)],
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    stop = time.monotonic() + 240
    while time.monotonic() < stop and len(workers := _children(process.pid)) < 3:
        assert process.poll() is None, "the run ended before it had workers"
        time.sleep(0.1)
    process.send_signal(signal.SIGKILL)
    process.wait()
    stop = time.monotonic() + 60
    while time.monotonic() < stop and any(_runs(worker) for worker in workers):
        time.sleep(0.1)
    assert len(workers) >= 2 and not any(_runs(worker) for worker in workers)


def _children(parent):
    paths = pathlib.Path(f"/proc/{parent}/task").glob("*/children")
    return [int(child) for path in paths for child in path.read_text().split()]


def _runs(process):
    try:
        state = pathlib.Path(f"/proc/{process}/stat").read_text()
        return state.rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
