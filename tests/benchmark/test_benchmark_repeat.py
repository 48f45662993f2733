"""One seed on one backend gives one table, with all that is trained for it and after SIGKILL."""

import pathlib
import signal
import subprocess
import sys

import keras
import pytest
from stand_ins import make_attackers_small

from keras_stprivacy.benchmark import Settings
from keras_stprivacy.benchmark.data import load_data
from keras_stprivacy.benchmark.plan import Plan
from keras_stprivacy.benchmark.run import run
from keras_stprivacy.benchmark.variant import Variant

COLLECTIVE = Variant(
    "collective",
    "collective",
    "Collective",
    {"epochs": 1, "width": 0.25, "action_epochs": 1, "action_width": 0.125, "batch_size": 16},
)


def tiny_plan():
    """A plan of raw clips and a system that learns, with few clips."""
    # TensorFlow takes long to compile transformers; tests/evaluation has them twice.
    main = "linear_probe" if keras.backend.backend() == "tensorflow" else "video_transformer"
    settings = Settings(
        seeds=1,
        attackers=(main, "reconstruction"),
        epochs=1,
        batch_size=16,
        train_clips=32,
        test_clips=24,
    )
    data = load_data("motion-digits", settings)
    return Plan("known", (COLLECTIVE,), data, data, settings)


def rows_of(report):
    """All numbers of a report but the time they took."""
    rows = report.to_dict()["rows"]
    for row in rows:
        row.pop("seconds")
    return rows


KILLED = """
import os, signal, sys
sys.path[:0] = [sys.argv[1], os.path.dirname(sys.argv[1])]
import conftest  # as many threads as in the tests: sums in another order are other numbers
from stand_ins import ATTACKERS, SMALL
from test_benchmark_repeat import run, tiny_plan
from keras_stprivacy.benchmark import cell_run

attack = cell_run._attack

def attack_raw_clips(*given):
    if given[1].id != "raw":  # its system is trained and saved
        os.kill(os.getpid(), signal.SIGKILL)
    return attack(*given)

cell_run._attack = attack_raw_clips
ATTACKERS.update(SMALL)
run(tiny_plan(), sys.argv[2])
"""


@pytest.mark.skipif(
    keras.backend.backend() == "jax",
    reason="compiling takes JAX over a minute; that one seed gives one report is tested in "
    "tests/evaluation there",
)
def test_a_run_killed_before_it_attacks_what_it_trained_ends_as_one_that_was_not(
    tmp_path, monkeypatch
):
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    process = subprocess.run(
        [sys.executable, "-c", KILLED, str(pathlib.Path(__file__).parent), str(killed)],
        capture_output=True,
        text=True,
    )
    assert process.returncode == -signal.SIGKILL, process.stderr
    assert [path.name.split("-")[0] for path in (killed / "cells").iterdir()] == ["raw"]
    (network,) = killed.glob("systems/*/*.keras")
    saved = network.stat().st_mtime_ns

    make_attackers_small(monkeypatch)
    plan = tiny_plan()
    expected, report = run(plan, whole), run(plan, killed)
    assert network.stat().st_mtime_ns == saved  # taken as it was, not trained again
    assert not expected.failures and rows_of(report) == rows_of(expected)
    row = expected["collective"]
    assert row.attackers["reconstruction"]["psnr"].value is not None
    assert row.scores["cmap"].value != expected["raw"].scores["cmap"].value
