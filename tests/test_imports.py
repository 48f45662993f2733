"""Who may import whom, as the house rules say, and what importing the package costs."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.any_backend

ROOT = Path(__file__).resolve().parents[1]
FILES = [
    p for package in ("keras_stprivacy", "tfrecords_tools") for p in (ROOT / package).rglob("*.py")
]

# Modules that import nothing of the house, so that everybody may import them. `scores` and `floors`
# are NumPy and scikit-learn alone: evaluations and `tfrecords_tools` must print the same numbers.
LEAVES = {"version", "keep_ratio", "scores", "floors"}
OF_LAYERS = {"layers", "losses", "metrics"}
MAY_IMPORT = {
    "layers": set(),
    "losses": set(),
    "metrics": set(),
    "data": set(),
    "detection": set(),
    "models": OF_LAYERS,
    "training": {"models", *OF_LAYERS},
    "evaluation": {"training", "models", "data", *OF_LAYERS},
    "baselines": {"training", "models", "data", *OF_LAYERS},
    "benchmark": {"baselines", "evaluation", "data", "detection"},
    "export": {"models"},  # registers the classes that a file may hold
    "video": {"data", "export"},
}
# Where a library that not everybody has may be imported.
ONLY_IN = {
    "tensorflow": (
        "keras_stprivacy/data/pipeline",
        "keras_stprivacy/export/",
        "keras_stprivacy/training/feeding/tensorflow.py",
        "keras_stprivacy/training/steps/tensorflow.py",
        "keras_stprivacy/models/tensor_values/tensorflow.py",
        "tfrecords_tools/",
    ),
    "jax": (
        "keras_stprivacy/training/steps/jax.py",
        "keras_stprivacy/layers/residual/jax.py",
        "keras_stprivacy/models/tensor_values/jax.py",
    ),
    # PyTorch reads its own files, within the function that does.
    "torch": (
        "keras_stprivacy/training/steps/torch.py",
        "keras_stprivacy/evaluation/random_state/torch.py",
        "keras_stprivacy/models/tensor_values/torch.py",
        "keras_stprivacy/models/weight_files.py",
    ),
}


def _imports(path):
    """Dotted names of all that a file imports, within functions too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute here"
            if node.module in ("keras_stprivacy", "tfrecords_tools"):
                yield from (f"{node.module}.{alias.name}" for alias in node.names)
            else:
                yield node.module


def _rooms(path):
    """The rooms of keras_stprivacy that a file imports from."""
    names = (name.split(".") for name in _imports(path))
    rooms = {name[1] for name in names if name[0] == "keras_stprivacy" and len(name) > 1}
    return rooms - LEAVES - {"__version__"}


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_rooms_import_what_they_may(room):
    for path in (ROOT / "keras_stprivacy" / room).rglob("*.py"):
        others = _rooms(path) - {room}
        assert others <= MAY_IMPORT[room], f"{path} imports {others - MAY_IMPORT[room]}"
        assert not any(name.startswith("tfrecords_tools") for name in _imports(path)), path


def test_every_room_has_a_rule():
    rooms = {
        path.name
        for path in (ROOT / "keras_stprivacy").iterdir()
        if (path / "__init__.py").is_file()
    }
    assert rooms - {"cli"} <= set(MAY_IMPORT)  # cli may import all


def test_tfrecords_tools_import_data_and_detection_alone():
    for path in (ROOT / "tfrecords_tools").rglob("*.py"):
        assert _rooms(path) <= {"data", "detection"}, path


def test_leaves_import_nothing_of_the_house():
    for leaf in LEAVES:
        assert _rooms(ROOT / "keras_stprivacy" / f"{leaf}.py") == set()


@pytest.mark.parametrize("library", ONLY_IN)
def test_backends_are_imported_in_their_own_files(library):
    for path in FILES:
        if any(name.split(".")[0] == library for name in _imports(path)):
            place = path.relative_to(ROOT).as_posix()
            assert place.startswith(ONLY_IN[library]), f"{place} imports {library}"


@pytest.mark.parametrize(
    ("module", "unwanted"),
    [
        ("keras_stprivacy", {"tensorflow", "jax", "torch", "keras", "av", "sklearn"}),
        ("keras_stprivacy.cli.main", {"tensorflow", "jax", "torch", "keras"}),
        ("tfrecords_tools", {"tensorflow", "jax", "torch", "keras"}),
    ],
)
def test_importing_is_cheap(module, unwanted):
    code = f"import sys, {module}; print(sorted({unwanted!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd="/")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


def test_classes_are_registered_where_keras_is_there():
    names = ["Anonymizer", "Recognizer", "STPrivacy", "Initialization", "MaskedSelfAttention"]
    code = (
        "import keras, keras_stprivacy; get = keras.saving.get_registered_object; "
        f"print([n for n in {names} if get('keras_stprivacy>' + n) is None])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd="/")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


def test_rooms_are_found_on_first_use():
    import keras_stprivacy

    assert "models" in dir(keras_stprivacy)
    assert keras_stprivacy.__version__.count(".") == 2
    with pytest.raises(AttributeError, match="has no attribute 'kitchen'"):
        keras_stprivacy.kitchen  # noqa: B018
