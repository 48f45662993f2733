"""The SavedModel, written from the backend under test and read by a TensorFlow without Keras."""

import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from broken_models import spoil
from tiny_anonymizer import GRID, HEIGHT, NUM_FRAMES, WIDTH, tiny_anonymizer

from keras_stprivacy.export import saved_model
from keras_stprivacy.export._worker import export
from keras_stprivacy.export.deployed import DeployedAnonymizer

READER = """
import sys

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("keras", "keras_stprivacy", "tf_keras"):
            raise ModuleNotFoundError(f"{name} is blocked", name=name)

for name in [name for name in sys.modules if name.split(".")[0] in ("keras", "tf_keras")]:
    del sys.modules[name]  # TensorFlow imports a Keras where there is one, and does without
sys.meta_path.insert(0, Block())

directory, arrays, answer = sys.argv[1:]
given = np.load(arrays)
model = tf.saved_model.load(directory)
results = {}
fixed, chosen = model.signatures["serving_default"], model.signatures["keep_ratio"]
for name, clip in (("three", given["clip"]), ("one", given["clip"][:1])):
    for key, value in fixed(clip=tf.constant(clip)).items():
        results[f"{name}/{key}"] = value.numpy()
ratio = tf.constant(given["keep_ratio"])
for key, value in chosen(clip=tf.constant(given["clip"]), keep_ratio=ratio).items():
    results[f"ratio/{key}"] = value.numpy()
refused = []
for bad in (0.0, -1.0, 1.5, float("nan")):
    try:
        chosen(clip=tf.constant(given["clip"]), keep_ratio=tf.constant([0.5, bad, 0.5]))
    except tf.errors.InvalidArgumentError as error:
        refused.append("keep_ratio must lie in (0, 1]" in str(error))
results["refused"] = np.array(refused)

saved = saved_model_pb2.SavedModel.FromString(open(directory + "/saved_model.pb", "rb").read())
graph = saved.meta_graphs[0].graph_def
nodes = list(graph.node) + [n for f in graph.library.function for n in f.node_def]
results["operations"] = np.array(sorted({n.op for n in nodes}))

for name in ("serving_default", "keep_ratio"):
    frozen = convert_variables_to_constants_v2(model.signatures[name])
    lengths = {
        op.outputs[0].shape[1]
        for op in frozen.graph.get_operations()
        if op.type == "AddV2" and op.outputs[0].shape.rank == 3 and op.outputs[0].shape[2] == 12
    }
    results[f"lengths/{name}"] = np.array(sorted(n for n in lengths if n is not None))
assert "keras" not in sys.modules and "keras_stprivacy" not in sys.modules
np.savez(answer, **results)
"""


@pytest.fixture(scope="module")
def anonymizer():
    return tiny_anonymizer()


@pytest.fixture(scope="module")
def arrays():
    shape = (3, NUM_FRAMES, HEIGHT, WIDTH, 3)
    clip = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    return {"clip": clip, "keep_ratio": np.array([0.4, 0.8, 1.0], "float32")}


@pytest.fixture(scope="module")
def exported(anonymizer, arrays, tmp_path_factory):
    """The directory of the version, and what a TensorFlow without Keras makes of it."""
    folder = tmp_path_factory.mktemp("export")
    anonymizer.save(folder / "anonymizer.keras")
    directory = saved_model(
        folder / "anonymizer.keras",
        folder / "serving" / "tiny",
        version=7,
        keep_ratio=0.5,
        card={"training_data": "none, random weights", "cmap": np.float32(0.5)},
    )
    np.savez(folder / "arrays.npz", **arrays)
    command = [sys.executable, "-c", READER, directory, folder / "arrays.npz", folder / "out.npz"]
    environment = {k: v for k, v in os.environ.items() if k != "KERAS_BACKEND"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return directory, dict(np.load(folder / "out.npz"))


@pytest.mark.any_backend
def test_cards_that_no_file_can_hold(anonymizer, tmp_path):
    for wrong in ({"cmap": float("nan")}, {"cmap": np.float32("inf")}, {"who": object()}):
        with pytest.raises(ValueError, match="card must hold what JSON can.*Received: {'"):
            saved_model(anonymizer, tmp_path, card=wrong)
    assert list(tmp_path.iterdir()) == []


def test_layout(exported):
    directory, _ = exported
    assert directory.name == "7"
    assert (directory / "saved_model.pb").is_file()
    assert [path.name for path in directory.parent.iterdir()] == ["7"]  # nothing half-written


def test_fixed_ratio_equals_the_model(anonymizer, arrays, exported):
    outputs = DeployedAnonymizer(anonymizer, keep_ratio=0.5).predict_on_batch(arrays["clip"])
    expected = {key: keras.ops.convert_to_numpy(value) for key, value in outputs.items()}
    for name, count in (("three", 3), ("one", 1)):
        clip, mask = exported[1][f"{name}/clip"], exported[1][f"{name}/decision_mask"]
        assert clip.dtype == np.uint8 and mask.dtype == np.float32
        assert mask.shape == (count, GRID[0], GRID[1] * GRID[2])
        assert np.abs(clip.astype(int) - expected["clip"][:count].astype(int)).max() <= 1
        np.testing.assert_array_equal(mask, expected["decision_mask"][:count])
    assert exported[1]["three/decision_mask"].sum() == 3 * anonymizer.num_kept(0.5)


def test_a_ratio_for_each_clip_equals_the_model(anonymizer, arrays, exported):
    for i, ratio in enumerate(arrays["keep_ratio"].tolist()):
        fixed = DeployedAnonymizer(anonymizer, keep_ratio=ratio)
        outputs = fixed.predict_on_batch(arrays["clip"][i : i + 1])
        expected = keras.ops.convert_to_numpy(outputs["clip"])[0].astype(int)
        assert np.abs(exported[1]["ratio/clip"][i].astype(int) - expected).max() <= 1
        assert exported[1]["ratio/decision_mask"][i].sum() == anonymizer.num_kept(ratio)


def test_a_ratio_outside_is_refused(exported):
    assert exported[1]["refused"].tolist() == [True] * 4


def test_stock_operations_only(exported):
    operations = set(exported[1]["operations"].tolist())
    assert not operations & {"XlaCallModule", "PyFunc", "EagerPyFunc", "PyFuncStateless"}
    assert "MatMul" in operations or "BatchMatMulV2" in operations or "Einsum" in operations


def test_dropped_tokens_leave_the_graph_of_the_fixed_ratio(anonymizer, exported):
    rows, per_row = GRID[0], GRID[1] * GRID[2]
    expected = {rows * per_row, *(rows * kept for kept in anonymizer.kept_per_row(0.5))}
    assert len(expected) == 3  # of width 12 each: all, after the first block, after the second
    assert expected <= set(exported[1]["lengths/serving_default"].tolist())
    masked = set(exported[1]["lengths/keep_ratio"].tolist())
    assert masked & expected == {rows * per_row}


def test_card(exported):
    card = json.loads((exported[0] / "model_card.json").read_text())
    assert card["keep_ratio"] == 0.5
    assert card["clip_shape"] == [NUM_FRAMES, HEIGHT, WIDTH, 3]
    assert card["tubelet_size"] == [2, 8, 8]
    assert card["decision_mask_shape"] == [GRID[0], GRID[1] * GRID[2]]
    assert card["training_data"] == "none, random weights"
    assert any("No proof of anonymity" in sentence for sentence in card["not_guaranteed"])
    assert set(card["signatures"]) == {"serving_default", "keep_ratio"}


def test_a_version_that_is_there_stays(exported, anonymizer):
    before = (exported[0] / "saved_model.pb").read_bytes()
    with pytest.raises(FileExistsError, match="version 7 is already in"):
        saved_model(anonymizer, exported[0].parent, version=7)
    assert (exported[0] / "saved_model.pb").read_bytes() == before


@pytest.mark.any_backend
@pytest.mark.parametrize("error", [None, OSError("disk full"), KeyboardInterrupt()])
def test_a_version_is_replaced_as_a_whole_or_not_at_all(anonymizer, tmp_path, monkeypatch, error):
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "saved_model.pb").write_text("older")
    rename = os.rename

    def write(request, scratch):
        os.mkdir(request["directory"])
        Path(request["directory"], "saved_model.pb").write_text("newer")

    def fail(source, target):
        if error is not None and Path(source).name == "saved_model":
            raise error
        rename(source, target)

    module = sys.modules["keras_stprivacy.export.saved_model"]  # the function has its name
    monkeypatch.setattr(module, "_run_worker", write)
    monkeypatch.setattr("os.rename", fail)
    if error is None:
        saved_model(anonymizer, tmp_path, overwrite=True)
    else:
        with pytest.raises(type(error)):
            saved_model(anonymizer, tmp_path, overwrite=True)
    content = (tmp_path / "1" / "saved_model.pb").read_text()
    assert content == ("newer" if error is None else "older")
    assert [path.name for path in tmp_path.iterdir()] == ["1"]


def test_errors_of_the_exporting_process_come_back(tmp_path, monkeypatch):
    """They are its own, and not those of files that happen to be in the user's folder."""
    (tmp_path / "tensorflow.py").write_text("raise RuntimeError('code of a stranger ran')")
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "dense.keras"
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save(path)
    with pytest.raises(TypeError, match=r"must be an anonymizer.*TypeError in the exporting"):
        saved_model(path, tmp_path / "serving")
    assert list((tmp_path / "serving").iterdir()) == []


@pytest.mark.any_backend
@pytest.mark.parametrize("part", ["embedding", "head"])
def test_weights_that_are_not_finite_are_not_exported(tmp_path, part):
    spoil(tiny_anonymizer(), part).save(tmp_path / "broken.keras")
    with pytest.raises(ValueError, match=f"NaN or infinity, the first is .*{part}"):
        export(str(tmp_path / "broken.keras"), str(tmp_path / "serving"), None, {})
    assert not (tmp_path / "serving").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"keep_ratio": 0.0}, r"keep_ratio must be a number in \(0, 1\]"),
        ({"keep_ratio": 1.2}, r"keep_ratio must be a number in \(0, 1\]"),
        ({"version": 0}, "version must be a positive integer"),
        ({"version": "1"}, "version must be a positive integer"),
    ],
)
def test_bad_arguments(anonymizer, tmp_path, arguments, message):
    with pytest.raises(ValueError, match=message):
        saved_model(anonymizer, tmp_path / "serving", **arguments)
    assert not (tmp_path / "serving").exists()


def test_bad_models(tmp_path):
    with pytest.raises(FileNotFoundError, match="no model file"):
        saved_model(tmp_path / "none.keras", tmp_path / "serving")
    with pytest.raises(TypeError, match=r"must be an anonymizer.*Received: a int"):
        saved_model(3, tmp_path / "serving")
    assert not (tmp_path / "serving").exists()
