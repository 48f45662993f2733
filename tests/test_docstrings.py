"""Every example in a docstring runs and gives what it says."""

import ast
import doctest
import importlib
import io
from pathlib import Path

import keras
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def _modules():
    """Names of the modules with examples, those of other backends left out."""
    for package in ("keras_stprivacy", "tfrecords_tools"):
        for path in sorted((ROOT / package).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            if ">>> " in path.read_text() and ".steps." not in name:
                yield name


@pytest.mark.any_backend
@pytest.mark.parametrize("name", list(_modules()))
def test_examples(name, tmp_path, monkeypatch):
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != "tensorflow":
            raise
        pytest.skip("needs TensorFlow")
    import keras_stprivacy

    monkeypatch.chdir(tmp_path)  # examples may write files
    shared = {"np": np, "keras": keras, "ops": keras.ops, "stp": keras_stprivacy}
    finder = doctest.DocTestFinder(exclude_empty=True)
    runner = doctest.DocTestRunner(optionflags=OPTIONS)
    report = io.StringIO()
    tried = 0
    for test in finder.find(module, globs={**shared, **vars(module)}):
        tried += len(test.examples)
        runner.run(test, out=report.write)
    assert tried, "no example was found by doctest"
    assert not runner.failures, report.getvalue()


def _public(tree):
    """Public classes and functions of a module, and public methods of its classes."""
    for node in tree.body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and not node.name.startswith("_"):
            yield node.name, node
            if isinstance(node, ast.ClassDef):
                for inner in node.body:
                    if isinstance(inner, ast.FunctionDef) and not inner.name.startswith("_"):
                        yield f"{node.name}.{inner.name}", inner


# What Keras documents: methods that override its own.
OF_KERAS = {
    "build",
    "call",
    "compute_output_shape",
    "compute_output_spec",
    "get_config",
    "from_config",
}


@pytest.mark.any_backend
@pytest.mark.parametrize("package", ["layers", "losses", "metrics", "models"])
def test_what_is_public_is_documented(package):
    for path in (ROOT / "keras_stprivacy" / package).glob("[a-z]*.py"):
        for name, node in _public(ast.parse(path.read_text())):
            if name.split(".")[-1] in OF_KERAS or "." in name:
                continue
            text = ast.get_docstring(node)
            assert text, f"{path.name}: {name} has no docstring"
            assert text.splitlines()[0].endswith((".", "?")), f"{path.name}: {name}: {text}"
