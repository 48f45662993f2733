"""What is said where a package is not installed: which one, and how to come by it."""

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from keras_stprivacy.export import ExportError, saved_model
from keras_stprivacy.missing_backend import missing_backend

pytestmark = pytest.mark.any_backend

ROOT = Path(__file__).resolve().parents[2]
BLOCK = """
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == {package!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Block())
"""


@pytest.fixture
def without(tmp_path):
    """Makes the environment of a fresh process in which a package cannot be imported."""

    def make(package, backend):
        # Python runs a file of this name at its start.
        (tmp_path / "sitecustomize.py").write_text(BLOCK.format(package=package))
        search_path = os.pathsep.join([str(tmp_path), str(ROOT)])
        environment = {**os.environ, "PYTHONPATH": search_path, "TF_CPP_MIN_LOG_LEVEL": "3"}
        environment.pop("KERAS_BACKEND", None)
        # Without the variable, a file in this folder says which backend; without it, TensorFlow.
        environment["KERAS_HOME"] = str(tmp_path)
        return environment | ({"KERAS_BACKEND": backend} if backend else {})

    return make


def fails(code, environment):
    """The standard error of a program that ends in an error."""
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stderr
    return done.stderr


@pytest.mark.parametrize(
    ("package", "backend", "code"),
    [
        ("torch", "torch", "import keras_stprivacy; keras_stprivacy.models"),
        ("jax", "jax", "from keras_stprivacy import training"),
        ("tensorflow", "tensorflow", "import keras_stprivacy; keras_stprivacy.layers"),
        ("tensorflow", None, "from keras_stprivacy import evaluation"),
    ],
)
def test_a_missing_backend_names_its_extra(without, package, backend, code):
    said = fails(code, without(package, backend))
    asked = f"KERAS_BACKEND={backend}" if backend else "Keras's configuration"
    message = (
        f"ModuleNotFoundError: {asked} needs the package {package!r}, which is not installed. "
        f"Install it: pip install 'keras-stprivacy[{package}]', or set KERAS_BACKEND to another of "
        "tensorflow, jax, torch."
    )
    assert said.splitlines()[-1] == message
    assert f"No module named {package!r}" in said and "direct cause" in said


def test_a_backend_that_is_none_of_ours_names_those_that_are(without):
    said = fails("import keras_stprivacy; keras_stprivacy.models", without("openvino", "openvino"))
    needed = "KERAS_BACKEND=openvino needs the package 'openvino', which is not installed. Set"
    assert f"{needed} KERAS_BACKEND to one of tensorflow, jax, torch." in said.splitlines()[-1]


def test_a_backend_that_does_not_train_is_named(without):
    last = fails("import keras_stprivacy.training", without("none_such", "numpy")).splitlines()[-1]
    needed = r"ImportError: keras_stprivacy (runs|trains) on the backends tensorflow, jax and torch"
    assert re.fullmatch(rf"{needed}\. Received: KERAS_BACKEND=numpy", last)


@pytest.mark.parametrize(("backend", "package"), [("torch", "av"), ("jax", "torch"), (None, "")])
def test_another_package_that_is_missing_is_not_taken_for_the_backend(
    backend, package, monkeypatch
):
    monkeypatch.delenv("KERAS_BACKEND")
    if backend:
        monkeypatch.setenv("KERAS_BACKEND", backend)
    assert missing_backend(ModuleNotFoundError(name=package)) is None


@pytest.mark.parametrize("backend", ["tensorflow", "torch"])
def test_reading_records_without_tensorflow(without, backend):
    code = "import keras_stprivacy as stp; stp.data.clip_dataset"
    said = fails(code, without("tensorflow", backend))
    assert said.splitlines()[-1] == (
        "ImportError: Clip records are read with TensorFlow, whichever backend trains. Install it: "
        "pip install 'keras-stprivacy[tensorflow]'"
    )
    assert "direct cause" in said


def test_exporting_without_tensorflow(without, tmp_path, monkeypatch):
    model = tmp_path / "model.keras"
    with zipfile.ZipFile(model, "w") as archive:
        archive.writestr("config.json", "{}")
        archive.writestr("model.weights.h5", "")
    monkeypatch.setenv("PYTHONPATH", without("tensorflow", "torch")["PYTHONPATH"])
    with pytest.raises(ExportError, match=r"exporting needs TensorFlow.*keras-stprivacy\[tensorf"):
        saved_model(model, tmp_path / "serving")
