"""The same weights, batches and noise give the same training and the same files on all backends."""

import importlib.util
import itertools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.any_backend

WORKER = Path(__file__).with_name("backend_worker.py")
BACKENDS = [b for b in ("tensorflow", "jax", "torch") if importlib.util.find_spec(b)]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """What each backend wrote: `{(what, backend): {name: array}}`."""
    if len(BACKENDS) < 2:
        pytest.skip(f"two backends are needed; installed: {BACKENDS}")
    folder = tmp_path_factory.mktemp("backends")
    workers = {}
    for backend in BACKENDS:
        environment = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
        with (folder / f"{backend}.log").open("w") as log:
            workers[backend] = subprocess.Popen(
                [sys.executable, str(WORKER), str(folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=environment,
            )
    try:
        for backend, worker in workers.items():
            assert worker.stdout.readline() == "saved\n", (folder / f"{backend}.log").read_text()
        for worker in workers.values():
            worker.stdin.write("load\n")
            worker.stdin.flush()
        for backend, worker in workers.items():
            worker.communicate(timeout=300)
            assert worker.returncode == 0, (folder / f"{backend}.log").read_text()
    finally:
        for worker in workers.values():
            worker.kill()
            worker.communicate()
    found = {}
    for path in folder.glob("*.npz"):
        with np.load(path) as file:
            what, backend = path.stem.rsplit(".", 1)
            found[what, backend] = {name: file[name] for name in file.files}
    return found


PAIRS = list(itertools.combinations(BACKENDS, 2))


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
@pytest.mark.parametrize(
    "run",
    [
        "simultaneous",
        "alternating",
        "alternating, base rate",
        "several actions",
        "initialization",
        "initialization, several actions",
    ],
)
def test_three_training_steps_agree(run, pair, results):
    ours, theirs = (results[run, backend] for backend in pair)
    assert list(ours) == list(theirs)
    assert any(name.startswith("step 2/") for name in ours)
    for name in ours:
        np.testing.assert_allclose(ours[name], theirs[name], rtol=0, atol=1e-4, err_msg=name)


@pytest.mark.parametrize("loader", BACKENDS)
@pytest.mark.parametrize("saver", BACKENDS)
@pytest.mark.parametrize("model", ["anonymizer", "anonymizer of bits", "recognizer"])
def test_a_file_gives_the_same_result_on_every_backend(model, saver, loader, results):
    saved, loaded = results[f"saved {model}", saver], results[f"loaded {model} of {saver}", loader]
    assert list(saved) == list(loaded) != []
    for name in saved:
        np.testing.assert_allclose(loaded[name], saved[name], rtol=0, atol=1e-5, err_msg=name)
