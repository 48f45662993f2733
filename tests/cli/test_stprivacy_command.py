"""`stprivacy`: exit codes, what goes to which stream, and messages without tracebacks."""

import json
import os
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from click.testing import CliRunner
from tiny_anonymizer import tiny_anonymizer

from keras_stprivacy.cli.main import main

SOURCE = "testdata/odd/three_frames.mp4"


@pytest.fixture(scope="module")
def model_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "anonymizer.keras"
    tiny_anonymizer().save(path)
    return str(path)


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_anonymize(model_file, tmp_path, shared_dir):
    out = tmp_path / "out.mp4"
    result = run("anonymize", shared_dir / SOURCE, out, "--model", model_file, "--keep-ratio", 0.5)
    assert result.exit_code == 0, result.output
    expected = f"{out}: 3 frames, 30 fps, 320x240, keep ratio 0.5, no sound\n"
    assert result.stdout == expected
    assert out.is_file()


@pytest.mark.any_backend
def test_sound_comes_with_a_warning_on_standard_error(model_file, tmp_path, shared_dir):
    source = shared_dir / "testdata/odd/with_audio.mp4"
    result = run("anonymize", source, tmp_path / "out.mp4", "-m", model_file, "--audio")
    assert result.exit_code == 0, result.output
    assert result.stdout.endswith("sound copied\n")
    assert "Warning: the sound is copied unchanged: voices identify people" in result.stderr


@pytest.mark.any_backend
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--keep-ratio", "1.5"], "keep_ratio must be a number in (0, 1]"),
        (["--codec", "none_such"], "codec 'none_such' cannot be written"),
    ],
)
def test_errors_end_with_code_1(model_file, tmp_path, shared_dir, arguments, message):
    out = tmp_path / "out.mp4"
    result = run("anonymize", shared_dir / SOURCE, out, "-m", model_file, *arguments)
    assert result.exit_code == 1
    assert message in result.stderr
    assert result.stdout == ""
    assert "Traceback" not in result.output
    assert not out.exists()


@pytest.mark.any_backend
def test_a_file_that_is_no_model(tmp_path, shared_dir):
    noise = tmp_path / "noise.keras"
    noise.write_bytes(np.random.default_rng(0).bytes(999))
    for arguments in (
        ("anonymize", shared_dir / SOURCE, tmp_path / "out.mp4", "--model", noise),
        ("export", noise, tmp_path / "serving"),
    ):
        result = run(*arguments)
        assert result.exit_code == 1
        assert "is not a .keras file (not a zip archive)" in result.stderr


@pytest.mark.any_backend
@pytest.mark.parametrize(
    "arguments",
    [
        ["anonymize", "in.mp4", "out.mp4"],
        ["anonymize", "in.mp4", "--model", "m.keras"],
        ["anonymize", "in.mp4", "out.mp4", "--model", "m.keras", "--keep-ratio", "half"],
        ["anonymize", "in.mp4", "out.mp4", "--model", "m.keras", "--batch-size", "0"],
        ["none-such"],
    ],
)
def test_wrong_usage_ends_with_code_2(arguments):
    result = run(*arguments)
    assert result.exit_code == 2
    assert "Usage:" in result.stderr


@pytest.mark.any_backend
def test_help_shows_examples_before_options():
    for arguments in (["--help"], ["anonymize", "-h"], ["export", "-h"]):
        result = run(*arguments)
        assert result.exit_code == 0
        assert 0 < result.stdout.index("Examples:") < result.stdout.index("Options:")


@pytest.mark.any_backend
def test_export(model_file, tmp_path):
    card = tmp_path / "card.json"
    card.write_text('{"metrics": {"leakage": 0.02}}')
    result = run("export", model_file, tmp_path / "tiny", "--model-version", 2, "--card", card)
    assert result.exit_code == 0, result.output
    written = json.loads((tmp_path / "tiny" / "2" / "model_card.json").read_text())
    assert written["metrics"] == {"leakage": 0.02}
    assert result.stdout == f"{tmp_path / 'tiny' / '2'}\n"
    assert (tmp_path / "tiny" / "2" / "saved_model.pb").is_file()


@pytest.mark.any_backend
@pytest.mark.parametrize("content", ["{", "[1]"])
def test_a_card_that_is_none(model_file, tmp_path, content):
    card = tmp_path / "card.json"
    card.write_text(content)
    result = run("export", model_file, tmp_path / "tiny", "--card", card)
    assert result.exit_code == 2
    assert "card.json" in result.stderr and not (tmp_path / "tiny").exists()


@pytest.mark.any_backend
def test_a_missing_backend_names_the_extra(tmp_path, shared_dir):
    """As a user meets it: a fresh process, in which `import torch` fails."""
    model = tmp_path / "model.keras"
    with zipfile.ZipFile(model, "w") as archive:
        archive.writestr("config.json", "{}")
        archive.writestr("model.weights.h5", "")
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\n"
        "class Block:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] == 'torch':\n"
        "            raise ModuleNotFoundError(f'No module named {name!r}', name=name)\n"
        "sys.meta_path.insert(0, Block())\n"
    )
    command = [sys.executable, "-m", "keras_stprivacy.cli.main", "anonymize"]
    done = subprocess.run(
        [*command, shared_dir / SOURCE, tmp_path / "out.mp4", "--model", model],
        env=os.environ | {"KERAS_BACKEND": "torch", "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "KERAS_BACKEND=torch needs the package 'torch'" in done.stderr
    assert "pip install 'keras-stprivacy[torch]'" in done.stderr
    assert "Traceback" not in done.stderr
