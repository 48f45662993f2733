"""A new dataset is one file: the one of the documentation."""

import pathlib
import re
import sys

import click.testing
import pytest
from made_videos import write_video

import tfrecords_tools.cli.convert as convert_module
import tfrecords_tools.datasets
from keras_stprivacy.data import dataset_info
from tfrecords_tools.splits import splits

pytestmark = pytest.mark.any_backend

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "datasets.md"


def test_the_file_of_the_documentation_becomes_a_command(tmp_path, monkeypatch):
    pytest.importorskip("tensorflow")
    (code,) = re.findall(r"```python\n(\"\"\"My dataset.*?)```", PAGE.read_text(), re.DOTALL)
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "docs_mine.py").write_text(code)
    # As if it were put beside the others.
    here = [*tfrecords_tools.datasets.__path__, str(tmp_path / "package")]
    monkeypatch.setattr(tfrecords_tools.datasets, "__path__", here)
    tfrecords_tools.datasets.adapters.cache_clear()
    try:
        adapter = tfrecords_tools.datasets.adapters()["mine"]
        for name in ("jump-001-with", "jump-101-without", "run-007-without", "jump-001-without"):
            write_video(tmp_path / "in" / f"{name}.mp4")
        command = convert_module._command(adapter)
        arguments = [str(tmp_path / "in"), str(tmp_path / "out"), "--workers", "1"]
        result = click.testing.CliRunner().invoke(
            command, [*arguments, "--last-training-clip", "99", "--quiet"]
        )
        assert result.exit_code == 0, result.output
        info = dataset_info(tmp_path / "out")
        assert info.class_names == ("jump", "run") and info.attribute_names == ("glasses",)
        assert {split: info.num_clips(split) for split in info.splits} == {"test": 1, "train": 3}
        assert splits(tmp_path / "out").groups == {"test": 1, "train": 2}
    finally:
        sys.modules.pop("tfrecords_tools.datasets.docs_mine", None)
        tfrecords_tools.datasets.adapters.cache_clear()
